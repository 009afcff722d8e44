import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from pipeline.poses import detectors, extract
from pipeline.poses.extract import extract_poses, summary, with_progress
from pipeline.poses.findings import arrays_of, find_hands
from pipeline.poses.hand import Hand
from pipeline.poses.memory import read_remembered
from pipeline.poses.pose_set import read_pose_set, write_pose_set
from pipeline.stage import WrongInput

LABELS = {"a": "x", "b": "y", "c": "x"}
LIMITS = {"unreadable_at_most": 0, "megapixels_at_most": 200}
OPTIONS = {"detector": "planted", "min_confidence": 0.5, "folder": None, **LIMITS}


def hand(confidence):
    return Hand(np.ones((21, 2), np.float32), np.full(21, confidence, np.float32), "left")


def rows_in(folder, *names):
    """Write a photograph of 40x30 pixels for each name, grey by its letter; return the rows of a manifest."""
    for name in names:
        cv2.imwrite(str(folder / f"{name}.png"), np.full((30, 40, 3), ord(name[0]), np.uint8))
    return [
        {"name": name, "path": str(folder / f"{name}.png"), "class": LABELS[name[0]], "landmarks": ""} for name in names
    ]


def extracted(rows, hands, limit=0):
    """Extract with hands = {name: hands}, each photograph a part."""
    parts = [
        arrays_of(find_hands([row], lambda images, rows: [hands[row["name"]] for row in rows], 0.5)) for row in rows
    ]
    return extract_poses(parts, pd.DataFrame(rows, columns=["name", "class"]), limit)


def test_a_photograph_without_a_hand_keeps_its_row_and_gets_a_reason(tmp_path):
    poses, report = extracted(rows_in(tmp_path, "a", "b", "c"), {"a": [hand(0.9)], "b": [], "c": [hand(0.3)]})
    assert poses.names.tolist() == ["a", "b", "c"] and poses.found.tolist() == [True, False, False]
    assert poses.keypoints.shape == (3, 21, 2) and np.isnan(poses.keypoints[1:]).all()
    assert poses.confidence[:, 0].tolist() == pytest.approx([0.9, 0, 0])
    assert poses.size.tolist() == [[40, 30]] * 3 and poses.side.tolist() == ["left", "", ""]
    assert report["found"].tolist() == [1, 0, 0] and report["confidence"].tolist() == pytest.approx([0.9, 0, 0.3])
    assert report["reason"].tolist() == ["", "no hand seen", "surest hand below 0.5"]


def test_the_summary_counts_in_all_and_per_class(tmp_path):
    _, report = extracted(rows_in(tmp_path, "a", "b", "c"), {"a": [hand(0.9)], "b": [], "c": []})
    assert summary(report) == ["3 images, hand found in 1 (33.3 %)", "  x: 1 of 2", "  y: 0 of 1"]


def test_unreadable_photographs_are_counted_in_one_error_that_names_the_first(tmp_path):
    rows = rows_in(tmp_path, "a", "b", "c")
    for name in "bc":
        (tmp_path / f"{name}.png").write_bytes(b"not an image")
    with pytest.raises(
        WrongInput, match=r"2 photographs.*allows 0; the first: \S+b\.png: not a readable image; restore"
    ):
        extracted(rows, {"a": []})
    with pytest.raises(WrongInput, match=r"2 photographs.*allows 1"):
        extracted(rows, {"a": []}, limit=1)


def test_as_many_unreadable_photographs_as_the_limit_allows_keep_their_rows_without_a_hand(tmp_path):
    rows = rows_in(tmp_path, "a", "b", "c")
    (tmp_path / "b.png").write_bytes(b"not an image")
    poses, report = extracted(rows, {"a": [hand(0.9)], "c": [hand(0.8)]}, limit=1)
    assert poses.found.tolist() == [True, False, True] and poses.size.tolist() == [[40, 30], [0, 0], [40, 30]]
    assert report["found"].tolist() == [1, 0, 1] and report["name"].tolist() == ["a", "b", "c"]
    assert report["reason"][1].startswith("not readable: ") and "b.png: not a readable image" in report["reason"][1]


def test_what_a_detector_refuses_of_one_photograph_costs_no_other_of_its_batch(tmp_path):
    rows = rows_in(tmp_path, "a", "b", "c")
    rows[1]["landmarks"] = "[[1, 2]]"
    rows[2]["landmarks"] = json.dumps([[4, 5]] * 21)
    detect, _ = detectors.make_detector({"detector": "given"}, None, 1)
    findings = find_hands(rows, detect, 0.5)
    assert [finding.reason[:12] for finding in findings] == ["no hand seen", "not readable", ""]
    assert "b: landmarks '[[" in findings[1].reason and findings[2].keypoints[20].tolist() == [4, 5]


def test_no_photographs_give_an_empty_set_not_an_error():
    poses, report = extract_poses([], pd.DataFrame({"name": [], "class": []}), 0)
    assert poses.keypoints.shape == (0, 21, 2) and len(report) == 0
    assert summary(report) == ["0 images, hand found in 0 (0.0 %)"]


