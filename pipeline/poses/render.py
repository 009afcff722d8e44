"""Conditioning images of a pose: one channel per joint or per bone (paper, Section 4.2), peak 1.

The released code's joint channel is the density of a Gaussian with covariance 4 I, whose peak is 1/(8 pi) = 0.04; here
the peak is 1, so that joints and bones have one range. The released code draws a joint that was not found at the
image's corner, with bones leading there; here its maps are empty.
"""

import math

import torch

from pipeline.poses.skeleton import BONES, NUM_KEYPOINTS

_FAINTEST = 1e-6
NUM_POSE_MAPS = {"spade_keypoints": NUM_KEYPOINTS, "spade_bones": len(BONES)}


def pose_maps(condition, keypoints, size, heatmap_sigma, as_density=False):
    """Return the maps (N, 21 or 20, size, size) that "spade_keypoints" or "spade_bones" is conditioned on.

    as_density: keypoint maps as released, with sum 1 in place of peak 1.
    """
    if condition == "spade_keypoints":
        maps = keypoint_maps(keypoints, size, heatmap_sigma)
        return maps / (2 * math.pi * heatmap_sigma**2) if as_density else maps
    if condition == "spade_bones":
        return bone_maps(keypoints, size)
    raise ValueError(f"{condition!r} has no pose maps; those that have: {', '.join(NUM_POSE_MAPS)}")


def keypoint_maps(keypoints, size, sigma=2.0):
    """Return Gaussians (N, 21, size, size) of peak 1 and standard deviation sigma pixels around each joint.

    keypoints (N, 21, 2) floats in pixels, x before y, pixel i centred at i; NaN gives an empty map.
    """
    offset_x, offset_y = _offsets(keypoints, size)
    column, row = (torch.exp(-(offset**2) / (2 * sigma**2)) for offset in (offset_x, offset_y))
    maps = row * column
    # A Gaussian's far tail is made of denormal numbers, with which a convolution takes three times as long on a CPU.
    return torch.where(maps > _FAINTEST, maps, 0.0)


def bone_maps(keypoints, size, width=1.0):
    """Return anti-aliased lines (N, 20, size, size) of this width in pixels, in the order of BONES.

    A pixel is covered by 1 up to width/2 - 1/2 from the bone and by 0 from width/2 + 1/2 on, linearly between. With
    width 1 this is the profile of skimage's line_aa in the released code, without its rounding of the joints.
    A bone with a NaN end gives an empty map.
    """
    parents, children = (keypoints[:, list(ends)] for ends in zip(*BONES, strict=True))
    offset_x, offset_y = _offsets(parents, size)
    bone_x, bone_y = (children - parents)[..., None, None].unbind(2)
    squared_length = (bone_x**2 + bone_y**2).clamp_min(1e-12)
    along = ((offset_x * bone_x + offset_y * bone_y) / squared_length).clamp(0, 1)
    distance = ((offset_x - along * bone_x) ** 2 + (offset_y - along * bone_y) ** 2).sqrt()
    return torch.nan_to_num((width / 2 + 0.5 - distance).clamp(0, 1))


def _offsets(points, size):
    """Return x (N, K, 1, size) and y (N, K, size, 1): the way from each point to each pixel column and row."""
    pixels = torch.arange(size, dtype=points.dtype, device=points.device)
    x, y = points.unbind(2)
    return (pixels - x[..., None])[:, :, None, :], (pixels - y[..., None])[..., None]
