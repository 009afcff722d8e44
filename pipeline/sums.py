"""Checksums of artifacts, so that a stage notices a file that rotted on the disk before it computes with it.

results/<rule>/NAME has its sha256 in results/.sums/<rule>/NAME.sha256, written with it. What DVC brings gets its sum
where dvc.lock vouches for it (pipeline.versions.adopt). A file without a sum is taken as it is.
"""

import hashlib
from pathlib import Path

from pipeline.stage import WrongInput

SUMS = ".sums"
_RESULTS = "results"


def note_sum(path, content):
    """Write the sum of the file `content`, which is or is about to be at `path`; nothing outside of results/."""
    place = sum_file(path)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(_sha256(content) + "\n")


def expect_whole(path):
    """Raise WrongInput where a file is not what its sum says."""
    place = sum_file(path)
    if place is None or not place.is_file() or not path.is_file():
        return
    expected, found = place.read_text().strip(), _sha256(path)
    if found != expected:
        raise WrongInput(
            f"{path}: damaged, or changed since it was made; found sha256 {found[:12]}…, expected {expected[:12]}…; "
            "delete it and run Snakemake again, which makes it anew"
        )


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


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
