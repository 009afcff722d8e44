import json

import numpy as np
import pytest
from conftest import real_data

from pipeline.data.manifest import with_box
from pipeline.poses.detectors import make_detector, upscaled
from pipeline.poses.hand import select_hand
from pipeline.poses.openpose import OpenposeFiles, read_openpose
from pipeline.stage import WrongInput

NO_IMAGE = np.zeros((4, 4, 3), np.uint8)


def openpose_hand(confidence, offset=0):
    return [value for joint in range(21) for value in (offset + joint, offset + 2 * joint, confidence)]


def write_openpose(path, *people):
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = ("hand_left_keypoints_2d", "hand_right_keypoints_2d")
    path.write_text(json.dumps({"people": [dict(zip(keys, hands, strict=True)) for hands in people]}))
    return path


def detector(name, folder=None):
    """Return a detector as a function of one row of the manifest, whose path is its name where none is given."""
    options = {"detector": name, "roi": "auto", "upscale_to": 0, "min_confidence": 0.5, "folder": folder}
    detect, _ = make_detector(options, weights="absent", threads=1)
    return lambda row: detect([NO_IMAGE], [{"path": row["name"]} | row])[0]


def test_an_unknown_detector_is_refused_with_the_known_ones():
    with pytest.raises(WrongInput, match="given"):
        detector("openpoze")


def test_given_landmarks_are_taken_as_they_are_and_sure():
    pairs = [[joint, 2.5 * joint] for joint in range(21)]
    (hand,) = detector("given")({"name": "a", "landmarks": json.dumps(pairs)})
    assert hand.keypoints.tolist() == pairs and hand.score == 1


def test_each_row_of_a_batch_gets_its_own_landmarks():
    options = {"detector": "given"}
    pairs = [[[joint + 10 * row, joint] for joint in range(21)] for row in range(2)]
    rows = [{"name": str(row), "landmarks": json.dumps(own)} for row, own in enumerate(pairs)]
    detect, _ = make_detector(options, None, 1)
    found = detect([NO_IMAGE] * 3, [rows[1], {"name": "none", "landmarks": ""}, rows[0]])
    assert [[hand.keypoints.tolist() for hand in hands] for hands in found] == [[pairs[1]], [], [pairs[0]]]


def test_no_given_landmarks_mean_no_hand():
    assert detector("given")({"name": "a", "landmarks": ""}) == []


def test_given_landmarks_of_another_count_are_refused_by_name():
    with pytest.raises(WrongInput, match=r"img_7.*21"):
        detector("given")({"name": "img_7", "landmarks": "[[1, 2]]"})


def test_openpose_s_numbers_are_x_y_and_confidence_per_joint(tmp_path):
    path = write_openpose(tmp_path / "a.json", (openpose_hand(0.5), openpose_hand(0.75, offset=100)))
    left, right = read_openpose(path)
    assert (left.side, right.side) == ("left", "right")
    assert left.keypoints[3].tolist() == [3, 6] and right.keypoints[20].tolist() == [120, 140]
    assert (left.score, right.score) == (0.5, 0.75)


def test_openpose_s_missing_joint_is_nan_and_counts_nothing(tmp_path):
    triples = openpose_hand(0.84)
    triples[15:18] = [0, 0, 0]
    (hand,) = read_openpose(write_openpose(tmp_path / "a.json", ([], triples)))
    assert np.isnan(hand.keypoints[5]).all() and np.isfinite(hand.keypoints[[4, 6]]).all()
    assert hand.score == pytest.approx(0.84 * 20 / 21)


def test_openpose_without_people_or_with_empty_hands_has_no_hand(tmp_path):
    assert read_openpose(write_openpose(tmp_path / "a.json")) == []
    assert read_openpose(write_openpose(tmp_path / "b.json", ([], openpose_hand(0.0)))) == []


def test_openpose_s_surest_hand_may_be_the_second_person_s(tmp_path):
    people = (openpose_hand(0.4), openpose_hand(0.4)), (openpose_hand(0.6, offset=50), [])
    hand = select_hand(read_openpose(write_openpose(tmp_path / "a.json", *people)), 0.1)
    assert hand.side == "left" and hand.keypoints[0].tolist() == [50, 50]


def test_openpose_s_equal_hands_leave_the_right_one(tmp_path):
    hands = read_openpose(write_openpose(tmp_path / "a.json", (openpose_hand(0.5), openpose_hand(0.5))))
    assert select_hand(hands, 0.1).side == "right"


NOT_OPENPOSE = ["", "[]", '{"people": [{}]}', '{"people": [{"hand_left_keypoints_2d": [1, 2]}]}', "[" * 100_000]
NOT_OPENPOSE += [json.dumps({"people": [{"hand_left_keypoints_2d": [bad] * 63}]}) for bad in (1e999, float("nan"))]


