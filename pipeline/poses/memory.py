"""What detectors found before, by the content of photographs: a data set that grew has only its new ones looked at.

A folder holds the findings by one detector with one set of options and one state of the code, as files that are
written once; it may be deleted at any time. Of such folders the latest few stay.
"""

import functools
import os
import shutil

import numpy as np

from pipeline.data.parts import digest_of, write_arrays
from pipeline.poses.findings import arrays_of, finding_at, read_findings

_FOLDERS = 8  # half a gigabyte each for a million photographs


def read_remembered(path):
    """Return findings as arrays, with `key` (N,) bytes; None where the file is damaged or something else."""
    return read_findings(path, {"key": ((), "S")})


class Memory:
    """Findings below `folder`, as they were when it was first asked."""

    def __init__(self, folder):
        self._folder = folder
        self._read = functools.lru_cache(maxsize=8)(read_remembered)

    @functools.cached_property
    def _index(self):
        """Keys (N,) in order, and of each the file and the row there."""
        files = sorted(self._folder.glob("*.npz"))
        keys = [_keys_of(file) for file in files]
        rows = [(number, row) for number, own in enumerate(keys) for row in range(len(own))]
        every = np.concatenate([*keys, np.array([], "S32")])
        order = np.argsort(every, kind="stable")
        return files, every[order], np.array(rows, np.int32).reshape(-1, 2)[order]

    def find(self, key):
        """Return the Finding of that key, or None."""
        files, keys, places = self._index
        position = np.searchsorted(keys, key.encode())
        if position == len(keys) or keys[position] != key.encode():
            return None
        number, row = places[position]
        arrays = self._read(files[number])
        return None if arrays is None else finding_at(arrays, row)

    def add(self, findings):
        """Write {key: Finding} for the next time."""
        keys = list(findings)
        arrays = {"key": np.array(keys, "S32")} | arrays_of(list(findings.values()))
        write_arrays(self._folder / f"{digest_of(keys)}.npz", arrays)


def _keys_of(file):
    arrays = read_remembered(file)
    return np.array([], "S32") if arrays is None else arrays["key"]


def forget_the_oldest(folder):
    """Mark a folder as used, and remove those beside it that were not for longest."""
    if folder.is_dir():
        os.utime(folder)
        for old in sorted(folder.parent.iterdir(), key=lambda own: own.stat().st_mtime)[:-_FOLDERS]:
            shutil.rmtree(old, ignore_errors=True)
