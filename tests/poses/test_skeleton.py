import numpy as np
import torch

from pipeline.poses.skeleton import BONES, NUM_KEYPOINTS, flip_keypoints


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
