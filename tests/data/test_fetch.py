import hashlib
import json
import os
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
import yaml
from archives import make_tar, make_zip
from conftest import ROOT
from owner import behave, serving

from pipeline.data.download import Patience
from pipeline.data.fetch import fetch, listing
from pipeline.data.manifest import load_photograph
from pipeline.data.photographs import list_photographs
from pipeline.data.provenance import PROVENANCE
from pipeline.data.registry import REGISTRY, gigabytes, read_registry
from pipeline.data.unpack import LISTING, Limits
from pipeline.stage import WrongInput

PARTS = ("train", "val", "test")
HASTY = Patience(timeout=0.5, waits=(0.01, 0.01))
CHANGES = [
    (("hands", "licence"), None),
    (("hands", "files", 0, "into"), "../x"),
    (("hands", "files", 0, "sha256"), "12"),
]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def archive_of(tmp_path, make=make_zip, files=None):
    return make(tmp_path / "made", files or {"top/a/1.png": b"one", "top/b/2.png": b"two"}).read_bytes()


def described(url, content=None, by_hand=None, **file):
    """A data set of one archive, whose hash is known if its content is given."""
    at, _, name = url.rpartition("/")
    known = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} if content else {}
    one = {"at": at + "/", "name": name, "into": ".", "gb": None, "bytes": None, "sha256": None} | known | file
    words = {
        "what": "hands",
        "reader": "folder",
        "root": ".",
        "page": "http://127.0.0.1/",
        "licence": "free",
        "citation": "A. Body",
    }
    return words | {"by_hand": by_hand, "files": [one]}


def get(data_set, to, **options):
    fetch("hands", data_set, to, Limits(), HASTY, **options)


def names_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("known", [True, False])
def test_a_data_set_arrives_with_its_provenance(tmp_path, known, capsys):
    content = archive_of(tmp_path)
    with serving(behave(content)) as (url, owner):
        get(described(url, content if known else None), tmp_path / "data")
        told = json.loads((tmp_path / "data" / "hands" / PROVENANCE).read_text())
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        assert (told["url"], told["licence"], told["citation"], told["files"]) == (url, "free", "A. Body", 2)
        assert names_below(tmp_path / "data" / "hands") == [PROVENANCE, LISTING, "a/1.png", "b/2.png"]
        assert ("recorded" in capsys.readouterr().out) != known

        # A second call asks nobody and changes nothing.
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "hands").rglob("*")}
        get(described(url, content), tmp_path / "data")
        assert len(owner.requests) == 1
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "hands").rglob("*")} == before
        assert "is there already" in capsys.readouterr().out


def test_only_verify_looks_at_the_files_again(tmp_path, capsys):
    content = archive_of(tmp_path)
    with serving(behave(content)) as (url, _):
        get(described(url), tmp_path / "data")
        get(described(url), tmp_path / "data", again=True)
        assert "2 files as they were unpacked" in capsys.readouterr().out
        (tmp_path / "data" / "hands" / "a" / "1.png").write_bytes(b"changed")
        get(described(url), tmp_path / "data")
        with pytest.raises(WrongInput, match=r"a/1\.png: missing or changed"):
            get(described(url), tmp_path / "data", again=True)


@pytest.mark.parametrize("content", [b"mine", None])
def test_what_a_person_put_there_is_left_alone(tmp_path, content):
    mine = tmp_path / "data" / "hands" / "mine.png"
    mine.parent.mkdir(parents=True)
    with serving(behave(archive_of(tmp_path))) as (url, owner):
        if content is None:  # an empty folder, or a link to one on another disk, is a place to put it
            mine.parent.rmdir()
            (tmp_path / "disk").mkdir()
            mine.parent.symlink_to(tmp_path / "disk")
            get(described(url), tmp_path / "data")
            assert (tmp_path / "disk" / "a" / "1.png").read_bytes() == b"one" and mine.parent.is_symlink()
            return
        mine.write_bytes(content)
        with pytest.raises(WrongInput, match="did not come by this command"):
            get(described(url), tmp_path / "data")
        assert names_below(mine.parent) == ["mine.png"] and not owner.requests


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"archive": "mine.zip", "sha256": "0"}, r"did not come by this command .*tells of mine\.zip"),
        (
            {"data_set": "gloves"} | dict.fromkeys(("url", "page", "sha256", "licence", "citation", "fetched"), "x"),
            "of x",
        ),
        ({"data_set": "hands"}, r"PROVENANCE\.json: KeyError: 'url'; expected .*fetch again"),
        ({"sha256": "0"}, r"PROVENANCE\.json: KeyError: 'archive'"),
        ([], r"PROVENANCE\.json: TypeError"),
        (None, r"PROVENANCE\.json: JSONDecodeError"),
    ],
)
def test_a_folder_of_another_origin_is_not_taken_for_the_data_set(tmp_path, record, said):
    folder = tmp_path / "data" / "hands"
    folder.mkdir(parents=True)
    (folder / PROVENANCE).write_text("{" if record is None else json.dumps(record))
    with serving(behave(archive_of(tmp_path))) as (url, owner):
        with pytest.raises(WrongInput, match=said):
            get(described(url), tmp_path / "data")
        assert not owner.requests


