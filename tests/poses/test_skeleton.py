import numpy as np
import pytest
import torch

from pipeline.poses.skeleton import BONES, JOINT_NAMES, NUM_KEYPOINTS, flip_keypoints, joint_order
from pipeline.stage import WrongInput


def test_the_bones_are_openpose_s_twenty_in_its_order():
    fingers = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (0, 9), (9, 10), (10, 11), (11, 12)]
    fingers += [(0, 13), (13, 14), (14, 15), (15, 16), (0, 17), (17, 18), (18, 19), (19, 20)]
    assert list(BONES) == fingers


def test_the_bones_span_all_joints_as_a_tree():
    assert sorted(child for _, child in BONES) == list(range(1, NUM_KEYPOINTS))


def test_flipping_exchanges_the_first_and_the_last_column_only():
    keypoints = np.array([[[0.0, 5.0], [63.0, 7.0]]])
    assert flip_keypoints(keypoints, 64).tolist() == [[[63.0, 5.0], [0.0, 7.0]]]


def test_flipping_leaves_its_argument_alone_and_agrees_between_numpy_and_torch():
    keypoints = np.random.default_rng(0).uniform(0, 63, (3, NUM_KEYPOINTS, 2)).astype(np.float32)
    before = keypoints.copy()
    flipped = flip_keypoints(torch.from_numpy(keypoints), 64)
    assert np.array_equal(keypoints, before)
    assert np.array_equal(flipped.numpy(), flip_keypoints(keypoints, 64))


def test_joints_counted_from_the_tip_find_their_places_by_name():
    # RHD's order: the wrist, then each finger from its tip.
    fingers = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
    rhd = ["wrist", *(f"{finger}{joint}" for finger in fingers for joint in (4, 3, 2, 1))]
    order = joint_order(rhd, "rhd")
    assert order == [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]
    # InterHand's: from the tip as well, the wrist last.
    assert joint_order([*rhd[1:], "wrist"], "interhand")[:5] == [20, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "names",
    [
        JOINT_NAMES[:20],
        [*JOINT_NAMES, "left_hand"],
        [f"{side}_{name}" for side in ("right", "left") for name in JOINT_NAMES],
        [*JOINT_NAMES[:20], "wrist"],
    ],
)
def test_other_joints_than_those_of_one_hand_are_refused(names):
    with pytest.raises(WrongInput, match=r"model\.pth.*21 of one hand"):
        joint_order(names, "model.pth")
