"""The manifest of a data set: one row per photograph, whatever its format on disk.

Columns: name (unique), path (may lead into a ZIP archive, `a.zip/b.png`, and name a box of the photograph as W3C's
media fragments do, `b.png#xywh=10,20,64,64`), class, group (clip or signer; images of one group are near-duplicates),
part (train or test where the owner publishes a split, else empty) and landmarks (JSON [[x, y] * 21] in pixels where the
data came with them, else empty).
"""

import re

import pandas as pd

from pipeline.data.decoding import decode_photograph
from pipeline.data.tree import read_bytes
from pipeline.stage import WrongInput

COLUMNS = ["name", "path", "class", "group", "part", "landmarks"]
_BOX = re.compile(r"#xywh=(-?\d+),(-?\d+),(\d+),(\d+)$")


def read_manifest(path):
    """Return the manifest as a DataFrame of text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def load_photograph(path):
    """Return a photograph, or the box of it that its path names, as uint8 (H, W, 3) RGB; raise WrongInput."""
    box = _BOX.search(str(path))
    file = str(path)[: box.start()] if box else str(path)
    image = decode_photograph(read_bytes(file), file)
    return _cut(image, [int(number) for number in box.groups()], path) if box else image


def with_box(path, x, y, width, height):
    """Return the path of a box of a photograph, in pixels of the upright image."""
    return f"{path}#xywh={x},{y},{width},{height}"


def _cut(image, box, path):
    x, y, width, height = box
    inside = image[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
    if not inside.size:
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise WrongInput(f"{path}: the box is outside of the photograph, which is {size}; mend its row in labels.csv")
    return inside