def test_an_archive_put_there_by_hand_is_checked_and_used(tmp_path, capsys):
    content = archive_of(tmp_path)
    with serving(behave(status=404)) as (url, owner):
        asks = described(url, content, by_hand=["Fill in the form at the owner's page.", "Then wait."])
        with pytest.raises(WrongInput, match=r"put hands\.zip into .*downloads/hands and call again"):
            get(asks, tmp_path / "data")
        assert capsys.readouterr().out.splitlines() == asks["by_hand"]
        place = tmp_path / "data" / "downloads" / "hands" / "hands.zip"
        place.write_bytes(content[:-1] + b"?")
        with pytest.raises(WrongInput, match=r"hands\.zip: sha256 [0-9a-f]{64}; expected .* move it away"):
            get(asks, tmp_path / "data")
        place.write_bytes(content[:-1])
        with pytest.raises(WrongInput, match=rf"hands\.zip: bytes {len(content) - 1}; expected {len(content)}; move"):
            get(asks, tmp_path / "data")
        place.write_bytes(content)
        get(asks, tmp_path / "data")
        assert (tmp_path / "data" / "hands" / "b" / "2.png").read_bytes() == b"two" and not owner.requests
        assert place.exists()


def test_archives_are_dropped_only_on_request(tmp_path):
    content = archive_of(tmp_path)
    with serving(behave(content)) as (url, _):
        get(described(url), tmp_path / "kept")
        get(described(url), tmp_path / "dropped", drop_archives=True)
        get(described(url), tmp_path / "later")
        get(described(url), tmp_path / "later", drop_archives=True)
    assert not (tmp_path / "later" / "downloads" / "hands" / "hands.zip").exists()
    assert (tmp_path / "later" / "hands" / "a" / "1.png").exists()
    assert (tmp_path / "kept" / "downloads" / "hands" / "hands.zip").exists()
    assert not (tmp_path / "dropped" / "downloads" / "hands" / "hands.zip").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<html>sorry</html>", "neither ZIP nor tar"), ("cut", "cut or damaged"), ("outside", "not a name below")],
)
def test_a_wrong_archive_leaves_no_data_set(tmp_path, content, said):
    if content == "cut":
        content = archive_of(tmp_path)[:-30]
    elif content == "outside":
        content = archive_of(tmp_path, make_tar, {"good.png": b"", "../evil.png": b""})
    with serving(behave(content)) as (url, _), pytest.raises(WrongInput, match=said):
        get(described(url), tmp_path / "data")
    assert names_below(tmp_path / "data") == ["downloads/hands/.lock", "downloads/hands/hands.zip"]


def test_of_several_archives_the_finished_ones_are_kept(tmp_path):
    first, second = archive_of(tmp_path), archive_of(tmp_path, files={"x/3.png": b"three"})
    with serving(behave(first), behave(status=404), behave(second)) as (url, owner):
        both = described(url, into="train/a")
        both["files"].append(both["files"][0] | {"name": "more.zip", "into": "test"})
        with pytest.raises(WrongInput, match=r"more\.zip: HTTP 404.*data set hands; its page"):
            get(both, tmp_path / "data")
        assert (tmp_path / "data" / "hands" / "train" / "a" / "b" / "2.png").exists()
        get(both, tmp_path / "data")
        assert (tmp_path / "data" / "hands" / "test" / "3.png").read_bytes() == b"three"
        assert len(owner.requests) == 3


def test_the_readers_read_what_was_fetched(tmp_path):
    """The registry's folders are the readers' layouts, whether or not an archive has a folder of its own in it."""
    png = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    entry = {"bboxes": [[0, 0, 1, 1]], "labels": ["call"], "user_id": "ann", "landmarks": [[[0.5, 0.5]] * 21]}
    notes = json.dumps({"0": entry}).encode()
    frame = "images/final/clip/1/*.png_fn000001-0.png"
    hands = "danish_nz_ph2014/clip/1/*.png_fn000001-0.png"
    archives = {
        "ph2014-dev-set-handshape-annotations.tar.gz": {
            f"ph2014/{frame}": png,
            "ph2014/1-ph2014-MS-handshape-annotations.txt": f"{frame} index\n".encode(),
        },
        "1miohands-v2-training.tar.gz": {
            f"1miohands/{hands}": png,
            "1miohands/1miohands-v2-trainingalignment.txt": f"/owner/joint/{hands} 36\n".encode(),
        },
        "ann_train_val.zip": {"ann_train_val/call.json": notes},
        "ann_test.zip": {"call.json": b"{}", "fist.json": b"{}"},
        "train_val_call.zip": {"call/0.jpg": png},
        "hagrid_512.zip": {"hagrid_512/call/0.jpg": png, "hagrid_512/fist/1.jpg": png},
        "annotations.zip": {f"annotations/{part}/call.json": notes if part == "val" else b"{}" for part in PARTS},
        "call.zip": {"0.jpg": png},
        "hagridv2_512.zip": {"HaGRIDv2_dataset_512/call/0.jpg": png, "HaGRIDv2_dataset_512/fist/1.jpg": png},
        "4b09433ef9d5c60602e8805bb54b8aa2428527f8.zip": {"Signs-4b09/README": b"", "Signs-4b09/Dataset/7/a.png": png},
    }
    found = {}
    for name, data_set in read_registry(REGISTRY).items():
        data_set["files"] = [file for file in data_set["files"] if file["name"] in archives]
        for file in data_set["files"]:
            place = tmp_path / "downloads" / name / file["name"]
            place.parent.mkdir(parents=True, exist_ok=True)
            (make_tar if "tar" in file["name"] else make_zip)(place, archives[file["name"]])
            file["bytes"] = None
        fetch(name, data_set, tmp_path, Limits(), HASTY)
        rows = list_photographs(data_set["reader"], tmp_path / name / data_set["root"], "all")
        found[name] = [load_and_name(row) for row in rows.to_dict("records")]
    assert found == {"rwth": ["index"], "million_hands": ["index"], "digits": ["7"]} | {
        name: ["call"] for name in found if name.startswith("hagrid")
    }


