"""Tables that people write about images: CSV files of text, by the file's name below the root."""

import io
import unicodedata

import pandas as pd

from pipeline.data.tree import read_bytes
from pipeline.stage import WrongInput

GROUP_COLUMNS = ("group", "signer", "person", "user_id", "clip", "video")


def read_listing(path):
    """Return the table at `path`, all of it text; WrongInput where it is none."""
    try:
        content = io.BytesIO(read_bytes(str(path)))
        return pd.read_csv(content, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError as misfit:  # not UTF-8, empty, or no table
        raise WrongInput(f"{path}: not a CSV file in UTF-8 ({misfit}); save it again as such") from None


def expect_columns(path, table, columns):
    """Raise WrongInput unless the table at `path` has these columns."""
    if not set(columns) <= set(table):
        expected = ",".join(columns)
        raise WrongInput(f"{path}: found columns {list(table)}; expected {expected}; rename them")


def group_column(columns):
    """Return the column that tells a group, the first of GROUP_COLUMNS there is, or None."""
    return next((column for column in GROUP_COLUMNS if column in columns), None)


def groups_in(path, table):
    """Return the function that gives a file its group by the table at `path`: file, and one of GROUP_COLUMNS."""
    expect_columns(path, table, ["file", group_column(table) or GROUP_COLUMNS[0]])
    groups = dict(zip(map(composed, table["file"]), table[group_column(table)], strict=True))

    def group(file):
        if composed(file) not in groups:
            raise WrongInput(f"{path}: no row for {file}; add `{file},<signer or clip>`")
        return groups[composed(file)]

    return group


def composed(name):
    """Return a name as the same text on every system: macOS writes letters and their accents apart, others as one."""
    return unicodedata.normalize("NFC", name)