class Planted:
    """A detector that sees one hand at the photograph's first grey value, and notes what it looked at."""

    def __init__(self):
        self.seen = []

    def __call__(self, options, weights, threads):
        return self.detect, "planted"

    def detect(self, images, photographs):
        self.seen += [int(image[0, 0, 0]) for image in images]
        return [[Hand(np.full((21, 2), image[0, 0, 0], np.float32), np.ones(21, np.float32), "")] for image in images]


@pytest.fixture
def planted(monkeypatch):
    detector = Planted()
    monkeypatch.setitem(detectors.DETECTORS, "planted", detector)
    return detector


def run(folder, rows, monkeypatch, options=OPTIONS, threads=1, memory="memory"):
    """Run the stage on rows; return the bytes of both its outputs."""
    columns = ["name", "path", "class", "landmarks"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "manifest.csv", index=False)
    paths = {"manifest": "manifest.csv", "state": "state", "memory": memory, "out": "p.npz", "report": "p.csv"}
    arguments = [f"--{name}={folder / path}" for name, path in paths.items()]
    monkeypatch.setattr("sys.argv", ["extract", f"--options={json.dumps(options)}", f"--threads={threads}", *arguments])
    extract.main()
    return [(folder / name).read_bytes() for name in ("p.npz", "p.csv")]


def test_a_data_set_that_grew_has_only_its_new_photographs_looked_at(tmp_path, planted, monkeypatch):
    run(tmp_path, rows_in(tmp_path, "a", "c"), monkeypatch)
    grown = rows_in(tmp_path, "a", "b", "c")
    (tmp_path / "c.png").rename(tmp_path / "renamed.png")
    grown[2] |= {"name": "renamed", "path": str(tmp_path / "renamed.png")}
    with_memory = run(tmp_path, grown, monkeypatch)
    assert planted.seen == [ord("a"), ord("c"), ord("b")]
    assert run(tmp_path, grown, monkeypatch, memory="another") == with_memory


def test_other_pixels_another_box_and_other_options_are_looked_at_again(tmp_path, planted, monkeypatch):
    rows = rows_in(tmp_path, "a")
    run(tmp_path, rows, monkeypatch)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((30, 40, 3), 7, np.uint8))
    run(tmp_path, rows, monkeypatch)
    run(tmp_path, [rows[0] | {"path": rows[0]["path"] + "#xywh=0,0,9,9"}], monkeypatch)
    run(tmp_path, rows, monkeypatch, OPTIONS | {"min_confidence": 0.25})
    assert planted.seen == [ord("a"), 7, 7, 7]
    run(tmp_path, rows, monkeypatch, OPTIONS | {"unreadable_at_most": 5})
    assert len(planted.seen) == 4


def test_an_edit_of_one_s_own_configuration_of_mmpose_has_photographs_looked_at_again(tmp_path, monkeypatch):
    monkeypatch.setitem(detectors.DETECTORS, "mmpose", planted := Planted())
    config, rows = tmp_path / "hand.py", rows_in(tmp_path, "a")
    options = OPTIONS | {"detector": "mmpose", "mmpose": {"config": str(config)}}
    for content in ("size = 256", "size = 256", "size = 384"):
        config.write_text(content)
        run(tmp_path, rows, monkeypatch, options)
    assert len(planted.seen) == 2


def test_a_photograph_of_more_pixels_than_a_parameter_allows_is_refused_or_left_out(tmp_path, planted, monkeypatch):
    rows = rows_in(tmp_path, "a", "b")
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((31, 40, 3), np.uint8))
    options = OPTIONS | {"megapixels_at_most": 40 * 30 / 1e6}
    with pytest.raises(WrongInput, match=r"b\.png: 40x31 pixels; expected at most 0\.0012 million;.* megapixels_at"):
        run(tmp_path, rows, monkeypatch, options)
    run(tmp_path, rows, monkeypatch, options | {"unreadable_at_most": 1})
    assert planted.seen == [ord("a")]


def test_a_killed_job_goes_on_after_its_last_finished_part(tmp_path, planted, monkeypatch):
    monkeypatch.setattr(extract, "PART", 2)
    names = [f"{letter}{number}" for number in range(2) for letter in "abc"]
    rows = rows_in(tmp_path, *names)
    undisturbed = run(tmp_path, rows, monkeypatch)
    shutil.rmtree(tmp_path / "memory")
    assert not (tmp_path / "state").exists()

    def killed(images, photographs):
        if photographs[0]["name"] == "b1":
            raise KeyboardInterrupt
        return Planted().detect(images, photographs)

    monkeypatch.setattr(planted, "detect", killed)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, rows, monkeypatch)
    monkeypatch.undo()
    monkeypatch.setattr(extract, "PART", 2)
    later = Planted()
    monkeypatch.setitem(detectors.DETECTORS, "planted", later)
    shutil.rmtree(tmp_path / "memory")
    assert run(tmp_path, rows, monkeypatch) == undisturbed
    assert later.seen == [ord(name[0]) for name in names[4:]]
    assert not (tmp_path / "state").exists()


