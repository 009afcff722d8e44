"""Checksums of artifacts, so that a stage notices a file that rotted on the disk before it computes with it.

results/<rule>/NAME has its sha256 in results/.sums/<rule>/NAME.sha256, written with it (pipeline.data.files). What DVC
brings gets its sum where dvc.lock vouches for it (pipeline.versions.adopt). A file without a sum is taken as it is.
"""

import hashlib
import time
from pathlib import Path

from pipeline.stage import WrongInput

SUMS = ".sums"
_RESULTS = "results"
PAUSE = 0.5  # seconds: many times what lies between the two renames, also on a network's file system


def expect_whole(path):
    """Raise WrongInput where a file is not what its sum says.

    A file and its sum are replaced one after the other. Who finds that they do not fit looks again, until they do
    or until nothing has changed for PAUSE seconds.
    """
    misfit = _misfit(path)
    while misfit is not None:
        time.sleep(PAUSE)
        before, misfit = misfit, _misfit(path)
        if misfit == before:
            found, expected = misfit
            raise WrongInput(
                f"{path}: damaged, or changed since it was made; found sha256 {found[:12]}…, expected {expected[:12]}…;"
                " delete it and run Snakemake again, which makes it anew"
            )


def _misfit(path):
    """Return the sha256 that a file has and the one that it should have; None where these are equal, or one lacks."""
    place = sum_file(path)
    try:
        if place is None or not path.is_file():
            return None
        expected, found = place.read_text().strip(), sha256_of(path)
    except FileNotFoundError:
        return None
    return None if found == expected else (found, expected)


def sum_file(path):
    """Return where the sum of an artifact lies; None for what is none: outside of results/, recorded, or hidden."""
    parts = Path(path).parts
    if _RESULTS not in parts:
        return None
    root = len(parts) - parts[::-1].index(_RESULTS)
    below = parts[root:]
    if not below or below[0] == "recorded" or any(part.startswith(".") for part in below):
        return None
    return Path(*parts[:root], SUMS, *below[:-1], below[-1] + ".sha256")


def sha256_of(path):
    """Return the sha256 of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