def load_and_name(row):
    assert load_photograph(row["path"]).shape == (4, 4, 3)
    return row["class"]


def test_two_calls_do_not_fetch_into_each_other(tmp_path):
    content = archive_of(tmp_path)
    with serving(behave(content, stop_at=10, stall=True), behave(content)) as (url, owner):
        data_set = described(url)
        first = threading.Thread(target=get, args=(data_set, tmp_path / "data"))
        first.start()
        while not owner.requests:
            first.join(0.01)
        with pytest.raises(WrongInput, match="another call is fetching"):
            get(data_set, tmp_path / "data")
        first.join()
        assert (tmp_path / "data" / "hands" / "a" / "1.png").read_bytes() == b"one"


def test_a_killed_call_is_gone_on_with(tmp_path):
    content = archive_of(tmp_path, files={f"{number}.png": os.urandom(9000) for number in range(40)})
    with serving(behave(content, stop_at=100_000, stall=True), behave(content)) as (url, owner):
        data_set = described(url, content)
        (tmp_path / "data" / ".hands.unpacking").mkdir(parents=True)
        (tmp_path / "data" / ".hands.unpacking" / "0.png").write_bytes(b"of a call killed while it unpacked")
        call = f"""
from pathlib import Path
from pipeline.data.fetch import Limits, Patience, fetch
fetch("hands", {data_set!r}, Path({str(tmp_path / "data")!r}), Limits(), Patience())
"""
        part = tmp_path / "data" / "downloads" / "hands" / "hands.zip.part"
        with subprocess.Popen([sys.executable, "-c", call], cwd=ROOT) as killed:
            while not part.exists() or part.stat().st_size < 100_000:
                assert killed.poll() is None
                time.sleep(0.02)
            killed.kill()
        get(data_set, tmp_path / "data")
        assert owner.requests[1]["Range"] == "bytes=100000-"
    assert len(list((tmp_path / "data" / "hands").glob("*.png"))) == 40
    assert not (tmp_path / "data" / ".hands.unpacking").exists()


def command(folder, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-m", "pipeline.data.fetch", *arguments]
    return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_command_lists_and_refuses_in_one_line(tmp_path):
    assert "hagrid_v2_512" in command(tmp_path).stdout
    (tmp_path / "data" / "rwth").mkdir(parents=True)
    (tmp_path / "data" / "rwth" / "mine").write_text("")
    done = command(tmp_path, "rwth")
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_the_registry_is_complete_and_says_what_it_does_not_know():
    registry = read_registry(REGISTRY)
    assert set(registry) == {"rwth", "million_hands", "hagrid", "hagrid_512", "hagrid_v2", "hagrid_v2_512", "digits"}
    # HaGRID's README: 716 "GB" of 2^30 bytes and more, 18 gestures; version 2 has 33 of them and 1.5 TB.
    assert gigabytes(registry["hagrid"])[0] == pytest.approx(716 * 1.0737, rel=0.01)
    assert gigabytes(registry["hagrid_v2"])[0] == pytest.approx(1500, rel=0.05)
    assert [len(registry[name]["files"]) for name in ("hagrid", "hagrid_v2")] == [18 + 3, 33 + 1]
    for data_set in registry.values():
        assert len({file["at"] + file["name"] for file in data_set["files"]}) == len(data_set["files"])
    assert "of unknown size" in listing(registry)


@pytest.mark.parametrize(("place", "value"), CHANGES)
def test_a_registry_that_does_not_fit_its_schema_is_named(tmp_path, place, value):
    registry = {"hands": described("http://127.0.0.1/x.zip")}
    inner = registry
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "registry.yaml").write_text(yaml.safe_dump(registry))
    with pytest.raises(WrongInput, match=rf"registry\.yaml, {'.'.join(map(str, place))}: .*mend"):
        read_registry(tmp_path / "registry.yaml")
