"""List the photographs of a data set: the first stage, which knows the formats on disk.

A reader is a module of this folder with `photographs(root)`, which yields manifest rows and `where` each was found.
"""

import importlib
import json
from pathlib import Path

import pandas as pd

from pipeline.data.files import replacing
from pipeline.data.manifest import COLUMNS
from pipeline.stage import WrongInput, run_stage, stage_arguments


def list_photographs(reader, root, classes, **layout):
    """Return the manifest of the data set under `root`, checked and in the order of names.

    classes: the class list that labels must belong to, or "all" to take those found. layout: what else the reader asks.
    Raises WrongInput for a missing folder, a class outside the list, or a name that occurs twice.
    """
    if not Path(root).exists():
        raise WrongInput(
            f"{root}: no such data set; put or link it there, or set datasets.<name>.root in params.yaml to its place"
        )
    rows = pd.DataFrame(_reader(reader)(Path(root), **layout), columns=[*COLUMNS, "where"])
    if rows.empty:
        raise WrongInput(f"{root}: no photograph found for reader {reader!r}; README.md describes the expected layout")
    _check_classes(rows, classes)
    twice = rows[rows["name"].duplicated()]
    if len(twice):
        raise WrongInput(f"{twice['where'].iloc[0]}: {twice['name'].iloc[0]} is listed twice; remove one of the rows")
    return rows[COLUMNS].sort_values("name", ignore_index=True)


def _check_classes(rows, classes):
    strange = rows[~rows["class"].isin(classes)] if classes != "all" else rows[:0]
    if len(strange):
        first = strange.iloc[0]
        raise WrongInput(
            f"{first['where']}: class {first['class']!r} is not among the {len(classes)} classes of this data set;"
            " mend the label, or add the class under datasets.<name>.classes in params.yaml"
        )


def _reader(name):
    # By name, so that an edit of one reader concerns the data sets that it reads and no other.
    return importlib.import_module(f"pipeline.data.{name}").photographs


def main():
    args = stage_arguments(__doc__).parse_args()
    rows = list_photographs(**args.options)
    with replacing(args.out) as beside:
        rows.to_csv(beside, index=False)
    counts = rows["class"].value_counts().to_dict()
    print(f"{len(rows)} photographs, {rows['group'].nunique()} groups, {len(counts)} classes: {json.dumps(counts)}")


if __name__ == "__main__":
    run_stage(main)
