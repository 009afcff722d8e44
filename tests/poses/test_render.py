import math

import pytest
import torch

from pipeline.poses.render import bone_maps, keypoint_maps, pose_maps
from pipeline.poses.skeleton import BONES, flip_keypoints

CONDITIONS = ["spade_keypoints", "spade_bones"]


def hands(count=4, size=64):
    return torch.rand(count, 21, 2, generator=torch.Generator().manual_seed(0)) * (size - 1)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_flipping_the_pose_flips_its_maps(condition):
    keypoints = hands()
    flipped = pose_maps(condition, flip_keypoints(keypoints, 64), 64, heatmap_sigma=2.0)
    assert torch.allclose(flipped, pose_maps(condition, keypoints, 64, heatmap_sigma=2.0).flip(-1), atol=1e-5)


@pytest.mark.parametrize(("condition", "channels"), [("spade_keypoints", 21), ("spade_bones", 20)])
def test_maps_have_a_channel_per_joint_or_bone_and_range_from_0_to_1(condition, channels):
    maps = pose_maps(condition, hands(), 32, heatmap_sigma=2.0)
    assert maps.shape == (4, channels, 32, 32)
    assert maps.min() >= 0 and maps.max() <= 1


def test_a_condition_without_maps_is_refused():
    with pytest.raises(ValueError, match="reacgan"):
        pose_maps("reacgan", hands(), 64, heatmap_sigma=2.0)


def test_a_joint_s_map_is_its_gaussian_with_x_along_the_columns():
    keypoints = torch.zeros(1, 21, 2)
    keypoints[0, 3] = torch.tensor([40.0, 10.0])
    joint = keypoint_maps(keypoints, 64, sigma=2.0)[0, 3]
    assert joint[10, 40] == 1
    # Covariance 4 I, as the paper's code has it: exp(-d^2 / 8).
    assert joint[10, 43].item() == pytest.approx(math.exp(-9 / 8), rel=1e-5)
    assert joint[8, 39].item() == pytest.approx(math.exp(-5 / 8), rel=1e-5)


def test_each_bone_covers_its_two_ends_and_what_lies_between():
    keypoints = hands().round()
    maps = bone_maps(keypoints, 64)
    for channel, bone in enumerate(BONES):
        for joint in bone:
            x, y = keypoints[:, joint].long().unbind(1)
            assert (maps[torch.arange(len(maps)), channel, y, x] > 1 - 1e-5).all()


def test_a_bone_s_map_ends_one_pixel_from_it():
    keypoints = torch.zeros(1, 21, 2)
    keypoints[0, 4], keypoints[0, 3] = torch.tensor([20.0, 30.0]), torch.tensor([10.0, 30.0])
    thumb = bone_maps(keypoints, 64)[0, BONES.index((3, 4))]
    assert thumb[30, 10:21].tolist() == [1.0] * 11
    assert thumb.sum().item() == pytest.approx(11, abs=1e-4)


def test_a_bone_between_pixels_shares_its_cover_among_them():
    keypoints = torch.full((1, 21, 2), 0.5)
    keypoints[0, 4], keypoints[0, 3] = torch.tensor([20.0, 30.25]), torch.tensor([10.0, 30.25])
    thumb = bone_maps(keypoints, 64)[0, BONES.index((3, 4))]
    assert thumb[30:32, 15].tolist() == [0.75, 0.25]


def test_a_missing_joint_empties_its_map_and_its_bones_and_nothing_else():
    keypoints = hands(1)
    whole = keypoint_maps(keypoints, 64), bone_maps(keypoints, 64)
    keypoints[0, 6] = torch.nan
    joints, bones = keypoint_maps(keypoints, 64), bone_maps(keypoints, 64)
    assert [joint for joint in range(21) if joints[0, joint].sum() == 0] == [6]
    assert [BONES[bone] for bone in range(20) if bones[0, bone].sum() == 0] == [(5, 6), (6, 7)]
    assert torch.equal(joints[0, 7:], whole[0][0, 7:]) and torch.equal(bones[0, 8:], whole[1][0, 8:])


def test_joints_at_one_place_make_a_dot_not_nan():
    maps = bone_maps(torch.full((1, 21, 2), 9.0), 32)
    assert maps.isfinite().all() and maps[0, 0, 9, 9] == 1


def test_maps_hold_no_number_so_small_that_it_slows_convolutions():
    maps = keypoint_maps(torch.rand(8, 21, 2) * 63, 64)
    assert not ((maps > 0) & (maps < torch.finfo(torch.float32).tiny)).any()
    assert ((maps > 0).sum(dim=(2, 3)) > 20).all()
