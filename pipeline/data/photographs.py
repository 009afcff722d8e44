"""List the photographs of a data set: the first stage, which knows the formats on disk.

A reader is a module of this folder with `photographs(root)`, which yields manifest rows and `where` each was found.
"""

import collections
import csv
import importlib
import json
from pathlib import Path

import pandas as pd

from pipeline.data.files import replacing
from pipeline.data.manifest import COLUMNS
from pipeline.data.sorting import sorted_rows
from pipeline.data.tree import UNFIT
from pipeline.stage import WrongInput, run_stage, stage_arguments
from pipeline.sums import expect_whole

_HELD = 50_000  # rows in memory at a time; about 1 kB each


def list_photographs(reader, root, classes, **layout):
    """Return the manifest of the data set under `root`, checked and in the order of names."""
    return pd.DataFrame(stream_photographs(reader, root, classes, **layout), columns=COLUMNS)


def stream_photographs(reader, root, classes, **layout):
    """Yield the rows of the manifest of the data set under `root`, checked and in the order of names.

    classes: the class list that labels must belong to, or "all" to take those found. layout: what else the reader asks.
    Raises WrongInput for a missing folder, a class outside the list, or a name that occurs twice.
    """
    if not Path(root).exists():
        raise WrongInput(
            f"{root}: no such data set; put or link it there, or set datasets.<name>.root in params.yaml to its place"
        )
    before = None
    for row in sorted_rows(_of_classes(_reader(reader)(Path(root), **layout), classes), "name", _HELD):
        _check_text(row)
        if row["name"] == before:
            raise WrongInput(f"{row['where']}: {row['name']} is listed twice; remove one of the rows")
        before = row["name"]
        yield {column: row[column] for column in COLUMNS}
    if before is None:
        raise WrongInput(f"{root}: no photograph found for reader {reader!r}; README.md describes the expected layout")


def _check_text(row):
    """Raise WrongInput where a row has what a manifest, which is UTF-8 and has lines, cannot hold."""
    for column in COLUMNS:
        if UNFIT.search(row[column]):
            raise WrongInput(
                f"{row['where']}: {column} {row[column]!a} has characters that UTF-8 or a line cannot hold; rename it"
            )


def _of_classes(rows, classes):
    """Pass rows on; raise WrongInput at the first whose class is not in the list."""
    for row in rows:
        if classes != "all" and row["class"] not in classes:
            raise WrongInput(
                f"{row['where']}: class {row['class']!r} is not among the {len(classes)} classes of this data set;"
                " mend the label, or add the class under datasets.<name>.classes in params.yaml"
            )
        yield row


def _reader(name):
    # By name, so that an edit of one reader concerns the data sets that it reads and no other.
    return importlib.import_module(f"pipeline.data.{name}").photographs


def write_manifest(path, rows):
    """Write the rows as a manifest, one by one; return ({class: photographs}, number of groups)."""
    counts, groups = collections.Counter(), set()
    with replacing(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow(row)
            counts[row["class"]] += 1
            groups.add(row["group"])
    return dict(counts.most_common()), len(groups)


def main():
    args = stage_arguments(__doc__).parse_args()
    expect_whole(Path(args.options["root"]))  # an image set of this project may be the data set
    counts, groups = write_manifest(args.out, stream_photographs(**args.options))
    print(f"{sum(counts.values())} photographs, {groups} groups, {len(counts)} classes: {json.dumps(counts)}")


if __name__ == "__main__":
    run_stage(main)
