"""An articulated hand in three dimensions: bones, handshapes as joint angles, forward kinematics.

The frame is that of a right hand held up with its palm to the viewer: wrist at the origin, x to the thumb's side,
y along the middle finger, z out of the palm, in millimetres. The 21 joints are in OpenPose's order: 0 wrist,
1-4 thumb, 5-8 index, 9-12 middle, 13-16 ring, 17-20 little finger, base to tip.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.stage import WrongInput

NUM_JOINTS = 21
FINGER_BASES = (5, 9, 13, 17)
PARENTS = (-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)

# Phalanges of thumb, index … little finger, base to tip; the pulp is the radius at the tip.
# An adult's, in mm. Such means are in Buryanov and Kotiuk, Proportions of hand segments, Int. J. Morphol. 28(3), 2010;
# the digits here were not checked against it.
_PHALANGES = np.array(
    [[46.2, 31.6, 21.7], [39.8, 22.4, 15.8], [44.6, 26.3, 17.4], [41.4, 25.7, 17.3], [32.7, 18.1, 16.0]], np.float32
)
# Where thumb and fingers leave the palm, which is rigid here; the knuckles form an arch across the hand.
_PALM = np.array([[24, 22, 8], [25, 88, 0], [5, 91, -3], [-15, 85, -2], [-32, 75, 2]], np.float32)
# Thickness of the soft tissue around each joint, as radii.
WRIST_RADIUS = 18
_THUMB_RADII, _INDEX_RADII, _MIDDLE_RADII = (14.5, 12, 10.4, 8), (11.5, 9.6, 8.3, 6.7), (11.5, 9.8, 8.4, 6.9)
_RING_RADII, _LITTLE_RADII = (11, 9.2, 8, 6.5), (10.5, 8.2, 7, 5.8)
_RADII = np.array([WRIST_RADIUS, *_THUMB_RADII, *_INDEX_RADII, *_MIDDLE_RADII, *_RING_RADII, *_LITTLE_RADII])

# Flexion in degrees at knuckle, middle and end joint of a finger, by the letter used in the table below.
_FLEXIONS = {
    "u": (2, 5, 3),  # up: straight
    "f": (84, 102, 62),  # folded into the palm
    "c": (32, 52, 34),  # curved, as around a cup
    "k": (12, 88, 58),  # hooked: knuckle straight, the rest bent
    "o": (51, 42, 26),  # tip towards the thumb's
    "e": (28, 104, 66),  # curled, tip at the finger's own base
}
# Thumb in degrees: away from the palm's edge, out of the palm's plane, roll of its bending plane, two flexions.
_THUMBS = {
    "out": (50, 14, 12, 2, 4),
    "beside": (26, 10, 20, 16, 14),
    "across": (28, 44, 3, 46, 52),
    "over": (22, 56, -14, 54, 38),
    "tucked": (14, 22, 15, 56, 62),
    "oppose": (16, 25, 32, 35, 30),
    "cup": (34, 40, 40, 16, 16),
    "up": (62, 0, 10, -6, -14),
    "hook": (50, 14, 12, 20, 64),
}
# Joint angles as one row: four of each finger, index first, then five of the thumb; fingers sway less sideways.
NUM_ANGLES = 21
LOOSENESS = np.array([0.4, 1, 1, 1] * 4 + [1] * 5)


@dataclass(frozen=True)
class Handshape:
    """Joint angles in degrees, and the view (turn, nod, roll in degrees) in which the shape is usually seen.

    fingers (4, 4): abduction towards the thumb, then three flexions, of index … little finger;
    thumb (5,): radial and palmar abduction, roll of the bending plane, two flexions.
    """

    fingers: np.ndarray
    thumb: np.ndarray
    view: tuple


@dataclass(frozen=True)
class Anatomy:
    """One person's hand in mm: palm (5, 3) where the digits begin, phalanges (5, 3), radii (21,) of the soft tissue."""

    palm: np.ndarray
    phalanges: np.ndarray
    radii: np.ndarray

    @property
    def bone_lengths(self):
        """Length (20,) of the bone that ends in joint 1, 2, … 20."""
        first = np.linalg.norm(self.palm, axis=1, keepdims=True)
        return np.hstack([first, self.phalanges]).reshape(20)


def _shape(fingers, thumb, spread=6.0, view=(0, 0, 0), closer=()):
    """Build a Handshape from four letters, a thumb's name, degrees between neighbouring fingers and abductions."""
    fan = np.array([1.2, 0.2, -0.8, -1.8]) * spread
    for finger, angle in closer:
        fan[finger] = angle
    flexions = np.array([_FLEXIONS[letter] for letter in fingers], float)
    return Handshape(np.column_stack([fan, flexions]), np.array(_THUMBS[thumb], float), view)


