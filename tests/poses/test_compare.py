import re
import sys

import numpy as np
import pandas as pd
import pytest

from pipeline.poses import compare
from pipeline.poses.compare import compared, contestants, summarise, table
from pipeline.poses.compare_page import polyline, shares_within
from pipeline.poses.hand import Hand
from pipeline.poses.known_hands import KnownHand
from pipeline.stage import WrongInput

# A hand of 40 pixels: 8 are near.
POSE = np.stack([np.linspace(10, 30, 21), np.linspace(15, 55, 21)], axis=1)
UNKNOWN = np.full((21, 2), np.nan)
IMAGE = np.zeros((64, 64, 3), np.uint8)


def known(name, source="a", pose=POSE):
    return KnownHand(source, name, IMAGE, pose, 40)


def hand(joints=(), by=(0, 0), confidence=0.9):
    keypoints = POSE.astype(np.float32)
    keypoints[list(joints)] += np.array(by, np.float32)
    return Hand(keypoints, np.full(21, confidence, np.float32), "")


def planted(hands):
    """Return a detector that finds hands[name]."""
    return lambda images, photographs: [hands[one["name"]] for one in photographs]


def rows_of(hands, found):
    return compared(hands, planted(found), 0.5)


def test_measures_of_joints_are_over_the_hands_that_were_found():
    hands = [known("exact"), known("off"), known("unsure"), known("none")]
    found = {"exact": [hand()], "off": [hand([0, 1, 2], (0, 10))], "unsure": [hand(confidence=0.4)], "none": []}
    measures = summarise(rows_of(hands, found))
    assert (measures["hands"], measures["found"], measures["joints"]) == (4, 2, 42)
    assert measures["detection_rate"] == 0.5
    assert measures["pck"] == pytest.approx(39 / 42)
    assert measures["pck_missed_as_0"] == pytest.approx(39 / 84)
    assert measures["mean_error"] == pytest.approx(3 * 0.25 / 42)


def test_of_several_hands_the_surest_counts_though_another_were_nearer():
    found = {"two": [hand(), hand(range(21), (20, 0), confidence=0.95)]}
    assert summarise(rows_of([known("two")], found))["mean_error"] == pytest.approx(0.5)


def test_joints_that_a_detector_left_out_are_wrong_and_have_no_distance():
    partial = hand([5], (4, 0))
    partial.keypoints[:4] = np.nan
    measures = summarise(rows_of([known("one")], {"one": [partial]}))
    assert measures["pck"] == pytest.approx(17 / 21)
    assert measures["mean_error"] == pytest.approx(0.1 / 17)


def test_where_nothing_is_known_or_found_there_is_nothing_to_say_of_joints():
    nothing = summarise(rows_of([known("one", pose=UNKNOWN)], {"one": [hand()]}))
    assert nothing["detection_rate"] == 1 and nothing["joints"] == 0
    assert np.isnan([nothing["pck"], nothing["pck_missed_as_0"], nothing["mean_error"]]).all()
    missed = summarise(rows_of([known("one")], {"one": []}))
    assert np.isnan(missed["pck"]) and missed["pck_missed_as_0"] == 0


def test_hands_keep_their_photographs_from_batch_to_batch(monkeypatch):
    monkeypatch.setattr(compare, "_BATCH", 2)
    hands = [known(str(number)) for number in range(5)]
    found = {str(number): [hand(range(number), (40, 0))] for number in range(5)}
    assert [round(off.sum()) for _, _, off in rows_of(hands, found)] == [0, 1, 2, 3, 4]


def test_all_sources_together_count_joint_by_joint():
    few = POSE.copy()
    few[1:] = np.nan
    hands = [known("1", "a"), known("2", "b", few), known("3", "b", few)]
    good, bad = {name: [hand()] for name in "123"}, {"1": [hand()], "2": [hand([0], (40, 0))], "3": []}
    lines = table({"good": rows_of(hands, good), "bad": rows_of(hands, bad)})
    assert list(zip(lines["source"], lines["detector"], strict=True)) == [
        (source, detector) for source in ("a", "b", "all") for detector in ("good", "bad")
    ]
    assert lines["pck"].tolist() == pytest.approx([1, 1, 1, 0, 1, 21 / 22])
    assert lines["pck_missed_as_0"].tolist() == pytest.approx([1, 1, 1, 0, 1, 21 / 23])
    assert "all" not in table({"good": rows_of(hands[:1], good)})["source"].tolist()


def test_the_curve_passes_the_measure_at_its_threshold():
    hands = [known("off"), known("none")]
    rows = rows_of(hands, {"off": [hand([0, 1], (0, 10)), hand([3], (0, 8), 0.1)], "none": []})
    shares = shares_within(rows)
    assert shares[0] == 19 / 42 and shares[12] == 19 / 42 and shares[13] == shares[-1] == 0.5
    assert polyline(np.array([0, 0.25, 1])) == "0,200.0 200,150.0 400,0.0"


def test_detectors_take_part_where_they_are_named():
    assert {one["detector"] for one in contestants().values()} == {"mediapipe"}
    model = {"config": "c", "checkpoint": "p", "sha256": "0" * 7, "flip_test": True}
    more = contestants(model, "poses")
    assert {one["roi"] for one in more.values() if one["detector"] == "mmpose"} == {"image", "centre"}
    assert more["openpose_json"]["folder"] == "poses"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that runs the command on two sets of planted hands, and its two files."""
    monkeypatch.setattr(compare, "annotated_hands", lambda folder: [known("1", "<b>")])
    monkeypatch.setattr(compare, "frames", lambda root, landmarks: [known("1", "f"), known("2", "g", UNKNOWN)])
    detector = planted({"1": [hand()], "2": []})
    monkeypatch.setattr(compare, "make_detector", lambda options, weights, threads: (detector, ""))
    out, web = tmp_path / "detectors.csv", tmp_path / "detectors.html"

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare", *arguments, "--out", str(out), "--page", str(web)])
        compare.main()
        return out.read_bytes(), web.read_bytes()

    return run


def test_both_files_tell_every_set_and_are_the_same_when_made_again(command, tmp_path):
    arguments = ("--annotated", "a", "--frames", "f", "--landmarks", "l")
    assert command(*arguments) == command(*arguments)
    lines = pd.read_csv(tmp_path / "detectors.csv")
    assert lines.groupby("set", sort=False).size().to_dict() == {"annotated hands": 5, "frames": 15}
    web = (tmp_path / "detectors.html").read_text()
    assert web.count("<polyline") == 10 and web.count("<tr>") == 22
    assert "&lt;b&gt;" in web and "<b>" not in web
    assert not re.search(r"https?:|src=|href=", web)


@pytest.mark.parametrize("arguments", [[], ["--frames", "f"], ["--annotated", "a", "--landmarks", "l"]])
def test_what_cannot_be_compared_is_refused(command, arguments):
    with pytest.raises(WrongInput, match="--landmarks"):
        command(*arguments)