def test_a_mended_photograph_is_read_again_when_the_job_goes_on(tmp_path, planted, monkeypatch):
    rows = rows_in(tmp_path, "a", "b", "c")
    (tmp_path / "b.png").write_bytes(b"not an image")
    with pytest.raises(WrongInput, match="1 photographs"):
        run(tmp_path, rows, monkeypatch)
    rows_in(tmp_path, "b")
    run(tmp_path, rows, monkeypatch)
    assert read_pose_set(tmp_path / "p.npz").keypoints[:, 0, 0].tolist() == [ord(letter) for letter in "abc"]


def test_a_photograph_replaced_after_its_part_was_kept_is_looked_at_when_the_job_goes_on(
    tmp_path, planted, monkeypatch
):
    monkeypatch.setattr(extract, "PART", 1)
    rows = rows_in(tmp_path, "a", "b")
    with monkeypatch.context() as dying:
        dying.setattr(extract, "extract_poses", lambda parts, *_: (list(parts), 1 // 0))
        with pytest.raises(ZeroDivisionError):
            run(tmp_path, rows, dying)
    cv2.imwrite(str(tmp_path / "b.png"), np.full((30, 40, 3), 7, np.uint8))
    run(tmp_path, rows, monkeypatch)
    assert read_pose_set(tmp_path / "p.npz").keypoints[:, 0, 0].tolist() == [ord("a"), 7]
    assert planted.seen == [ord("a"), ord("b"), 7]


def test_after_too_many_unreadable_photographs_the_rest_is_only_counted(tmp_path, planted, monkeypatch):
    monkeypatch.setattr(extract, "PART", 1)
    rows = rows_in(tmp_path, "a", "b", "c", "a2", "b2")
    for name in ("b", "b2"):
        (tmp_path / f"{name}.png").write_bytes(b"not an image")
    with pytest.raises(WrongInput, match="2 photographs"):
        run(tmp_path, rows, monkeypatch)
    assert planted.seen == [ord("a")]


def remembered_in(folder):
    return {key for file in folder.glob("*/*.npz") for key in read_remembered(file)["key"].tolist()}


def test_the_poses_do_not_depend_on_the_number_of_processes(tmp_path, planted, monkeypatch):
    monkeypatch.setattr(extract, "PART", 2)
    rows = rows_in(tmp_path, *[f"{letter}{number}" for number in range(4) for letter in "abc"])
    alone = run(tmp_path, rows, monkeypatch)
    remembered = remembered_in(tmp_path / "memory")
    shutil.rmtree(tmp_path / "memory")
    assert run(tmp_path, rows, monkeypatch, threads=3) == alone
    # In which files depends on what the other processes had written by then.
    assert remembered_in(tmp_path / "memory") == remembered and len(remembered) == 3
    assert len(planted.seen) == 12  # those of the first run: the second one's were seen elsewhere


def test_poses_come_back_from_their_file_and_equal_poses_are_equal_files(tmp_path):
    poses, _ = extracted(rows_in(tmp_path, "a", "b", "c"), {"a": [hand(0.9)], "b": [], "c": []})
    poses.names[1] = "ü"
    poses.detector = "a test"
    for name in ("one.npz", "two.npz"):
        write_pose_set(tmp_path / name, poses)
    again = read_pose_set(tmp_path / "one.npz")
    assert np.array_equal(again.keypoints, poses.keypoints, equal_nan=True)
    assert again.names.tolist() == ["a", "ü", "c"] and again.detector == "a test"
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off", b"text"])
def test_a_damaged_or_missing_file_of_poses_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "poses.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongInput, match=r"poses\.npz"):
        read_pose_set(path)


def test_progress_passes_every_part_on_in_order(monkeypatch, capsys):
    seconds = iter(range(0, 1000, 4))
    monkeypatch.setattr("pipeline.poses.extract.time.monotonic", lambda: next(seconds))
    parts = [{"score": np.zeros(count), "number": number} for number, count in enumerate((2, 2, 2))]
    assert [part["number"] for part in with_progress(iter(parts), 6)] == [0, 1, 2]
    # The second part comes after 8 s: 4 done at 1/2 per second, 2 to go.
    assert capsys.readouterr().out.splitlines() == ["4/6 images, 0.5 images/s, 4 s left"]


def test_a_pose_that_two_photographs_may_claim_stops_the_stage(tmp_path, monkeypatch):
    (tmp_path / "poses").mkdir()
    (tmp_path / "poses" / "1_keypoints.json").write_text('{"people": []}')
    (row,) = rows_in(tmp_path, "a")
    rows = [row | {"name": name} for name in ("x/1.png", "y/1.png")]
    options = OPTIONS | {"detector": "openpose_json", "folder": str(tmp_path / "poses")}
    with pytest.raises(WrongInput, match=r"1_keypoints\.json: may be the pose of x/1\.png or of y/1\.png"):
        run(tmp_path, rows, monkeypatch, options)
