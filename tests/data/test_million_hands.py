import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

from pipeline.data.manifest import read_manifest
from pipeline.data.million_hands import HANDSHAPES
from pipeline.data.photographs import list_photographs
from pipeline.stage import WrongInput

OWNERS = "/elsewhere/features/joint/danish_nz_ph2014"
LISTING = "1miohands-v2-trainingalignment.txt"


def package(root, frames, lines=None):
    """The owner's layout: {path below `danish_nz_ph2014`: number}; other lines may be given."""
    for name in frames:
        path = root / "danish_nz_ph2014" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    text = [f"{OWNERS}/{name} {number}" for name, number in frames.items()]
    (root / LISTING).write_text("\n".join(text if lines is None else lines) + "\n")
    return root


def test_frames_have_the_names_of_the_owners_numbers_and_their_clips(tmp_path, capsys):
    frames = {
        "clip-2/1/*.png_fn000031-0.png": 36,
        "clip-2/1/*.png_fn000030-0.png": 1,
        "clip-1/1/*.png_fn000030-0.png": 60,
        "clip-1/1/*.png_fn000031-0.png": 0,
        "sign/0001.png": 39,
        "sign/0002.png": 39,
    }
    rows = list_photographs("million_hands", package(tmp_path, frames), "all")
    # Of the owner's table: 1 is the first, index the 36th, pincet the 39th, jesus_thumb the last of 60.
    assert rows["class"].tolist() == ["jesus_thumb", "1", "index", "pincet", "pincet"]
    assert rows["name"][0] == "danish_nz_ph2014/clip-1/1/*.png_fn000030-0.png"
    assert rows.groupby("group").size().tolist() == [1, 2, 2]
    assert set(rows["part"]) == {"train"}, "weak labels test nothing"
    assert "1 frames of no hand shape and 0 without an image" in capsys.readouterr().out


def test_every_class_of_rwth_is_among_the_hand_shapes():
    datasets = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"]
    assert len(set(HANDSHAPES)) == 60
    assert set(datasets["rwth"]["classes"]) <= set(HANDSHAPES)
    assert datasets["million_hands"]["classes"] == HANDSHAPES
    # It lends its images, of which none is kept back to test.
    assert datasets["million_hands"]["split"]["kind"] == "untested"


def test_windows_names_are_found_and_missing_frames_counted(tmp_path, capsys):
    lines = [f"{OWNERS}/clip/1/*.png_fn00000{number}-0.png 3" for number in (1, 2)]
    package(tmp_path, {"clip/1/_.png_fn000001-0.png": 3}, lines)
    rows = list_photographs("million_hands", tmp_path, "all")
    assert rows["path"].tolist() == [str(tmp_path / "danish_nz_ph2014/clip/1/_.png_fn000001-0.png")]
    assert "1 without an image" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{OWNERS}/a/1.png 61", "expected a path and a number up to 60"),
        (f"{OWNERS}/a/1.png -1", "expected a path and a number"),
        (f"{OWNERS}/a/1.png", "expected a path and a number"),
        ("/elsewhere/a/1.png 3", "expected `…/joint/"),
        ("x/joint/../../a/1.png 3", "expected `…/joint/"),
        (f"{OWNERS}/a\0/1.png 3", "expected `…/joint/"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, said):
    package(tmp_path, {"a/1.png": 1}, [f"{OWNERS}/a/1.png 1", line])
    with pytest.raises(WrongInput, match=rf"trainingalignment\.txt, line 2: .*{said}"):
        list_photographs("million_hands", tmp_path, "all")


def test_a_frame_listed_twice_is_named(tmp_path):
    package(tmp_path, {"a/1.png": 1}, [f"{OWNERS}/a/1.png 1", f"{OWNERS}/a/1.png 2"])
    with pytest.raises(WrongInput, match=r"line 2: danish_nz_ph2014/a/1\.png is listed twice"):
        list_photographs("million_hands", tmp_path, "all")


def test_a_folder_without_the_alignment_says_what_to_fetch(tmp_path):
    with pytest.raises(WrongInput, match=r"found 0 files named .*fetch million_hands"):
        list_photographs("million_hands", tmp_path, "all")


def test_the_manifest_of_many_frames_needs_little_memory(tmp_path):
    """Held in memory, these rows take 80 MB and more."""
    frames = 150_000
    package(tmp_path, {"clip/0000000.png": 1})
    with open(tmp_path / LISTING, "w") as listing:
        for number in reversed(range(frames)):
            listing.write(f"{OWNERS}/clip/{number:07}.png {number % 61}\n")
    called = """
import resource, sys
from pathlib import Path
from pipeline.data import million_hands, photographs
million_hands._files_of = lambda folder: Everything()
class Everything:
    def __contains__(self, name): return True
photographs._HELD = 5000
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = photographs.stream_photographs("million_hands", sys.argv[1], "all")
photographs.write_manifest(Path(sys.argv[2]), rows)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    out = tmp_path / "manifest.csv"
    done = subprocess.run(
        [sys.executable, "-c", called, tmp_path, out], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rows = read_manifest(out)
    assert len(rows) == sum(number % 61 != 0 for number in range(frames))
    assert rows["name"].is_monotonic_increasing and rows["name"].is_unique
    kilobytes = int(done.stdout.splitlines()[-1]) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 40_000


@pytest.mark.parametrize("number", ["9" * 5000, "\u0663", "\u00b2", "+3", "003"])
def test_a_number_is_one_of_two_digits(tmp_path, number):
    package(tmp_path, {"a/1.png": 1}, [f"{OWNERS}/a/1.png {number}"])
    with pytest.raises(WrongInput, match=r"line 1: .*expected a path and a number"):
        list_photographs("million_hands", tmp_path, "all")
