"""Tables as stages write them: CSV in UTF-8, all of it text but for the columns that a reader counts with."""

import collections
import contextlib

import pandas as pd

from pipeline.stage import WrongInput

# Far more than any data set has, and few enough to be counted: a damaged label would ask for any memory.
MOST_CLASSES = 100_000

_AS_TEXT = {"dtype": str, "keep_default_na": False}


def read_table(path, columns, only=False, numbers=None):
    """Return the table at `path`, every field as it stands there; raise WrongInput unless it has these columns.

    only: leave the others out. numbers: {column: int or float} of those that are numbers; an empty float is NaN.
    """
    numbers = numbers or {}
    with _readable(path):
        _check(path, columns)
        return pd.read_csv(
            path,
            usecols=columns if only else None,
            dtype=collections.defaultdict(lambda: str, numbers),
            keep_default_na=False,
            na_values={name: [""] for name, kind in numbers.items() if kind is float},
        )


def check_labels(path, table, columns):
    """Raise WrongInput, with the row, for a label that is none of 0, 1, ... up to MOST_CLASSES - 1."""
    for column in columns:
        wrong = table.index[~table[column].between(0, MOST_CLASSES - 1)]
        if len(wrong):
            raise WrongInput(
                f"{path}, row {wrong[0] + 1}: {column} {table.loc[wrong[0], column]}; expected 0 to {MOST_CLASSES - 1};"
                " delete it and run Snakemake again"
            )


def check_parts(path, table, parts):
    """Raise WrongInput, with the row, where the column `part` holds anything else than one of these."""
    wrong = table.index[~table["part"].isin(parts)]
    if len(wrong):
        raise WrongInput(
            f"{path}, row {wrong[0] + 1}: part {table.loc[wrong[0], 'part']!r}; expected {' or '.join(parts)};"
            " delete it and run Snakemake again"
        )


def table_parts(path, columns, count):
    """Yield lists of `count` consecutive rows, dicts of these columns, without holding the table; raise WrongInput."""
    with _readable(path):
        _check(path, columns)
        with pd.read_csv(path, usecols=columns, chunksize=count, **_AS_TEXT) as parts:
            for part in parts:
                yield part.to_dict("records")


@contextlib.contextmanager
def _readable(path):
    try:
        yield
    except FileNotFoundError:
        raise WrongInput(f"{path}: no such table; run Snakemake to make it") from None
    except (ValueError, OverflowError) as misfit:  # not UTF-8, empty, or no table
        reason = " ".join(str(misfit).split())
        raise WrongInput(f"{path}: not a CSV file in UTF-8 ({reason}); delete it and run Snakemake again") from None


def _check(path, columns):
    head = pd.read_csv(path, nrows=1, **_AS_TEXT)
    # Where every row has more fields than the header, pandas takes the first for the name of the row.
    if not set(columns) <= set(head) or not isinstance(head.index, pd.RangeIndex):
        raise WrongInput(
            f"{path}: columns {', '.join(head)[:200]}; expected {', '.join(columns)}, and as many fields in each row;"
            " delete it and run Snakemake again"
        )
