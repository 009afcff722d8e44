"""The manifest of a data set: one row per photograph, whatever its format on disk.

Columns: name (unique), path (may lead into a ZIP archive: `a.zip/b.png`), class, group (clip or signer; images of one
group are near-duplicates), part (train or test where the owner publishes a split, else empty) and landmarks (JSON
[[x, y] * 21] in pixels where the data came with them, else empty).
"""

import functools
import zipfile
from pathlib import Path

import pandas as pd

from pipeline.data.archive import decode_image
from pipeline.stage import WrongInput

COLUMNS = ["name", "path", "class", "group", "part", "landmarks"]


def read_manifest(path):
    """Return the manifest as a DataFrame of text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def load_photograph(path):
    """Return a photograph as uint8 (H, W, 3) RGB; raise WrongInput where it is missing or unreadable."""
    archive, inside, member = str(path).partition(".zip/")
    try:
        data = _archive(archive + ".zip").read(member) if inside else Path(path).read_bytes()
    except (OSError, KeyError):
        raise WrongInput(f"{path}: no such photograph; restore it or remove its row from the data set") from None
    except zipfile.BadZipFile:
        raise WrongInput(f"{archive}.zip: not a complete ZIP archive; restore it or have it made again") from None
    return decode_image(data, path)


@functools.lru_cache(maxsize=4)
def _archive(path):
    return zipfile.ZipFile(path)
