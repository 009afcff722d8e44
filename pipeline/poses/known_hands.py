"""Photographs of hands whose joints are known: what detectors are compared on.

keypoints-25's layout is COCO's: `annotations.json` with images, annotations and the category's keypoint names, beside
`images/`. RWTH's frames may come with landmarks in a JSON file, {frame: {"landmarks": [[x, y] * 21]}}, as shares of
width and height.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.data import rwth
from pipeline.data.listings import expect_small
from pipeline.data.manifest import load_photograph
from pipeline.poses.crop import Square, crop_image, crop_keypoints
from pipeline.poses.pck import hand_size
from pipeline.poses.skeleton import NUM_KEYPOINTS, joint_order
from pipeline.stage import WrongInput

# A hand is shown in the middle of a square so many times as large as its box: room for detectors that look for palms.
ROOM = 2.0


class KnownHand(NamedTuple):
    """An image uint8 (H, W, 3) of a hand; pose (21, 2) in its pixels, NaN unknown; size: the longer side of its box."""

    source: str  # whose it is
    name: str
    image: np.ndarray
    pose: np.ndarray
    size: float


def annotated_hands(folder):
    """Yield the annotated hands of a folder in COCO's layout, each cut out; raise WrongInput for other joints."""
    path = Path(folder) / "annotations.json"
    content = _read(path)
    try:
        order = joint_order(content["categories"][0]["keypoints"], f"{path}, categories")
        images = {image["id"]: image for image in content["images"]}
        hands = [
            (images[hand["image_id"]], np.array(hand["keypoints"], float).reshape(-1, 3)[order], hand["bbox"])
            for hand in content["annotations"]
        ]
    except (KeyError, IndexError, TypeError, ValueError) as wrong:
        raise WrongInput(
            f"{path}: {type(wrong).__name__} {wrong}; expected COCO's keys images, annotations (image_id, keypoints,"
            " bbox) and categories (keypoints); mend it"
        ) from None
    for number, (image, joints, box) in enumerate(hands):
        square = _around(*box)
        photograph = load_photograph(path.parent / "images" / image["file_name"])
        pose = crop_keypoints(np.where(joints[:, 2:] > 0, joints[:, :2], np.nan), square, square.side)
        cut = crop_image(photograph, square, square.side)
        yield KnownHand(image["dataset"], f"{number} {image['file_name']}", cut, pose, max(box[2:]))


def frames(root, landmarks):
    """Yield RWTH's frames, those with given landmarks and those without as two sources."""
    given = _read(Path(landmarks))
    unknown = np.full((NUM_KEYPOINTS, 2), np.nan)
    for row in rwth.photographs(Path(root)):
        image = load_photograph(row["path"])
        name = row["name"]
        if name in given:
            # A share of the width counts from the edge of the first pixel, whose centre is at 0 here.
            pose = np.array(given[name]["landmarks"], float) * [image.shape[1], image.shape[0]] - 0.5
            yield KnownHand("frames with landmarks", name, image, pose, hand_size(pose))
        else:
            yield KnownHand("frames without landmarks", name, image, unknown, np.nan)


def _around(x, y, width, height):
    side = max(1, round(ROOM * max(width, height)))
    return Square(round(x + (width - side) / 2), round(y + (height - side) / 2), side)


def _read(path):
    expect_small(path)
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise WrongInput(f"{path}: {wrong}; expected a JSON file; name another, or fetch it again") from None
