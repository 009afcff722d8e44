"""Tables 5, 8 and 9: accuracy by source, strategy and size, each cell the mean and sd over seeds."""

import json
from pathlib import Path

import pandas as pd

from pipeline.data.files import replacing
from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.stage import run_stage, stage_arguments

_PUBLISHED = Path(__file__).parent / "published"


def measure_cell(predictions):
    """Return accuracy and macro-recall in percent, and how many test images stand behind them."""
    labels, predicted = predictions["label"].to_numpy(), predictions["predicted"].to_numpy()
    return {
        "accuracy": 100 * accuracy(labels, predicted),
        "macro_recall": 100 * macro_recall(labels, predicted),
        "test_images": len(predictions),
    }


def summarise(measured):
    """Return one row per table cell: mean and sample sd over seeds (NaN for one seed) of both measures."""
    groups = measured.groupby(["row", "source", "method", "column"], sort=False)
    return groups.agg(
        seeds=("accuracy", "size"),
        accuracy=("accuracy", "mean"),
        accuracy_sd=("accuracy", "std"),
        macro_recall=("macro_recall", "mean"),
        macro_recall_sd=("macro_recall", "std"),
        test_images=("test_images", "first"),
    ).reset_index()


def lay_out(summary, columns):
    """Return the table as the paper prints it: one row per source and method, one text cell per column."""
    pairs = zip(summary["accuracy"], summary["accuracy_sd"], strict=True)
    cells = summary.assign(text=[mean_and_sd(*pair) for pair in pairs])
    table = cells.pivot(index=["row", "source", "method"], columns="column", values="text")[columns]
    return table.reset_index(["source", "method"]).sort_index().reset_index(drop=True).rename_axis(columns=None)


def mean_and_sd(mean, sd):
    """Write a cell: the mean, and the sd where there is more than one seed."""
    return f"{mean:.2f}" if pd.isna(sd) else f"{mean:.2f} ± {sd:.2f}"


def add_published(table, number, columns):
    """Put the paper's value beside each column that the paper has; its rows are in the same order."""
    published = pd.read_csv(_PUBLISHED / f"table{number}.csv", dtype=str)
    names = published.columns[2:]
    # Tables 8 and 9 share their headings (sizes) with ours; those of Table 5 are data sets, in the order of ours.
    pairs = zip(columns, names, strict=False) if number == "5" else ((name, name) for name in columns if name in names)
    for ours, theirs in pairs:
        table.insert(table.columns.get_loc(ours) + 1, f"{ours} (paper)", published[theirs])
    return table


def with_names(summary):
    """Return the long table, with a column `cell` that names each row by itself, as a plot needs."""
    return summary.drop(columns="row").assign(cell=summary[["source", "method", "column"]].agg(", ".join, axis=1))


def as_metrics(summary):
    """Return {source: {method: {column: {"accuracy": …, "macro_recall": …}}}} in percent, for `dvc metrics diff`."""
    metrics = {}
    for cell in summary.to_dict("records"):
        measures = {name: round(cell[name], 2) for name in ("accuracy", "macro_recall")}
        metrics.setdefault(cell["source"], {}).setdefault(cell["method"], {})[cell["column"]] = measures
    return metrics


def main():
    parser = stage_arguments(__doc__, outputs=["out", "long", "metrics"])
    parser.add_argument("--predictions", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    cells = pd.DataFrame(args.options["cells"])
    files = {path.stem: path for path in args.predictions}
    text = dict.fromkeys(["file_name", "group", "class"], str)
    measures = [measure_cell(pd.read_csv(files[name], dtype=text, keep_default_na=False)) for name in cells["cell"]]
    measured = cells.join(pd.DataFrame(measures))
    summary = summarise(measured)
    columns = list(dict.fromkeys(cells["column"]))
    table = lay_out(summary, columns)
    if args.options["beside_paper"]:
        table = add_published(table, args.options["table"], columns)
    with replacing(args.out) as beside:
        table.to_csv(beside, index=False)
    with replacing(args.long) as beside:
        with_names(summary).to_csv(beside, index=False, float_format="%.4f")
    with replacing(args.metrics) as beside:
        beside.write_text(json.dumps(as_metrics(summary), indent=1) + "\n")
    print(json.dumps({"cells": len(cells), "rows": len(table), "columns": columns}))


if __name__ == "__main__":
    run_stage(main)
