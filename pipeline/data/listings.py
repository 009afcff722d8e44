"""Tables that people write about images: CSV files of text, by the file's name below the root."""

import io
import os
import unicodedata

import pandas as pd

from pipeline.data.tree import read_bytes
from pipeline.stage import WrongInput

# Read whole, a listing takes some six times its size in memory. The largest annotation file of HaGRID has about 80 MB.
LISTING_MB = 400
GROUP_COLUMNS = ("group", "signer", "person", "user_id", "clip", "video")


def expect_small(path):
    """Raise WrongInput for a listing on the disk that is too large to be read whole; it is not opened."""
    size = os.path.getsize(path) / 1e6 if os.path.isfile(path) else 0
    if size > LISTING_MB:
        raise WrongInput(
            f"{path}: a listing of {size:.0f} MB; expected {LISTING_MB} at most (LISTING_MB, pipeline/data/listings.py)"
            "; see whether it is what you think, or raise the limit if your memory holds six times as much"
        )


def read_listing(path):
    """Return the table at `path`, all of it text; WrongInput where it is none, or one larger than LISTING_MB."""
    expect_small(path)
    try:
        content = io.BytesIO(read_bytes(str(path), "name another listing, or mend its path"))
        table = pd.read_csv(content, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OverflowError) as misfit:  # not UTF-8, empty, or no table
        raise WrongInput(f"{path}: not a CSV file in UTF-8 ({misfit}); save it again as such") from None
    if not isinstance(table.index, pd.RangeIndex):
        # pandas would take the first field for a name of the row, and shift the others.
        raise WrongInput(f"{path}: its rows have more fields than its header; expected as many; mend one or the other")
    return table


def expect_columns(path, table, columns):
    """Raise WrongInput unless the table at `path` has these columns."""
    if not set(columns) <= set(table):
        expected = ",".join(columns)
        raise WrongInput(f"{path}: found columns {list(table)}; expected {expected}; rename them")


def group_column(columns):
    """Return the column that tells a group, the first of GROUP_COLUMNS there is, or None."""
    return next((column for column in GROUP_COLUMNS if column in columns), None)


def groups_in(path, table):
    """Return the function that gives a file its group by the table at `path`: file, and one of GROUP_COLUMNS.

    A file whose group is left empty is one of its own.
    """
    expect_columns(path, table, ["file", group_column(table) or GROUP_COLUMNS[0]])
    groups = {}
    for number, (file, group) in enumerate(zip(table["file"], table[group_column(table)], strict=True), start=2):
        group = group.strip() or file  # without one, a group of its own
        if groups.setdefault(composed(file), group) != group:
            raise WrongInput(
                f"{path}, row {number}: {file} is of group {group!r}, and above of {groups[composed(file)]!r}; expected"
                " one group; remove one of the rows"
            )

    def group_of(file):
        if composed(file) not in groups:
            raise WrongInput(f"{path}: no row for {file}; add `{file},<signer or clip>`")
        return groups[composed(file)]

    return group_of


def composed(name):
    """Return a name as the same text on every system: macOS writes letters and their accents apart, others as one."""
    return unicodedata.normalize("NFC", name)
