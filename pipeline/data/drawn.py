"""A data set that draws itself: photographs of hands by a few signers, in clips of neighbouring frames.

As in RWTH, frames of one clip are nearly alike, so `group` names the clip, and a fair split keeps it together.
Every picture depends on its address alone, (style, size, seed, class, index), and on signers and frames_per_clip:
more pictures of one class leave all others as they are.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from pipeline.chance import stream
from pipeline.data.archive import ImageSet, keypoints_json, write_image_set
from pipeline.data.hand_model import LOOSENESS, NUM_ANGLES, handshape, pose_hand
from pipeline.data.scenery import STYLES, Signer, draw_clutter, draw_wall, make_signer, relight
from pipeline.data.shading import Look, draw_hand
from pipeline.stage import WrongInput, run_stage, stage_arguments

# Camera and hand in mm; the hand's length from wrist to fingertip takes this share of the picture.
_CAMERA_DISTANCE, _HAND_LENGTH = 650.0, 185.0
_HAND_SHARE = {"studio": 0.60, "wild": 0.58}
# Standard deviations between clips: turn, nod, roll in degrees; joint angles in degrees; logarithm of the scale.
_VIEW_SPREAD = {"studio": (16, 9, 12), "wild": (22, 12, 18)}
_ANGLE_SPREAD = {"studio": 3.5, "wild": 4.5}
_SCALE_SPREAD = {"studio": 0.05, "wild": 0.13}
# Movement within a clip: amplitudes of view and joint angles in degrees, and of the place as a share of the picture.
_VIEW_MOTION, _ANGLE_MOTION, _PLACE_MOTION = 8.0, 3.5, 0.035
_FRAMES_PER_SECOND = 25
_CAMERA_NOISE = {"studio": 1.5, "wild": 3.0}


@dataclass(frozen=True)
class Clip:
    """What the frames of one clip share; `left` is the hand."""

    name: str
    signer: Signer
    look: Look
    left: bool


@dataclass(frozen=True)
class Placed:
    """A hand on the screen: joints (21, 3) in pixels, palmar vectors (21, 3), radii (21,), the hand's axes (3, 3)."""

    joints: np.ndarray
    bends: np.ndarray
    radii: np.ndarray
    axes: np.ndarray


def draw_image(options, name, index):
    """Return (image, keypoints, group): uint8 (size, size, 3) RGB, (21, 2) pixels, the clip's name."""
    number, style = index // options["frames_per_clip"], options["style"]
    clip = make_clip(options, name, number)
    hand = place_hand(options, name, index, clip)
    drawn, coverage = draw_hand(hand.joints, hand.bends, hand.radii, hand.axes, clip.look, options["image_size"])
    behind = _draw_background(options, clip, _stream(options, name, "background", number))
    light = drawn + (1 - coverage[..., None]) * behind
    return _photograph(light, style, _stream(options, name, "camera", index)), hand.joints[:, :2], clip.name


