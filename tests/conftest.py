"""Where the tests find real photographs, on machines that have them."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def real_data(name):
    """Return the folder of a real data set, or skip the calling test where it is absent."""
    folder = Path(os.environ.get("REAL_DATA") or ROOT.parent / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"real photographs are not on this machine: {name} (set REAL_DATA to their folder)")
    return folder
