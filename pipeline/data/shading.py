"""Draws a posed hand: flesh as round cones, then light, shadow and skin.

Everything is drawn at twice the size and averaged down, which gives clean edges.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.data.hand_model import FINGER_BASES, WRIST_RADIUS
from pipeline.data.surface import BACKGROUND_DEPTH, COLOUR, NORMAL, SKIN, Surface

OVERSAMPLING = 2


@dataclass(frozen=True)
class Look:
    """What a hand is painted and lit with; arrays are float32, colours linear RGB.

    light is the unit vector towards the lamp, lamp its colour and strength, ambient the light from everywhere;
    sleeve_start is the distance of the cuff from the wrist in mm.
    """

    skin: np.ndarray
    nail: np.ndarray
    sleeve: np.ndarray
    light: np.ndarray
    lamp: np.ndarray
    ambient: float
    sleeve_start: float


def draw_hand(joints, bends, radii, axes, look, size):
    """Return (image, coverage): linear RGB float32 (size, size, 3) and alpha (size, size) of one hand.

    joints (21, 3) and radii (21,) in pixels of the final image (pixel i has its centre at i), bends (21, 3)
    palmar directions, axes (3, 3) whose rows are the hand's x, y and z axis on the screen.
    """
    scale = OVERSAMPLING
    centres = joints * scale + np.array([(scale - 1) / 2, (scale - 1) / 2, 0])
    solid = np.column_stack([centres, radii * scale]).astype(np.float32)
    bends, axes = bends.astype(np.float32), axes.astype(np.float32)
    surface = Surface(size * scale)
    _add_arm(surface, solid, axes, look)
    _add_palm(surface, solid, axes, look)
    for base in (*FINGER_BASES, 1):
        _add_digit(surface, solid, bends, base, look)
    image, coverage = shade(surface, look)
    return tuple(cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA) for layer in (image, coverage))


def _mix(first, second, share):
    return first + share * (second - first)


def _unit(solid):
    """Pixels per mm, measured on the wrist."""
    return solid[0, 3] / WRIST_RADIUS


def _add_arm(surface, solid, axes, look):
    """Three parallel cones make the oval of wrist and forearm, and again of the sleeve around it."""
    wrist, unit = solid[0], _unit(solid)

    def limb(side, start, start_radius, end_radius, paint, blend):
        ends = [wrist[:3] + (axes[0] * side * widen - axes[1] * at) * unit for widen, at in ((1, start), (1.5, 240))]
        radii = np.array([start_radius, end_radius], np.float32) * unit
        surface.add(np.append(ends[0], radii[0]), np.append(ends[1], radii[1]), paint, blend * unit)

    for side in (-11, 11, 0):
        limb(side, 0, WRIST_RADIUS, 25, lambda along, normal: (_skin(look, normal, axes[2]), 1), 10)
    for side in (-12, 12, 0):
        limb(side, look.sleeve_start, 23, 32, lambda along, normal: (look.sleeve[:, None, None], 0), 1.5)


def _add_palm(surface, solid, axes, look):
    unit = _unit(solid)
    for start, end in _palm_cones(solid, axes, unit):
        surface.add(start, end, lambda along, normal: (_skin(look, normal, axes[2]), 1), 9 * unit)


def _palm_cones(solid, axes, unit):
    """The palm as cones: metacarpals, two bars across, heel of the hand, and the ball of the thumb with its web."""
    wrist, knuckles = solid[0], solid[list(FINGER_BASES)]
    roots = [np.append(wrist[:3] + axes[0] * side * unit, 13 * unit) for side in (11, 4, -4, -12)]
    cones = list(zip(roots, knuckles, strict=True))
    for share, radius in ((0.55, 12.5), (0.9, 10.5)):
        bar = [_resized(_mix(*cone, share), radius * unit) for cone in cones[:4]]
        cones += list(itertools.pairwise(bar))
    heel = np.append(axes[2] * 4, 2) * unit
    cones.append((roots[3] + heel, _mix(roots[3], knuckles[3], 0.6) + heel))
    cones.append((_resized(solid[1], 17 * unit), _resized(_mix(solid[1], solid[2], 0.35), 15 * unit)))
    cones.append((solid[1], solid[2]))
    for on_thumb, on_index, radius in ((0.2, 0.3, 12), (0.55, 0.55, 9), (0.8, 0.72, 6)):
        thumb, index = _mix(solid[1], solid[2], on_thumb), _mix(roots[0], knuckles[0], on_index)
        cones.append((_resized(thumb, radius * unit), _resized(index, 9 * unit)))
    return cones


def _resized(sphere, radius):
    return np.append(sphere[:3], radius)


def _add_digit(surface, solid, bends, base, look):
    """Three phalanges; the first one melts into the palm at its root, the last one carries the nail."""
    unit = _unit(solid)
    for joint in range(base + 1, base + 4):
        length = np.linalg.norm(solid[joint, :3] - solid[joint - 1, :3]) / unit
        paint = _finger_paint(look, bends[joint], length, joint == base + 3)
        melts = joint == base + 1 and base != 1
        blend = (lambda along: (2 + 7 * np.clip(1 - 2.2 * along, 0, 1)) * unit) if melts else 2.2 * unit
        surface.add(solid[joint - 1], solid[joint], paint, blend)


def _along(direction, field):
    """Scalar product (h, w) of one vector with a field (3, h, w)."""
    return direction[0] * field[0] + direction[1] * field[1] + direction[2] * field[2]


def _column(*colour):
    return np.array(colour, np.float32)[:, None, None]


def _skin(look, normal, palmar):
    """Skin is lighter and pinker on the palm's side."""
    back = look.skin[:, None, None]
    front = back * _column(0.8, 0.8, 0.8) + _column(0.15, 0.085, 0.065)
    return back + np.clip(0.5 + 0.8 * _along(palmar, normal), 0, 1) * (front - back)


