import numpy as np
import pytest

from pipeline.poses.extract import extract_poses, summary, with_progress
from pipeline.poses.hand import Hand
from pipeline.poses.pose_set import read_pose_set, write_pose_set
from pipeline.stage import WrongInput

ROWS = [{"name": name, "path": name, "class": label} for name, label in (("a", "x"), ("b", "y"), ("c", "x"))]


def hand(confidence):
    return Hand(np.ones((21, 2), np.float32), np.full(21, confidence, np.float32), "left")


def load(path):
    return np.zeros((30, 40, 3), np.uint8)


def extract(hands, load=load):
    return extract_poses(ROWS, load, lambda image, row: hands[row["name"]], min_confidence=0.5)


def test_a_photograph_without_a_hand_keeps_its_row_and_gets_a_reason():
    poses, report = extract({"a": [hand(0.9)], "b": [], "c": [hand(0.3)]})
    assert poses.names.tolist() == ["a", "b", "c"] and poses.found.tolist() == [True, False, False]
    assert poses.keypoints.shape == (3, 21, 2) and np.isnan(poses.keypoints[1:]).all()
    assert poses.confidence[:, 0].tolist() == pytest.approx([0.9, 0, 0])
    assert poses.size.tolist() == [[40, 30]] * 3 and poses.side.tolist() == ["left", "", ""]
    assert report["found"].tolist() == [1, 0, 0] and report["confidence"].tolist() == pytest.approx([0.9, 0, 0.3])
    assert report["reason"].tolist() == ["", "no hand seen", "surest hand below 0.5"]


def test_the_summary_counts_in_all_and_per_class():
    _, report = extract({"a": [hand(0.9)], "b": [], "c": []})
    assert summary(report) == ["3 images, hand found in 1 (33.3 %)", "  x: 1 of 2", "  y: 0 of 1"]


def test_unreadable_photographs_are_counted_in_one_error_that_names_the_first():
    def broken(path):
        if path != "a":
            raise WrongInput(f"{path}: not a readable image; restore it")
        return load(path)

    with pytest.raises(WrongInput, match=r"2 photographs.*b: not a readable image; restore it"):
        extract({"a": [], "b": [], "c": []}, broken)


def test_no_photographs_give_an_empty_set_not_an_error():
    poses, report = extract_poses([], load, None, 0.5)
    assert poses.keypoints.shape == (0, 21, 2) and len(report) == 0
    assert summary(report) == ["0 images, hand found in 0 (0.0 %)"]


def test_poses_come_back_from_their_file_and_equal_poses_are_equal_files(tmp_path):
    poses, _ = extract({"a": [hand(0.9)], "b": [], "c": []})
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


def test_progress_passes_every_row_on_in_order(monkeypatch, capsys):
    seconds = iter(range(0, 1000, 2))
    monkeypatch.setattr("pipeline.poses.extract.time.monotonic", lambda: next(seconds))
    assert list(with_progress(ROWS * 3)) == ROWS * 3
    # The third row comes after 6 s: 2 done at 1/3 per second, 7 to go.
    assert capsys.readouterr().out.splitlines()[0] == "2/9 images, 0.3 images/s, 21 s left"
