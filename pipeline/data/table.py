"""Tables as stages write them: CSV in UTF-8, all of it text."""

import contextlib

import pandas as pd

from pipeline.stage import WrongInput

_AS_TEXT = {"dtype": str, "keep_default_na": False}


def read_table(path, columns, only=False):
    """Return the table at `path`, every field as it stands there; raise WrongInput unless it has these columns.

    only: leave the others out.
    """
    with _readable(path):
        _check(path, columns)
        return pd.read_csv(path, usecols=columns if only else None, **_AS_TEXT)


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
