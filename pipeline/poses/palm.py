"""What MediaPipe's palm detection model says: where palms are, and which way they point."""

import numpy as np

INPUT = 192
# A grid of 24 x 24 cells with 2 anchors each, then 12 x 12 cells with 6 each; an anchor is its cell's centre.
GRIDS = ((24, 2), (12, 6))
MIN_SCORE = 0.5
SAME_PALM = 0.3  # overlap (intersection over union) from which two boxes are one palm


def decode_palms(boxes, logits):
    """Return the palms (K, 9, 2), best first, as shares of the input's side: box centre, box size, seven points.

    boxes (2016, 18), logits (2016,): the model's two outputs. The first of the seven points is the wrist, the third
    the middle finger's knuckle.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -100, 100)))
    likely = np.flatnonzero(scores >= MIN_SCORE)
    palms = boxes[likely].reshape(-1, 9, 2).astype(np.float64) / INPUT
    palms[:, [0, *range(2, 9)]] += ANCHORS[likely, None]
    return _one_each(palms, scores[likely])


def _one_each(palms, scores):
    """Replace the boxes of one palm by their mean, weighted by score, as MediaPipe does."""
    found, left = [], np.argsort(-scores, kind="stable")
    while len(left):
        same = _overlap(palms[left[0]], palms[left]) > SAME_PALM
        same[0] = True
        found.append(np.average(palms[left[same]], axis=0, weights=scores[left[same]]))
        left = left[~same]
    return np.array(found).reshape(-1, 9, 2)


def _overlap(one, many):
    low = np.maximum(one[0] - one[1] / 2, many[:, 0] - many[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, many[:, 0] + many[:, 1] / 2)
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    return common / np.maximum(np.prod(one[1]) + np.prod(many[:, 1], axis=1) - common, 1e-9)


def _anchors():
    grids = []
    for cells, repeats in GRIDS:
        centres = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(grids)


ANCHORS = _anchors()
