"""What a detector finds in photographs, one by one: the hand that counts, or the reason why there is none."""

import hashlib
from typing import NamedTuple

import numpy as np

from pipeline.data.decoding import MEGAPIXELS
from pipeline.data.manifest import box_of, decode_at, photograph_bytes
from pipeline.data.parts import read_arrays
from pipeline.poses.hand import select_hand
from pipeline.poses.reasons import UNREADABLE
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.stage import WrongInput

BATCH = 16  # photographs in memory at once: 100 MB of HaGRID's


class Finding(NamedTuple):
    """Of one photograph: keypoints (21, 2) float32 in its pixels, NaN where there are none; confidence (21,) float32;

    side "left", "right" or ""; size (width, height), 0 where it could not be read; score of the surest hand, chosen or
    not; reason why there is no hand, else "".
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    side: str
    size: tuple
    score: float
    reason: str


_TYPES = Finding(np.float32, np.float32, str, np.int64, np.float64, str)
_SHAPES = Finding((NUM_KEYPOINTS, 2), (NUM_KEYPOINTS,), (), (2,), (), ())
_KINDS = {
    name: (shape, np.dtype(kind).kind) for name, shape, kind in zip(Finding._fields, _SHAPES, _TYPES, strict=True)
}


def find_hands(photographs, detect, min_confidence, memory=None, megapixels=MEGAPIXELS):
    """Return the Findings of rows with name, path and landmarks; of an unreadable photograph that tells why.

    detect: as pipeline.poses.detectors has it. memory: None, or what knows earlier Findings by content_key:
    find(key) returns one or None, and what it did not know it is told by add({key: Finding}).
    megapixels: of how many million pixels a photograph may be.
    """
    findings, fresh = [], {}
    for start in range(0, len(photographs), BATCH):
        findings += _of_batch(photographs[start : start + BATCH], detect, min_confidence, memory, fresh, megapixels)
    if fresh and memory is not None:
        memory.add(fresh)
    return findings


def _of_batch(rows, detect, min_confidence, memory, fresh, megapixels):
    findings, images, keys = {}, {}, {}
    for place, row in enumerate(rows):
        try:
            data = photograph_bytes(row["path"])
            if memory is not None:
                keys[place] = content_key(data, box_of(row["path"]))
                findings[place] = memory.find(keys[place])
            if findings.get(place) is None:
                images[place] = decode_at(row["path"], data, megapixels)
        except WrongInput as wrong:
            findings[place] = _unreadable(wrong)
    hands = _detected(list(images.values()), [rows[place] for place in images], detect)
    for (place, image), own in zip(images.items(), hands, strict=True):
        if isinstance(own, WrongInput):
            findings[place] = _unreadable(own)
            continue
        findings[place] = _finding(image, own, min_confidence)
        if memory is not None:
            fresh[keys[place]] = findings[place]
    return [findings[place] for place in range(len(rows))]


def _detected(images, rows, detect):
    """Return the hands of each image, or the WrongInput that it alone gives rise to."""
    try:
        return detect(images, rows) if images else []
    except WrongInput as wrong:
        if len(images) == 1:
            return [wrong]
        return [
            hands for pair in zip(images, rows, strict=True) for hands in _detected(*([one] for one in pair), detect)
        ]


def _finding(image, hands, min_confidence):
    height, width = image.shape[:2]
    hand, surest = select_hand(hands, min_confidence), max((hand.score for hand in hands), default=0.0)
    if hand is None:
        reason = f"surest hand below {min_confidence}" if hands else "no hand seen"
        return _none((width, height), surest, reason)
    return Finding(hand.keypoints, hand.confidence, hand.side, (width, height), surest, "")


def _unreadable(wrong):
    return _none((0, 0), 0.0, UNREADABLE + " ".join(str(wrong).split()))


def _none(size, score, reason):
    no_keypoints, no_confidence = np.full((NUM_KEYPOINTS, 2), np.nan), np.zeros(NUM_KEYPOINTS)
    return Finding(no_keypoints, no_confidence, "", size, score, reason)


def content_key(data, box):
    """Return what tells a photograph from any other, whatever its name: 32 letters for its file's bytes and its box."""
    return hashlib.sha256(box.encode() + b"\0" + data).hexdigest()[:32]


def arrays_of(findings):
    """Return {field: array (N, ...)} of N Findings."""
    columns = zip(*findings, strict=True) if findings else [[]] * len(_TYPES)
    return {name: np.array(column, kind) for name, column, kind in zip(Finding._fields, columns, _TYPES, strict=True)}


def read_findings(path, further=None):
    """Return the arrays that arrays_of has made, from a file; None where it is absent, damaged or something else.

    further: {name: (shape of a row, kind of numpy's types)} of arrays that were written with them.
    """
    arrays = read_arrays(path, _KINDS | (further or {}))
    return arrays if len({len(own) for own in (arrays or {}).values()}) == 1 else None


def finding_at(arrays, row):
    """Return the Finding that arrays_of has put at that row."""
    return Finding(*(arrays[name][row] for name in Finding._fields))