def true_keypoints(options, name, index):
    """Return the projected joints (21, 2) in pixels of draw_image's picture, visible or hidden."""
    clip = make_clip(options, name, index // options["frames_per_clip"])
    return place_hand(options, name, index, clip).joints[:, :2]


def _stream(options, name, *address):
    return stream(options["seed"], "drawn", options["style"], name, *address)


def make_clip(options, name, number):
    """Return the Clip with this number of class `name`."""
    style, chance = options["style"], _stream(options, name, "clip", number)
    signer_number = int(chance.integers(options["signers"]))
    signer = make_signer(style, options["seed"], signer_number)
    label = f"signer{signer_number:02d}-{name}-clip{number:04d}"
    if style == "studio":
        return Clip(label, signer, signer.look, left=False)
    return Clip(label, signer, relight(signer.look, chance), left=bool(chance.integers(2)))


def _draw_background(options, clip, chance):
    if options["style"] == "studio":
        return draw_wall(clip.signer.wall, options["image_size"])
    return draw_clutter(options["image_size"], chance)


def place_hand(options, name, index, clip):
    """Return the hand of this frame, posed, turned to its view and Placed on the screen in perspective."""
    style, size = options["style"], options["image_size"]
    shape, (number, frame) = handshape(name), divmod(index, options["frames_per_clip"])
    chance = _stream(options, name, "motion", number)
    change = chance.normal(0, _ANGLE_SPREAD[style], NUM_ANGLES) + _ANGLE_MOTION * _sway(chance, NUM_ANGLES, frame)
    angles = clip.signer.habits + LOOSENESS * change
    view = shape.view + chance.normal(0, _VIEW_SPREAD[style]) + _VIEW_MOTION * _sway(chance, 3, frame)
    place = chance.uniform(-0.05, 0.05, 2) + _PLACE_MOTION * _sway(chance, 2, frame)
    scale = size * _HAND_SHARE[style] / _HAND_LENGTH * np.exp(chance.normal(0, _SCALE_SPREAD[style]))
    anatomy = clip.signer.anatomy
    joints, bends = pose_hand(shape.fingers + angles[:16].reshape(4, 4), shape.thumb + angles[16:], anatomy)
    # Rows of `axes` are the hand's axes on the screen, whose y points down.
    axes = _rotation(view).T * np.array([-1 if clip.left else 1, -1, 1])
    return _project(joints @ axes, bends @ axes, anatomy.radii, axes, scale, (0.5 + place) * size, size)


def _sway(chance, count, frame):
    """Slow oscillations (count,) in [-1, 1] of a moving hand; each frame of the clip draws the same curves."""
    frequency, phase = chance.uniform(0.3, 1.3, count), chance.uniform(0, 2 * np.pi, count)
    return np.sin(2 * np.pi * frequency * frame / _FRAMES_PER_SECOND + phase)


def _rotation(view):
    """Rotation matrix of turn (about y), then nod (about x), then roll (clockwise on the screen), in degrees."""
    (a, b, c), (s, t, u) = np.cos(np.radians(view)), np.sin(np.radians(view))
    turn = np.array([[a, 0, s], [0, 1, 0], [-s, 0, a]])
    nod = np.array([[1, 0, 0], [0, b, -t], [0, t, b]])
    roll = np.array([[c, u, 0], [-u, c, 0], [0, 0, 1]])
    return roll @ nod @ turn


def _project(joints, bends, radii, axes, scale, centre, size):
    """Perspective with the middle of the joints at `centre`; a hand that would leave the picture is drawn smaller."""
    nearness = _CAMERA_DISTANCE / (_CAMERA_DISTANCE - joints[:, 2])
    flat = joints[:, :2] * nearness[:, None]
    low, high = flat.min(axis=0), flat.max(axis=0)
    scale = min(scale, 0.78 * size / (high - low).max())
    room = (size - (high - low) * scale) / 2 - 0.06 * size
    centre = np.clip(centre, size / 2 - room, size / 2 + room)
    screen = (flat - (low + high) / 2) * scale + centre
    return Placed(np.column_stack([screen, joints[:, 2] * scale]), bends, radii * nearness * scale, axes)


def _photograph(light, style, chance):
    """A camera's picture uint8 of linear light: the lens' blur, the display's curve, and noise."""
    encoded = 255 * np.clip(cv2.GaussianBlur(light, (0, 0), 0.6), 0, 1) ** np.float32(1 / 2.2)
    noise = chance.standard_normal(encoded.shape, np.float32) * np.float32(_CAMERA_NOISE[style])
    return np.clip(np.rint(encoded + noise), 0, 255).astype(np.uint8)


def draw_image_set(options):
    """Return the whole ImageSet that the options ask for; WrongInput names what they get wrong."""
    _check(options)
    images, rows = [], []
    for label, (name, count) in enumerate(options["handshapes"].items()):
        for index in range(count):
            image, keypoints, group = draw_image(options, name, index)
            landmarks = keypoints_json(keypoints) if options["landmarks"] else ""
            images.append(image)
            rows.append((f"{name}/{index:06d}.png", label, name, group, landmarks))
    columns = ["file_name", "label", "class", "group", "landmarks"]
    return ImageSet(np.stack(images), pd.DataFrame(rows, columns=columns), list(options["handshapes"]))


def _check(options):
    for name, count in options["handshapes"].items():
        handshape(name)
        if not isinstance(count, int) or count < 1:
            raise WrongInput(f"handshapes: {name} has the count {count!r}; expected a whole number from 1; correct it")
    if options["style"] not in STYLES:
        raise WrongInput(f"style: {options['style']!r} is not known; expected one of {', '.join(STYLES)}; correct it")


def main():
    """Draw the image set that --options describe."""
    args = stage_arguments(main.__doc__).parse_args()
    cv2.setNumThreads(args.threads)
    image_set = draw_image_set(args.options)
    write_image_set(args.out, image_set)
    print(f"{len(image_set)} images of {len(image_set.class_names)} handshapes drawn in {args.out}")


if __name__ == "__main__":
    run_stage(main)
