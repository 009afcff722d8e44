"""Poses as pictures: a skeleton over its image, and the maps of one pose."""

import cv2
import numpy as np
import torch

from pipeline.poses.render import pose_maps
from pipeline.poses.skeleton import BONES

# One colour per finger, thumb to little finger: the colour-blind safe palette of Okabe and Ito.
_FINGER_COLOURS = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167)]


def draw_skeleton(image, keypoints):
    """Return a copy of image uint8 (H, W, 3) with the bones drawn over it; missing joints are left out."""
    drawn = image.copy()
    for number, (parent, child) in enumerate(BONES):
        ends = keypoints[[parent, child]]
        if np.isfinite(ends).all():
            start, end = (tuple(round(v) for v in point) for point in ends)
            cv2.line(drawn, start, end, _FINGER_COLOURS[number // 4], 1, cv2.LINE_AA)
    return drawn


def show_maps(condition, keypoints, size, heatmap_sigma):
    """Return the maps of one pose as a picture: the maximum over channels, white on black."""
    maps = pose_maps(condition, torch.as_tensor(keypoints)[None], size, heatmap_sigma)
    grey = (maps[0].amax(dim=0).clamp(0, 1) * 255).byte().numpy()
    return np.repeat(grey[:, :, None], 3, axis=2)
