"""The closest pairs on one page, for a person to judge: an image beside its nearest training image."""

import cv2
import numpy as np

_COLUMNS, _SCALE, _GAP, _LINE, _HEADING = 4, 2, 10, 15, 30
_PAPER, _INK = (255, 255, 255), (40, 40, 40)
_FONT, _SMALL, _LARGE = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0.55


def pairs_page(blocks):
    """Return a picture uint8 (H, W, 3) of blocks [(heading, [(image, nearest image, lines of text)])].

    Every pair has the same number of lines; a long one is shortened in its middle. Blocks without pairs are left out.
    """
    blocks = [(heading, pairs) for heading, pairs in blocks if pairs]
    size = max(len(image) for _, pairs in blocks for pair in pairs for image in pair[:2]) * _SCALE
    width, lines = 2 * size + _GAP, max(len(pair[2]) for _, pairs in blocks for pair in pairs)
    height = size + lines * _LINE + _GAP
    rows = [-(-len(pairs) // _COLUMNS) for _, pairs in blocks]
    page = np.full((len(rows) * _HEADING + sum(rows) * height, _COLUMNS * width + _GAP, 3), _PAPER, np.uint8)
    top = 0
    for (heading, pairs), count in zip(blocks, rows, strict=True):
        _write(page, heading, (_GAP, top + 20), _LARGE)
        top += _HEADING
        for place, pair in enumerate(pairs):
            row, column = divmod(place, _COLUMNS)
            _draw_pair(page, pair, top + row * height, _GAP + column * width, size)
        top += count * height
    return page


def _draw_pair(page, pair, top, left, size):
    *images, lines = pair
    for number, image in enumerate(images):
        start = left + number * size
        page[top : top + size, start : start + size] = cv2.resize(image, (size, size), interpolation=cv2.INTER_NEAREST)
    for number, text in enumerate(lines, 1):
        _write(page, _fitting(text, 2 * size), (left, top + size + number * _LINE - 3), _SMALL)


def _fitting(text, width):
    keep = len(text)
    fitted = text
    while cv2.getTextSize(fitted, _FONT, _SMALL, 1)[0][0] > width:
        keep -= 1
        fitted = text[: keep // 2] + ".." + text[len(text) - (keep - keep // 2) :]
    return fitted


def _write(page, text, place, scale):
    cv2.putText(page, text, place, _FONT, scale, _INK, 1, cv2.LINE_AA)
