"""Finished parts of a long stage, kept until its output is whole, so that a killed job goes on after them.

A part is known by everything that it came from: one of other settings, code, rows or photographs is never taken up.
"""

import hashlib
import json
import shutil
import zipfile

import numpy as np

from pipeline.data.files import replacing

PART = 128  # rows: some seconds of one process


def in_parts(rows):
    """Yield lists of PART consecutive rows, the last one shorter."""
    for start in range(0, len(rows), PART):
        yield rows[start : start + PART]


def digest_of(*things):
    """Return a name of 32 letters for JSON-like things, equal only for equal ones."""
    return hashlib.sha256(json.dumps(things, sort_keys=True).encode()).hexdigest()[:32]


def part_path(folder, number, *came_from):
    """Return where the part of that number is kept."""
    return folder / f"{number:06d}-{digest_of(*came_from)}.npz"


def write_arrays(path, arrays):
    """Write {name: array}; equal arrays give equal bytes."""
    with replacing(path) as beside, open(beside, "wb") as file:
        np.savez(file, **arrays)


def read_arrays(path, kinds):
    """Return {name: array}, or None where no such file is, or it is damaged or holds others than these.

    kinds: {name: (shape of a row, kind of numpy's types)}.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # numpy compares no checksum of an array that it takes for shorter
                return None
        with np.load(path, allow_pickle=False) as arrays:
            found = dict(arrays)
        rows = {name: (own[:0].shape[1:], own.dtype.kind) for name, own in found.items()}
    except Exception:  # numpy and zipfile raise many kinds for a damaged file
        return None
    return found if rows == kinds else None


def discard_parts(folder):
    """Remove the parts of a stage whose output is whole."""
    shutil.rmtree(folder, ignore_errors=True)
