"""How a table is laid out: one row per source and method, one text cell per column, the paper's values beside ours."""

from pathlib import Path

import pandas as pd

from pipeline.data.files import replacing

_PUBLISHED = Path(__file__).parent / "published"


def published_values(number):
    """Return the paper's table of that number, as text; a cell that the paper leaves open is empty."""
    return pd.read_csv(_PUBLISHED / f"table{number}.csv", dtype=str, keep_default_na=False)


def mean_and_sd(mean, sd, digits=2):
    """Write a cell: the mean, and the sd where there is more than one seed."""
    return f"{mean:.{digits}f}" if pd.isna(sd) else f"{mean:.{digits}f} ± {sd:.{digits}f}"


def as_rows(summary, beside, further):
    """Return the table as the paper prints it, from cells (row, source, method, column, seeds, text).

    beside: {column: {row: the paper's value}}, put right of that column as "<column> (paper)", or at the end where we
    have no such column; further: {heading: {row: text}}, columns at the end. `seeds` tells how many there are of each
    cell of a row, as 2 or 1 to 3.
    """
    columns = list(dict.fromkeys(summary["column"]))
    head = summary.drop_duplicates("row").set_index("row")[["source", "method"]].sort_index()
    table = head.assign(seeds=_seeds(summary))
    texts = summary.pivot(index="row", columns="column", values="text")
    for name in dict.fromkeys([*columns, *beside]):
        if name in columns:
            table[name] = texts[name]
        if name in beside:
            table[f"{name} (paper)"] = table.index.map(beside[name])
    for name, texts in further.items():
        table[name] = table.index.map(texts)
    return table.fillna("").reset_index(drop=True)


def _seeds(summary):
    counts = summary[summary["seeds"] > 0].groupby("row")["seeds"].agg(["min", "max"])
    told = {row: f"{few}" if few == many else f"{few} to {many}" for row, few, many in counts.itertuples()}
    return pd.Series(told, dtype=str)


def write_table(table, summary, args):
    """Write the table to args.out, and to args.long one row per cell, named in `cell` as a plot needs it."""
    named = summary[["source", "method", "column"]].agg(", ".join, axis=1)
    with replacing(args.out) as path:
        table.to_csv(path, index=False)
    with replacing(args.long) as path:
        summary.drop(columns=["row", "text"]).assign(cell=named).to_csv(path, index=False, float_format="%.4f")
