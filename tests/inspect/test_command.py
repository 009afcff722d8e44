import base64
import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from pipeline.inspect.__main__ import main
from pipeline.stage import run_stage

SCORES, CURVE = "results/scores/toy-nall-s0-reacgan.csv", "results/classifiers/toy-nall-s0-real.csv"
SPADE = "results/generators/toy-nall-s0-spade_bones.safetensors"


@pytest.fixture
def inspected(project, monkeypatch, capsys):
    """Call the command; return its exit status, what it printed and its errors, line by line."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["inspect", *map(str, arguments)])
        status = 0
        try:
            run_stage(main)
        except SystemExit as ended:
            status = ended.code
        said = capsys.readouterr()
        return status, said.out, said.err.splitlines()

    return call


def digests(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and not {".inspected", ".sums"} & {*path.parts}]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_all_is_told_and_drawn_and_no_artifact_touched(inspected, project):
    before = digests(project)
    status, said, errors = inspected(*(path.relative_to(project) for path in sorted(before)))
    assert (status, errors) == (0, []) and digests(project) == before
    assert "rule       scores: Score generated images by a classifier" in said
    assert f"{(project / SCORES).stat().st_size:,} bytes" in said and before[project / SCORES] in said
    # Files of one name in several folders have a picture each.
    pictures = {path.relative_to(project).as_posix() for path in project.rglob(".inspected/**/*.png")}
    assert pictures == {line.split()[1] for line in said.splitlines() if line.startswith("  picture    results/")}
    assert {f"results/.inspected/{kind}/toy-nall-s0-reacgan.zip.png" for kind in ("images", "filtered")} <= pictures
    assert "results/.inspected/classifiers/toy-nall-s0-real.csv.png" in pictures


def test_a_damaged_artifact_is_one_line_and_hides_no_other(inspected, project):
    (project / SCORES).write_bytes(b"")
    status, said, errors = inspected(SCORES, "results/no.zip", CURVE)
    assert status == 1 and "lowest validation loss 1.2500" in said
    assert [error.split(":")[:2] for error in errors] == [["error", f" {SCORES}"], ["error", " results/no.zip"]]


def test_a_generator_draws_the_same_images_each_time(inspected, project):
    pictures = []
    for name in ("a.png", "b.png"):
        assert inspected(SPADE, "--picture", name)[0] == 0
        pictures.append(np.asarray(Image.open(project / name)))
    assert np.array_equal(*pictures)


def test_spade_without_poses_is_told_without_a_picture(inspected, project):
    (project / "results/crops/toy-train.zip").unlink()
    status, said, _ = inspected(SPADE)
    assert status == 0 and "all values are finite" in said
    assert "picture    none: results/crops/toy-train.zip" in said.replace(str(project) + "/", "")


@pytest.mark.parametrize(
    "arguments",
    [
        [SCORES, "--picture", "results/scores/new.png"],
        [SCORES, "--picture", "results/sheets/crops/toy.png"],
        ["results/sheets/crops/toy.png", "--picture", "link/sheets/crops/toy.png"],
        [SCORES, "--picture", "scores.csv"],
        [SCORES, CURVE, "--picture", "one.png"],
        ["results/scores", "--picture", "one.png"],
    ],
)
def test_no_picture_takes_the_place_of_an_artifact(inspected, project, arguments):
    (project / "link").symlink_to(project / "results")
    before = digests(project)
    status, said, errors = inspected(*arguments)
    assert (status, said, len(errors)) == (1, "", 1) and errors[0].startswith("error: --picture")
    assert digests(project) == before


def test_a_folder_is_listed_a_line_each(inspected, project):
    (project / "results/classifiers/broken.safetensors").write_text("x")
    status, said, errors = inspected("results/classifiers")
    lines = said.splitlines()
    assert lines[0] == "results/classifiers/" and len(lines) == 6
    assert "training curve: 3 epochs, lowest validation loss 1.2500" in lines[2]
    assert "UNREADABLE" in lines[1] and status == 1 and "1 artifacts cannot be read" in errors[0]


def test_the_results_are_listed_by_folder(inspected, project):
    status, said, _ = inspected("results")
    assert status == 0 and "classifiers/" in said and "4 artifacts" in said and "table8.csv" in said
    (project / "empty").mkdir()
    assert inspected("empty")[2][0].startswith("error: empty: no artifact")


def test_settings_that_differ_from_the_record_are_named(inspected, project):
    record = {
        "rule": "generators",
        "input": [],
        "input_checksums": {},
        "params": [repr(json.dumps({"lr": 123, "z_dim": 20}))],
        "starttime": 1.0,
        "endtime": 2.0,
    }
    place = project / ".snakemake/metadata" / base64.urlsafe_b64encode(SPADE.encode()).decode()
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(record))
    said = inspected(SPADE)[1]
    assert "NOT those on record: lr\n" in said and "lr: 0.000283" in said


def test_a_table_is_told_without_waiting_for_torch(project):
    program = (
        "import sys; sys.argv = ['inspect', *sys.argv[1:]]\n"
        "from pipeline.inspect.__main__ import main\n"
        "main(); sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, SCORES, CURVE, "results/poses/toy.csv"]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
