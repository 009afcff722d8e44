"""Differentiable augmentation (Zhao et al. 2020): what the discriminator sees is recoloured, moved and cut.

Pose maps move and are cut with their images, unless as released, where they stay as they were. Images at 64x64 are
moved by up to 8 pixels and lose up to 32x32, as there.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Augmentation:
    """One draw per image: colour factors (B,) float32; shift and cutout centre (B, 2) int64, row before column."""

    brightness: torch.Tensor
    saturation: torch.Tensor
    contrast: torch.Tensor
    shift: torch.Tensor
    centre: torch.Tensor


def draw_augmentation(stream, batch_size, size, rows=slice(None)):
    """Draw an Augmentation for images of this side length from a numpy Generator; return these rows of it."""
    reach = size // 8

    def uniform(low, high):
        return torch.from_numpy(stream.uniform(low, high, batch_size).astype(np.float32)[rows])

    return Augmentation(
        brightness=uniform(-0.5, 0.5),
        saturation=uniform(0, 2),
        contrast=uniform(0.5, 1.5),
        shift=torch.from_numpy(stream.integers(-reach, reach + 1, (batch_size, 2))[rows]),
        centre=torch.from_numpy(stream.integers(0, size + 1, (batch_size, 2))[rows]),
    )


def augment(images, augmentation, pose_maps=None, pose_stays=False):
    """Return images (B, 3, H, H) recoloured, moved and cut, and pose maps (B, M, H, H) or None moved and cut alike.

    pose_stays: the pose maps are left as they were, as in the released code.
    """
    images = move_and_cut(recolour(images, augmentation), augmentation)
    moves = pose_maps is not None and not pose_stays
    return images, move_and_cut(pose_maps, augmentation) if moves else pose_maps


def recolour(images, augmentation):
    """Add brightness, then scale the distance to each pixel's grey, then to the image's mean."""
    brightness, saturation, contrast = (
        factor.to(images.device)[:, None, None, None]
        for factor in (augmentation.brightness, augmentation.saturation, augmentation.contrast)
    )
    images = images + brightness
    images = torch.lerp(images.mean(dim=1, keepdim=True), images, saturation)
    return torch.lerp(images.mean(dim=(1, 2, 3), keepdim=True), images, contrast)


def move_and_cut(x, augmentation):
    """Move each image by its shift, zeros coming in (mid-grey), then zero a square of half the side at its centre."""
    size, reach = x.shape[-1], x.shape[-1] // 8
    shift, centre = augmentation.shift.to(x.device), augmentation.centre.to(x.device)
    padded = F.pad(x, (reach,) * 4).permute(0, 2, 3, 1)
    pixels = torch.arange(size, device=x.device)
    rows, columns = (pixels + reach - shift[:, axis, None] for axis in (0, 1))
    image = torch.arange(len(x), device=x.device)[:, None, None]
    moved = padded[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return moved * _outside_cutout(centre, pixels)


def _outside_cutout(centre, pixels):
    """Return a mask (B, 1, H, H): 0 in the square from centre - H/4 to centre + H/4, 1 elsewhere."""
    half = len(pixels) // 4
    away = pixels - centre[:, :, None]
    inside = (away >= -half) & (away < half)
    return (~(inside[:, 0, :, None] & inside[:, 1, None, :]))[:, None].float()
