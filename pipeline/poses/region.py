"""Squares of an image, upright or turned, and where MediaPipe's models look next.

Positions here are continuous: pixel i spans i..i+1, so the image's middle is at half its width.
"""

from typing import NamedTuple

import cv2
import numpy as np

THUMB_AND_LOWER_FINGERS = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]


class Region(NamedTuple):
    """A square: centre and side in pixels, and by how many radians its upward axis leans clockwise."""

    x: float
    y: float
    side: float
    angle: float

    def to_image(self):
        """Return the affine map (2, 3) from the unit square to the image."""
        right = self.side * np.array([np.cos(self.angle), np.sin(self.angle)])
        down = np.array([-right[1], right[0]])
        origin = np.array([self.x, self.y]) - (right + down) / 2
        return np.stack([right, down, origin], axis=1)

    def place(self, points):
        """Carry points (..., 2) from the unit square to the image."""
        to_image = self.to_image()
        return points @ to_image[:, :2].T + to_image[:, 2]


def around(image, scale):
    """Return the square about the image's middle whose side is `scale` times the longer side."""
    height, width = image.shape[:2]
    return Region(width / 2, height / 2, scale * max(width, height), 0.0)


def palm_region(centre, size, wrist, knuckle):
    """Return the hand's square of a palm: 2.6 times its box, moved half a box towards the fingers."""
    angle = _lean(knuckle - wrist)
    return _moved(centre, 2.6 * max(size), angle, up=0.5 * size[1])


def joint_region(joints):
    """Return the square of the second look at joints (21, 2): twice their box in the hand's own direction.

    As in MediaPipe: the direction is from the wrist to between the knuckles, the box leaves the fingertips out, and
    the square is moved a tenth of the box towards the fingers.
    """
    knuckles = (joints[5] + joints[13]) / 4 + joints[9] / 2
    angle = _lean(knuckles - joints[0])
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = joints[THUMB_AND_LOWER_FINGERS] @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    return _moved((low + high) / 2 @ axes, 2 * max(high - low), angle, up=0.1 * (high - low)[1])


def cut(image, region, size):
    """Cut a region out as (size, size, 3) float32 in 0..1; beyond the image its edge pixels go on."""
    # A region much larger than the cut is taken finer and then averaged, or its pixels would alias.
    finer = max(1, round(region.side / size))
    to_image = region.to_image()
    steps = to_image[:, :2] / (size * finer)
    matrix = np.column_stack([steps, to_image[:, 2] + steps.sum(axis=1) / 2 - 0.5])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = cv2.warpAffine(image, matrix, (size * finer,) * 2, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if finer > 1:
        pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    return pixels.astype(np.float32) / 255


def _lean(upward):
    """Return by how much a vector leans clockwise from straight up (y points down)."""
    return float(np.arctan2(upward[0], -upward[1]))


def _moved(centre, side, angle, up):
    x, y = centre + up * np.array([np.sin(angle), -np.cos(angle)])
    return Region(float(x), float(y), float(max(side, 1e-3)), angle)