# The names are those of RWTH's and HaGRID's classes; the shapes are what those names usually mean.
HANDSHAPES = {
    "1": _shape("ufff", "over"),
    "index": _shape("ufff", "out"),
    "2": _shape("uuff", "over", spread=12),
    "3": _shape("uuff", "out", spread=12),
    "4": _shape("uuuu", "tucked", spread=9),
    "5": _shape("uuuu", "out", spread=11),
    "a": _shape("ffff", "beside"),
    "ae": _shape("eeee", "tucked", spread=2),
    "b": _shape("uuuu", "tucked", spread=1),
    "b_thumb": _shape("uuuu", "out", spread=1),
    "c": _shape("cccc", "cup", spread=2, view=(55, 0, 0)),
    "f": _shape("ouuu", "oppose", spread=9, closer=((0, 2),)),
    "h": _shape("uuff", "over", spread=1),
    "i": _shape("fffu", "over"),
    "l_hook": _shape("kfff", "hook"),
    "o": _shape("oooo", "oppose", spread=1, view=(45, 0, 0)),
    "pincet": _shape("offf", "oppose", view=(35, 0, 0)),
    "s": _shape("ffff", "across"),
    "v": _shape("kkff", "over", spread=12),
    "w": _shape("uuuf", "over", spread=11),
    "y": _shape("fffu", "out", spread=8),
    "call": _shape("fffu", "out", spread=8, view=(0, 0, -35)),
    "dislike": _shape("ffff", "up", view=(15, 0, 112)),
    "fist": _shape("ffff", "across"),
    "four": _shape("uuuu", "tucked", spread=9),
    "like": _shape("ffff", "up", view=(15, 0, -62)),
    "ok": _shape("ouuu", "oppose", spread=9, closer=((0, 2),)),
    "one": _shape("ufff", "over"),
    "palm": _shape("uuuu", "out", spread=7),
    "peace": _shape("uuff", "over", spread=13),
    "rock": _shape("uffu", "over", spread=6),
    "stop": _shape("uuuu", "beside", spread=1),
    "three": _shape("uuuf", "over", spread=11),
    "two_up": _shape("uuff", "over", spread=1),
}


def handshape(name):
    """Return the Handshape of this class name; WrongInput lists the known ones."""
    if name not in HANDSHAPES:
        raise WrongInput(
            f"handshapes: {name!r} is not known; expected one of {', '.join(HANDSHAPES)}; correct the name"
        )
    return HANDSHAPES[name]


def make_anatomy(size=1.0, breadth=1.0, finger_length=1.0, thickness=1.0):
    """Return the mean adult Anatomy, scaled as a whole and in its proportions."""
    palm = _PALM * np.array([breadth, 1, 1], np.float32) * size
    return Anatomy(palm, _PHALANGES * finger_length * size, _RADII * thickness * size)


def pose_hand(fingers, thumb, anatomy):
    """Return joints (21, 3) in mm and bends (21, 3): the palmar unit vector of the bone that ends in each joint.

    Angles as in Handshape. Bone lengths are those of the anatomy whatever the angles.
    """
    joints, bends = np.zeros((NUM_JOINTS, 3)), np.tile([0.0, 0.0, 1.0], (NUM_JOINTS, 1))
    joints[[1, *FINGER_BASES]] = anatomy.palm
    _place_digit(joints, bends, 1, *_thumb_axes(thumb), np.radians([0, *thumb[3:]]), anatomy.phalanges[0])
    for finger, base in enumerate(FINGER_BASES):
        axes = _finger_axes(np.radians(fingers[finger, 0]), np.radians(fingers[finger, 1]), joints[base])
        _place_digit(joints, bends, base, *axes, np.radians(fingers[finger, 1:]), anatomy.phalanges[finger + 1])
    return joints, bends


def _finger_axes(abduction, flexion, base):
    along = np.array([np.sin(abduction), np.cos(abduction), 0])
    # Bent fingers converge towards the base of the thumb, and lose their spread.
    towards = np.array([-base[0] / 160 - np.sin(abduction) * np.sin(max(flexion, 0)), 0, 1])
    return along, _orthogonal(towards, along)


def _thumb_axes(thumb):
    radial, palmar, roll = np.radians(thumb[:3])
    along = np.array([np.sin(radial) * np.cos(palmar), np.cos(radial) * np.cos(palmar), np.sin(palmar)])
    across = _orthogonal(np.array([-1.0, 0.3, 0]), along)
    return along, np.cos(roll) * across + np.sin(roll) * _orthogonal(np.array([0, 0, 1.0]), along)


def _orthogonal(vector, axis):
    rest = vector - (vector @ axis) * axis
    return rest / np.linalg.norm(rest)


def _place_digit(joints, bends, base, along, across, flexions, lengths):
    """Bend one digit in the plane of `along` and `across`; flexions add up from base to tip."""
    across = _orthogonal(across, along)
    angles = np.cumsum(flexions)[:, None]
    directions = np.cos(angles) * along + np.sin(angles) * across
    bends[base + 1 : base + 4] = np.cos(angles) * across - np.sin(angles) * along
    joints[base + 1 : base + 4] = joints[base] + np.cumsum(directions * lengths[:, None], axis=0)
