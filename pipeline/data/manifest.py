"""The manifest of a data set: one row per photograph, whatever its format on disk.

Columns: name (unique), path (may lead into a ZIP archive, `a.zip/b.png`, and name a box of the photograph as W3C's
media fragments do, `b.png#xywh=10,20,64,64`), class, group (clip or signer; images of one group are near-duplicates),
part (train or test where the owner publishes a split, else empty) and landmarks (JSON [[x, y] * 21] in pixels where the
data came with them, else empty).
"""

import re
from pathlib import Path

from pipeline.data.decoding import MEGAPIXELS, decode_photograph
from pipeline.data.table import read_table, table_parts
from pipeline.data.tree import read_bytes, stamp_of
from pipeline.stage import WrongInput
from pipeline.sums import expect_whole

COLUMNS = ["name", "path", "class", "group", "part", "landmarks"]
_ARCHIVE = re.compile(r"^.*?\.zip(?=/)", re.IGNORECASE)
_BOX = re.compile(r"#xywh=(-?\d+),(-?\d+),(\d+),(\d+)$")


def read_manifest(path, columns=None):
    """Return the manifest, or some of its columns, as a DataFrame of text; raise WrongInput where it is none."""
    return read_table(path, columns or COLUMNS, only=True)


def manifest_parts(path, columns, count):
    """Yield lists of `count` consecutive rows, as dicts of these columns, without holding the whole manifest."""
    return table_parts(path, columns, count)


def expect_whole_archives(paths):
    """Raise WrongInput where an image set of this project, into which some of these paths lead, has rotted.

    Its stages get the manifest as an argument, not the archive, and a rotten photograph alone may count as unreadable.
    """
    found = {archive.group() for archive in map(_ARCHIVE.match, paths) if archive}
    for archive in sorted(found):
        expect_whole(Path(archive))


def load_photograph(path, megapixels=MEGAPIXELS):
    """Return a photograph, or the box of it that its path names, as uint8 (H, W, 3) RGB; raise WrongInput."""
    return decode_at(path, photograph_bytes(path), megapixels)


def photograph_bytes(path):
    """Return the content of the file that a path names, with or without a box; raise WrongInput."""
    return read_bytes(_file_of(path))


def photograph_stamp(path):
    """Return `stamp_of` the file that a path names, with or without a box."""
    return stamp_of(_file_of(path))


def box_of(path):
    """Return the box that a path names as the text it stands there, "" for a whole photograph."""
    box = _BOX.search(str(path))
    return box.group() if box else ""


def box_sides(path):
    """Return (x, y, width, height) of the box that a path names, in pixels; it may reach out of the photograph."""
    return tuple(int(number) for number in _BOX.search(str(path)).groups())


def whole_name(name, path):
    """Return the name of the photograph of a row, which may be one of its boxes: `b.png@10,20,64,64`."""
    return name.rpartition("@")[0] if box_of(path) else name


def decode_at(path, data, megapixels=MEGAPIXELS):
    """Return what `load_photograph` does, of the file's content."""
    image = decode_photograph(data, _file_of(path), megapixels)
    return _cut(image, box_sides(path), path) if box_of(path) else image


def _file_of(path):
    return str(path).removesuffix(box_of(path))


def with_box(path, x, y, width, height):
    """Return the path of a box of a photograph, in pixels of the upright image."""
    return f"{path}#xywh={x},{y},{width},{height}"


def _cut(image, box, path):
    x, y, width, height = box
    inside = image[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
    if not inside.size:
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise WrongInput(f"{path}: the box is outside of the photograph, which is {size}; mend its row of the labels")
    return inside