@pytest.mark.parametrize("text", NOT_OPENPOSE, ids=range(len(NOT_OPENPOSE)))
def test_what_openpose_did_not_write_is_refused_with_its_file(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(WrongInput, match=r"bad\.json.*expected"):
        read_openpose(path)


@pytest.mark.parametrize("pattern", ["{}_keypoints.json", "{}.json"])
def test_openpose_files_are_paired_by_name_not_by_position(tmp_path, pattern):
    for offset, stem in ((10, "b"), (20, "c")):
        write_openpose(tmp_path / pattern.format(stem), ([], openpose_hand(0.9, offset)))
    detect = detector("openpose_json", tmp_path)
    (hand,) = detect({"name": "some_class/c.jpg"})
    assert hand.keypoints[0].tolist() == [20, 20]
    with pytest.raises(WrongInput, match=r"some_class/a\.jpg"):
        detect({"name": "some_class/a.jpg"})


def test_equal_stems_are_told_apart_by_their_folders(tmp_path):
    for offset, folder in ((10, "train_poses/x"), (20, "train_poses/y"), (30, "valid_poses/x")):
        write_openpose(tmp_path / folder / "1_keypoints.json", ([], openpose_hand(0.9, offset)))
    detect = detector("openpose_json", tmp_path)
    for offset, name in ((10, "train/x/1.jpg"), (20, "train/y/1.jpg"), (30, "valid/x/1.jpg")):
        assert detect({"name": name})[0].keypoints[0].tolist() == [offset, offset]
    with pytest.raises(WrongInput, match=r"0 JSON files for photograph test/z/1\.jpg, of 3 with its stem"):
        detect({"name": "test/z/1.jpg"})


def test_the_only_file_of_a_stem_is_not_given_to_photographs_of_other_folders(tmp_path):
    write_openpose(tmp_path / "train_poses/a/1_keypoints.json", ([], openpose_hand(0.9)))
    detect = detector("openpose_json", tmp_path)
    assert len(detect({"name": "wrapper/train/a/1.jpg"})) == 1
    for other in ("train/b/1.jpg", "valid/a/1.jpg", "valid/zzz/1.png", "a/1.jpg", "1.jpg"):
        with pytest.raises(WrongInput, match=f"0 JSON files for photograph {other}, of 1 with its stem"):
            detect({"name": other})


@pytest.mark.parametrize(
    ("files", "names", "shared"),
    [
        (["1"], ["a/1.jpg"], False),
        (["1"], ["a/1.jpg", "b/1.jpg"], True),
        (["1", "a/1"], ["a/1.jpg", "b/1.jpg"], True),
        (["x/1", "train_poses/x/1"], ["x/1.jpg", "train/x/1.jpg"], False),
        (["x/1"], ["x/1.jpg", "train/x/1.jpg"], True),
        (["a/1"], ["a/1.jpg", "a/1.png"], True),
    ],
)
def test_a_file_that_may_be_of_two_photographs_is_refused(tmp_path, files, names, shared):
    for file in files:
        write_openpose(tmp_path / f"{file}_keypoints.json", ([], openpose_hand(0.9)))
    paired = OpenposeFiles(tmp_path)
    if not shared:
        paired.expect_one_photograph_each(names)
        assert len({paired.of(name) for name in names}) == len(names)
        return
    with pytest.raises(WrongInput, match=rf"1_keypoints\.json: may be the pose of .*{names[1][:-4]}"):
        paired.expect_one_photograph_each(names)


def test_a_box_gets_the_hand_in_it_in_pixels_of_the_cut_out(tmp_path):
    # Joints of the first run from 100 to 120 in x and 100 to 140 in y, of the others 200 further or 60 beside it.
    people = (openpose_hand(0.6, 100), []), ([], openpose_hand(0.9, 300)), ([], openpose_hand(0.8, 160))
    write_openpose(tmp_path / "im/1_keypoints.json", *people)
    detect = detector("openpose_json", tmp_path)

    def of_box(x, y):
        return detect({"name": f"im/1.png@{x},{y},60,60", "path": with_box("mine/im/1.png", x - 15, y - 15, 90, 90)})

    (hand,) = of_box(80, 90)
    assert hand.score == pytest.approx(0.6) and hand.keypoints[3].tolist() == [103 - 65, 106 - 75]
    assert of_box(400, 20) == []
    # Half of this box lies outside of the photograph, where the cut-out has no pixels.
    write_openpose(tmp_path / "im/1_keypoints.json", ([], openpose_hand(0.9)))
    (hand,) = of_box(-20, -10)
    assert hand.keypoints[3].tolist() == [3, 6]


def test_a_missing_folder_of_openpose_files_is_refused():
    with pytest.raises(WrongInput, match="folder"):
        detector("openpose_json", None)


def test_the_paper_s_layout_gives_every_photograph_its_pose_or_none():
    root = real_data("fixtures") / "paper_layout"
    detect = detector("openpose_json", root)
    names = [path.relative_to(root).as_posix() for path in sorted(root.glob("*/*/*.jpg"))]
    hands = [select_hand(detect({"name": name}), 0.1) for name in names]
    # The fixture has one file without people in each class of one part.
    without = len({name.split("/")[1] for name in names})
    assert sum(hand is None for hand in hands) == without and len(hands) > without
    assert all(hand.score == pytest.approx(0.9) for hand in hands if hand)


def test_upscaling_reaches_the_short_side_and_never_shrinks():
    enlarged, factor = upscaled(np.zeros((32, 22, 3), np.uint8), 256)
    assert min(enlarged.shape[:2]) == 256
    assert factor.tolist() == pytest.approx([256 / 22, enlarged.shape[0] / 32])
    same, factor = upscaled(np.zeros((300, 400, 3), np.uint8), 256)
    assert same.shape == (300, 400, 3) and factor.tolist() == [1, 1]
