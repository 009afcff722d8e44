"""HaGRID (Kapitanov et al., WACV 2024), versions 1 and 2: photographs of people showing one of 18 or 33 gestures.

Version 1 keeps annotations in `ann_train_val/<gesture>.json` and `ann_test/`, images in `train_val/<gesture>/` or
`train_val_<gesture>/`, and `test/<gesture>/`, or both in the small pack's `hagrid_512/`; version 2 in
`annotations/{train,val,test}/<gesture>.json` (or `hagrid_annotations/`) and `hagrid_dataset/<gesture>/`. All
coordinates are relative to the image. The landmarks are MediaPipe's, one list per hand, and may be empty; hand and box
are matched by place, because the two lists do not always run parallel.
"""

import json
import os

import numpy as np
from PIL import Image

from pipeline.data.decoding import UNREADABLE
from pipeline.data.listings import expect_small
from pipeline.stage import WrongInput

_PROVENANCE = "PROVENANCE.json"  # of pipeline.data.fetch, beside the annotations
_PACK = ("hagrid_512/{gesture}", "hagrid_512/train_val/{gesture}", "hagrid_512/test/{gesture}")
# Where each annotation folder keeps its images, and the side of the owner's split it belongs to.
_LAYOUTS = {
    "ann_train_val": (
        "train",
        ("train_val/{gesture}", "train_val_{gesture}", "hagrid_30k/train_val_{gesture}", *_PACK),
    ),
    "ann_test": ("test", ("test/{gesture}", *_PACK)),
    "annotations/train": ("train", ("hagrid_dataset/{gesture}",)),
    "annotations/val": ("train", ("hagrid_dataset/{gesture}",)),
    "annotations/test": ("test", ("hagrid_dataset/{gesture}",)),
    "hagrid_annotations/train": ("train", ("hagrid_dataset/{gesture}",)),
    "hagrid_annotations/val": ("train", ("hagrid_dataset/{gesture}",)),
    "hagrid_annotations/test": ("test", ("hagrid_dataset/{gesture}",)),
}
ENTRIES_AT_MOST = 300_000  # in a file; version 2 has some 33,000 of each gesture
_KEYS = {"bboxes", "labels", "user_id"}
_EXIF_ORIENTATION = 0x0112


def photographs(root):
    """Yield the manifest rows; the class is the gesture, the group the person (`user_id`).

    Annotations without an image are skipped and counted on stdout, as the owner's loader does.
    """
    missing = 0
    for folder, (part, places) in _LAYOUTS.items():
        for listing in sorted(set((root / folder).glob("*.json")) - {root / folder / _PROVENANCE}):
            for name, entry in _entries(listing).items():
                row = _row(root, listing, part, places, name, entry)
                missing += row is None
                if row is not None:
                    yield row
    if missing:
        print(f"{root}: {missing} annotations without an image are left out")


def _entries(listing):
    expect_small(listing)
    try:
        entries = dict(json.loads(listing.read_text(encoding="utf-8")))
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongInput(f"{listing}: not HaGRID's JSON ({error}); fetch the annotation file again") from None
    if len(entries) > ENTRIES_AT_MOST:
        raise WrongInput(
            f"{listing}: {len(entries)} entries; expected at most {ENTRIES_AT_MOST} of one gesture (ENTRIES_AT_MOST,"
            " pipeline/data/hagrid.py); see whether it is what you think, or raise the limit"
        )
    for name, entry in entries.items():
        if misfit := _misfit(name, entry):
            raise WrongInput(f"{listing}, key {name!a:.100}: {misfit}; mend or remove the entry")
    return entries


def _misfit(name, entry):
    """Return what is wrong with an entry, in words, or None."""
    if not isinstance(entry, dict) or _KEYS - set(entry):
        return f"expected the keys {sorted(_KEYS)}"
    if not isinstance(name, str) or "/" in name or not isinstance(entry["user_id"], str):
        return "expected the name of an image, and of user_id a text"
    labels, boxes = entry["labels"], entry["bboxes"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return "labels are no list of gestures"
    if not isinstance(boxes, list) or len(boxes) != len(labels) or any(_numbers(box, 1).shape != (4,) for box in boxes):
        return "bboxes are no four numbers for each label"
    hands = _hands(entry)
    if not isinstance(hands, list) or any(_numbers(hand, 2).shape[1:] != (2,) for hand in hands if hand):
        return "landmarks are no pairs of numbers for each hand"
    return None


def _numbers(value, dimensions):
    """Return the array of a JSON list of finite numbers, nested so deep; an empty one for everything else."""
    try:
        array = np.array(value)
    except (ValueError, TypeError):  # rows of several lengths
        return np.empty(0)
    finite = array.dtype.kind in "if" and array.ndim == dimensions and np.isfinite(array).all()
    return array.astype(float) if finite else np.empty(0)


def _row(root, listing, part, places, name, entry):
    gesture = listing.stem
    folders = (root / place.format(gesture=gesture) for place in places)
    # os.path.exists is False for names that no disk can hold.
    path = next((folder / f"{name}.jpg" for folder in folders if os.path.exists(folder / f"{name}.jpg")), None)
    if path is None:
        return None
    hand = _hand_of(gesture, entry, f"{listing}, key {name}")
    return {
        "name": path.relative_to(root).as_posix(),
        "path": str(path),
        "class": gesture,
        "group": entry["user_id"],
        "part": part,
        "landmarks": "" if hand is None else json.dumps(_pixels(hand, path)),
        "where": f"{listing}, key {name}",
    }


def _hand_of(gesture, entry, where):
    """Return the landmarks (21, 2), relative, that lie in the box of the gesture; None where there are none."""
    if gesture not in entry["labels"]:
        raise WrongInput(f"{where}: labels are {entry['labels']}; expected {gesture!r} among them; mend the entry")
    x, y, width, height = entry["bboxes"][entry["labels"].index(gesture)]
    middle = np.array([x + width / 2, y + height / 2])
    hands = [np.array(hand, float) for hand in _hands(entry) if hand]
    hands = [hand for hand in hands if hand.shape == (21, 2)]
    nearest = min(hands, key=lambda hand: np.linalg.norm(hand.mean(axis=0) - middle), default=None)
    if nearest is None or (np.abs(nearest.mean(axis=0) - middle) > [width / 2, height / 2]).any():
        return None
    return nearest


def _hands(entry):
    """Return the lists of landmarks under version 1's or version 2's name; both may be null."""
    return next((entry[key] for key in ("landmarks", "hand_landmarks") if entry.get(key)), [])


def _pixels(hand, path):
    # A fraction of the width counts from the edge of the first pixel, whose centre is at 0 here.
    return np.round(hand * _image_size(path) - 0.5, 2).tolist()


def _image_size(path):
    """Return (width, height) in pixels of the upright image, from its header alone."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
            return np.array(image.size[::-1] if turned else image.size)
    except UNREADABLE:
        raise WrongInput(f"{path}: not a readable image; restore the file or remove it from the data set") from None
