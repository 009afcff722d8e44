import numpy as np
import pytest

from pipeline.poses.pck import distances, hand_size, near_share

# A box of 20 by 40 pixels: the hand is 40, and 8 pixels are near.
TALL = np.stack([np.linspace(10, 30, 21), np.linspace(15, 55, 21)], axis=1)


def moved(pose, joints, by):
    pose = np.array(pose, np.float32)
    pose[joints] += by
    return pose


@pytest.mark.parametrize("pose", [TALL, TALL[:, ::-1]])
@pytest.mark.parametrize("direction", [(1, 0), (0, -1), (0.6, 0.8)])
def test_a_fifth_of_the_longer_side_is_near_and_more_is_not(pose, direction):
    for distance, near in ((0, 1), (7.9, 1), (8.1, 18 / 21)):
        assert near_share(moved(pose, [0, 9, 20], np.multiply(direction, distance)), pose) == pytest.approx(near)


def test_the_border_itself_is_near():
    assert near_share(moved(TALL, [4], (8, 0)), TALL) == 1
    assert near_share(moved(TALL, [4], (0, 8.0001)), TALL) == 20 / 21


def test_a_pose_with_its_axes_swapped_is_not_the_pose():
    # Joint j has y - x = 5 + j: of all, the wrist alone is within 8 pixels of where the swap puts it.
    assert near_share(TALL[:, ::-1], TALL) < 0.1


def test_joints_that_the_pose_does_not_know_count_neither_for_nor_against():
    pose = moved(TALL, [], 0)
    pose[[0, 20]] = np.nan
    # Without its ends the pose is 36 pixels high: 7.2 are near.
    found = moved(TALL, [0, 1], (0, 7.5))
    assert near_share(found, pose) == pytest.approx(18 / 19)
    assert near_share(moved(TALL, [1], (0, 7.1)), pose) == 1
    assert np.isnan(near_share(found, np.full((21, 2), np.nan)))


def test_a_joint_that_the_detector_left_out_is_not_near():
    found = moved(TALL, [], 0)
    found[3:6] = np.nan
    assert near_share(found, TALL) == pytest.approx(18 / 21)


def test_distances_are_in_hands_and_skip_joints_without_a_place():
    pose = moved(TALL, [], 0)
    pose[3] = np.nan
    found = moved(TALL, [5], (6, 8))
    found[7] = np.nan
    off = distances(found, pose, size=20)
    assert len(off) == 20 and off[4] == pytest.approx(0.5) and off[6] == np.inf
    assert np.delete(off, [4, 6]) == pytest.approx(0)


def test_the_hand_is_as_long_as_the_longer_side_of_its_box():
    assert hand_size(TALL) == hand_size(TALL[:, ::-1]) == 40
    assert np.isnan(hand_size(np.full((21, 2), np.nan)))
