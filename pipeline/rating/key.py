"""The key of a rating form: which image is whose. It lies beside the page and not in it."""

import hashlib
from collections import Counter

from pipeline.data.table import read_table

REAL = "real"
COLUMNS = ["image", "source", "class", "file_name"]


def image_ids(images):
    """Return an id per image uint8 (H, W, 3), from its pixels alone; images that are equal are counted.

    It begins with a letter: a spreadsheet would take 12 digits, or 10 around an "e", for a number.
    """
    seen, ids = Counter(), []
    for image in images:
        pixels = image.tobytes()
        ids.append("i" + hashlib.sha256(pixels + b"%d" % seen[pixels]).hexdigest()[:12])
        seen[pixels] += 1
    return ids


def image_set_of(ids):
    """Return the name of a set of images, whatever their order."""
    return "s" + hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:12]


def read_key(path):
    """Return the table of a key, all of it text."""
    return read_table(path, COLUMNS)[COLUMNS]