def _finger_paint(look, bend, length, last):
    """Colour of one phalanx of `length` mm: creases at its joints, a redder tip, and on the last one the nail."""

    def paint(along, normal):
        palmar = _along(bend, normal)
        colour = _skin(look, normal, bend)
        from_joint = (along if last else np.minimum(along, 1 - along)) * np.float32(length / 1.3)
        colour *= 1 - np.exp(-from_joint * from_joint) * (0.14 + 0.16 * np.abs(palmar))
        if last:
            colour *= 1 - np.clip(along - 0.4, 0, 1) * _column(0, 0.12, 0.1)
            nail = np.clip((-palmar - 0.62) * 8, 0, 1) * np.clip((along - 0.42) * 12, 0, 1)
            colour += nail * (look.nail[:, None, None] - colour)
        return colour, 1

    return paint


def shade(surface, look):
    """Return (image, coverage) of what is on the surface, at its size: linear RGB and 0 or 1, zero where nothing is."""
    mask = surface.depth > BACKGROUND_DEPTH / 2
    image = np.zeros((surface.size, surface.size, 3), np.float32)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows):
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        lit = _light(surface.depth[box], surface.channels[(slice(None), *box)], mask[box], look, surface.size)
        image[box] = lit.transpose(1, 2, 0) * mask[box][..., None]
    return image, mask.astype(np.float32)


def _light(depth, channels, mask, look, size):
    """Wrapped diffuse light with cast shadows, ambient light with occlusion, a little gloss: colour (3, h, w)."""
    normal, skin = channels[NORMAL], channels[SKIN]
    normal = normal / np.sqrt(np.maximum((normal * normal).sum(axis=0), 1e-6))
    occlusion = _occlusion(depth, mask, size)
    facing = _along(look.light, normal)
    lamp = np.clip((facing + 0.15) / 1.15, 0, 1) * _shadow(depth, mask, look.light, size)
    half = look.light + np.array([0, 0, 1], np.float32)
    gloss = np.clip(_along(half / np.linalg.norm(half), normal), 0, 1) ** 16 * 0.05 * skin * lamp
    # Light that has travelled under the skin reddens the shadow's edge.
    glow = np.exp(facing * facing * -11) * 0.05 * skin
    sky = look.ambient * occlusion * (0.8 - 0.2 * normal[1])
    light = sky + lamp * (0.5 + 0.5 * occlusion) * look.lamp[:, None, None]
    return channels[COLOUR] * (light + glow * _column(1, 0.25, 0.15)) + gloss


def _occlusion(depth, mask, size):
    """Darken what lies deeper than its surroundings, at two distances; the background occludes nothing."""
    height, width = depth.shape
    known = mask.astype(np.float32)
    quarter = (max(width // 4, 1), max(height // 4, 1))
    small = cv2.resize(np.dstack([depth * known, known]), quarter, interpolation=cv2.INTER_AREA)
    result = np.ones_like(depth)
    for sigma in (size / 40, size / 14):
        sums = cv2.GaussianBlur(small, (0, 0), sigma / 4)
        around = cv2.resize(sums[..., 0] / np.maximum(sums[..., 1], 1e-3), (width, height))
        result *= np.exp(np.minimum(depth - around, 0) * np.float32(0.55 / sigma))
    return np.clip(result, 0.25, 1)


def _shadow(depth, mask, light, size):
    """March towards the light across the depth buffer; what rises above the ray casts a soft shadow."""
    height, width = depth.shape
    highest = np.full_like(depth, BACKGROUND_DEPTH)
    for step in np.linspace(1.2, 15, 10) * size / 100:
        # The pixel `step` towards the light, lowered by what the ray has climbed until there.
        shift = np.float32([[1, 0, -light[0] * step], [0, 1, -light[1] * step]])
        towards = cv2.warpAffine(
            depth, shift, (width, height), flags=cv2.INTER_NEAREST, borderValue=float(BACKGROUND_DEPTH)
        )
        np.maximum(highest, towards - np.float32(light[2] * step), out=highest)
    covered = np.clip((highest - depth) / np.float32(size / 100) - 0.6, 0, 1) * mask
    return 1 - 0.85 * cv2.blur(covered, (3, 3))
