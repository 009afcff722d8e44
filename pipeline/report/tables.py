"""Tables 5 to 9, and that of rivals: accuracy by source, method and size, each cell the mean and sd over seeds."""

import json
from pathlib import Path

import pandas as pd

from pipeline.classify.predictions import read_predictions
from pipeline.data.files import replacing
from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.recipes import ordered
from pipeline.report.layout import as_rows, mean_and_sd, published_values, write_table
from pipeline.stage import run_stage, stage_arguments

_LITERATURE = "RWTH (published)"
_NOT_ASKED = "images are filtered for the largest size alone, as in Table 5"


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
    summary = groups.agg(
        seeds=("accuracy", "size"),
        accuracy=("accuracy", "mean"),
        accuracy_sd=("accuracy", "std"),
        macro_recall=("macro_recall", "mean"),
        macro_recall_sd=("macro_recall", "std"),
        test_images=("test_images", "first"),
    ).reset_index()
    pairs = zip(summary["accuracy"], summary["accuracy_sd"], strict=True)
    return summary.assign(text=[mean_and_sd(*pair) for pair in pairs], reason="")


def add_published(summary, number):
    """Return the cells with those that only the paper has, not run here, and {column: the paper's values by row}."""
    published = published_values(number)
    names = list(dict.fromkeys(summary["column"]))
    theirs = published.columns[2:]
    # Tables 8 and 9 share their headings, sizes, with ours; those of Tables 5 and 7 are data sets, in the same order.
    ours = list(theirs) if number in ("8", "9") else names + list(theirs[len(names) :])
    order = ordered({*names, *ours}) if number in ("8", "9") else ours
    rows = summary.drop_duplicates("row")[["row", "source", "method"]]
    absent = [
        rows.assign(column=name, text="", seeds=0, reason=f"{name} is not among this study's columns (params.yaml)")
        for name in ours
        if name not in names
    ]
    values = {name: dict(enumerate(published[column])) for name, column in zip(ours, theirs, strict=True)}
    cells = pd.concat([summary, *absent]).sort_values("column", key=lambda names: names.map(order.index), kind="stable")
    return cells.reset_index(drop=True).astype({"test_images": "Int64"}), values


def add_literature(summary):
    """Return Table 6: our cells, and below them what others published for RWTH, with the citation beside it."""
    published = published_values("6")
    (column,) = set(summary["column"])
    below = published[["source", "method"]].assign(row=range(len(summary), len(summary) + len(published)))
    cells = below.assign(column=column, text="", seeds=0, reason="published for RWTH, with another split; not run here")
    beside = {name: dict(zip(below["row"], published[name], strict=True)) for name in ("RWTH", "citation")}
    whole = pd.concat([summary, cells], ignore_index=True).astype({"test_images": "Int64"})
    return whole, {_LITERATURE: beside["RWTH"], "citation": beside["citation"]}


def add_absent(summary):
    """Return the cells of the table of rivals with those that no job was asked for, empty, and why."""
    rows = summary.drop_duplicates("row")[["row", "source", "method"]]
    whole = rows.merge(summary[["column"]].drop_duplicates(), how="cross").merge(summary, how="left")
    whole.loc[whole["seeds"].isna(), ["seeds", "text", "reason"]] = 0, "", _NOT_ASKED
    return whole.astype({"seeds": int, "test_images": "Int64"})


def recall_columns(summary):
    """Return {heading: {row: mean and sd of macro-recall}} for each column."""
    measured = summary[summary["seeds"] > 0]
    return {
        f"{name} macro-recall": {
            row: mean_and_sd(*pair)
            for row, *pair in own[["row", "macro_recall", "macro_recall_sd"]].itertuples(index=False)
        }
        for name, own in measured.groupby("column", sort=False)
    }


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
    options, cells = args.options, pd.DataFrame(args.options["cells"])
    files = {path.stem: path for path in args.predictions}
    measures = [measure_cell(read_predictions(files[name])) for name in cells["cell"]]
    summary = summarise(cells.join(pd.DataFrame(measures)))
    metrics, beside, further = as_metrics(summary), {}, {}
    if options["table"] == "6":
        summary, further = add_literature(summary)
    elif options["table"] == "rivals":
        summary = add_absent(summary)
        further = recall_columns(summary)
    elif options["beside_paper"]:
        summary, beside = add_published(summary, options["table"])
    write_table(as_rows(summary, beside, further), summary, args)
    with replacing(args.metrics) as path:
        path.write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps({"cells": len(cells), "rows": summary["row"].nunique()}))


if __name__ == "__main__":
    run_stage(main)
