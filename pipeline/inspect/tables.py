"""CSV artifacts, told apart by their columns: lists of photographs, splits, scores, predictions, curves, tables …"""

import csv

import numpy as np
import pandas as pd

from pipeline.inspect import curves, plots
from pipeline.inspect.contents import Contents, in_one_line, listed
from pipeline.metrics.accuracy import accuracy, class_accuracy, macro_recall
from pipeline.poses.reasons import counted
from pipeline.stage import WrongInput

_AUDITED = ("hash_distance", "features_distance")
# Numbers that count, and the largest that is drawn.
_WHOLE = {"label": 4096, "predicted": 4096, "epoch": 10**9, "step": 10**9}
_QUANTILES = (0, 0.25, 0.5, 0.75, 1)


def read(path):
    """Return the Contents of a CSV artifact; raise WrongInput where rows are incomplete or columns are unknown."""
    frame = _frame(path)
    for needed, numbers, tell in _KINDS:
        if set(needed) <= set(frame.columns):
            return tell(_with_numbers(path, frame, numbers))
    known = "; ".join(",".join(needed) for needed, _, _ in _KINDS)
    raise WrongInput(f"{path}: columns {','.join(frame.columns)}; expected those of an artifact ({known})")


def _frame(path):
    """Return a CSV as text, as it stands: a class may be called "1" or "nan", and pandas would fill up short rows."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            columns, *rows = csv.reader(file)
    except (csv.Error, UnicodeDecodeError, ValueError) as wrong:
        raise WrongInput(f"{path}: not a CSV ({in_one_line(wrong)}); delete it and run Snakemake again") from None
    if len(set(columns)) < len(columns):
        raise WrongInput(f"{path}: two columns of one name in {','.join(columns)}; delete it and run Snakemake again")
    if not rows:
        raise WrongInput(f"{path}: a header without rows; delete it and run Snakemake again")
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns):
            raise WrongInput(
                f"{path}, row {number}: {len(row)} fields; expected {len(columns)}; delete it and run Snakemake again"
            )
    # Every row ends with a line break: what was cut off in the middle of a number shows here alone.
    if not path.read_bytes().endswith(b"\n"):
        raise WrongInput(f"{path}: cut off in its last row; delete it and run Snakemake again")
    return pd.DataFrame(rows, columns=columns)


def _with_numbers(path, frame, numbers):
    """Return the frame with these columns as numbers; where nothing was measured a field is empty, which is NaN."""
    frame = frame.copy()
    for column in numbers:
        values = pd.to_numeric(frame[column], errors="coerce")
        # A report on poses says of every photograph whether a hand was found.
        may_be_empty = column in curves.MAY_BE_EMPTY or (column in ("found", "pck") and "pck" in frame)
        counted = ~values.between(0, _WHOLE[column]) | (values % 1 != 0) if column in _WHOLE else False
        wrong = np.flatnonzero((values.isna() | counted) & ~((frame[column] == "") & may_be_empty))
        if wrong.size:
            found = f"{column} is {frame[column].iloc[wrong[0]][:100]!r}"
            raise WrongInput(
                f"{path}, row {wrong[0] + 2}: {found}; expected a number; delete it and run Snakemake again"
            )
        frame[column] = values
    return frame


def _photographs(frame):
    counts = frame["class"].value_counts().sort_index()
    with_landmarks = int((frame["landmarks"] != "").sum())
    return Contents(
        "list of photographs",
        f"{len(frame)} photographs of {len(counts)} classes",
        lines=lambda: [
            f"{len(frame)} photographs of {len(counts)} classes, in {frame['group'].nunique()} groups",
            f"owner's split: {_counted(frame['part']) or 'none'}",
            f"with landmarks: {with_landmarks}",
            "photographs per class",
            *listed(counts),
        ],
        draw=lambda: plots.bars("photographs per class", {name: {"all": count} for name, count in counts.items()}),
    )


def _counted(column):
    return ", ".join(f"{name} {count}" for name, count in column[column != ""].value_counts().items())


def _parts(kind, frame):
    """Tell of a split (train, test) or a subset (fit, val): which part has how many images of each class."""
    order = frame.drop_duplicates("class").sort_values("label")["class"]
    counts = pd.crosstab(frame["class"], frame["part"]).loc[order]
    # fit before val, train before test.
    counts = counts[sorted(counts.columns, key=lambda part: part in ("val", "test"))]
    rows = {name: {part: int(count) for part, count in row.items()} for name, row in counts.iterrows()}
    shared = frame.groupby("group")["part"].nunique().gt(1).sum()
    return Contents(
        kind,
        f"{len(frame)} images of {len(rows)} classes: {_counted(frame['part'])}",
        lines=lambda: [
            f"{len(frame)} images of {len(rows)} classes: {_counted(frame['part'])}",
            f"groups (clips or signers): {frame['group'].nunique()}, {shared} of them in more than one part",
            "images per class: " + ", ".join(counts.columns),
            *listed({name: ", ".join(map(str, own.values())) for name, own in rows.items()}),
        ],
        draw=lambda: plots.bars("images per class", rows),
    )


def _subset(frame):
    return _parts("subset", frame)


def _split(frame):
    return _parts("split", frame)


def _pose_report(frame):
    by_class = frame.groupby("class", sort=True)["found"].agg(["sum", "size"]).astype(int)
    rows = {name: {"found": row["sum"], "not found": row["size"] - row["sum"]} for name, row in by_class.iterrows()}
    total = f"{len(frame)} photographs, hand found in {int(frame['found'].sum())}"
    reasons = counted(frame.loc[frame["found"] == 0, "reason"].astype(str))
    return Contents(
        "report on poses",
        total,
        lines=lambda: [
            total,
            *listed(reasons),
            "found per class",
            *listed({name: f"{row['sum']} of {row['size']}" for name, row in by_class.iterrows()}),
        ],
        draw=lambda: plots.bars("photographs", rows),
    )


def _scores(frame):
    # Of the class only the label is a column; its name is the folder of the image.
    names = frame["file_name"].str.rpartition("/")[0].where(lambda folder: folder != "", frame["label"].astype(str))
    quantiles = {
        name: tuple(own.quantile(_QUANTILES)) for name, own in frame["score"].groupby(names, sort=False, observed=True)
    }
    mean = f"{len(frame)} images of {len(quantiles)} classes, mean score {frame['score'].mean():.4f}"
    return Contents(
        "scores of generated images",
        mean,
        lines=lambda: [
            mean,
            "score per class: lowest, lower quartile, median, upper quartile, highest",
            *listed({name: "  ".join(f"{value:.4f}" for value in own) for name, own in quantiles.items()}),
        ],
        draw=lambda: plots.ranges("score per class, 0 to 1: range, quartiles, median", quantiles),
    )


def _conditioning(frame):
    told = {}
    for name, own in frame.groupby("set", sort=False):
        told[name] = f"{len(own)} images, accuracy {accuracy(own['label'], own['predicted']):.4f}"
        if own["found"].notna().any():
            told[name] += f", hand found in {int(own['found'].sum())}, PCK@0.2 of these {own['pck'].mean():.4f}"
    shares = {name: own["pck"].dropna() for name, own in frame.groupby("set", sort=False)}
    quantiles = {name: tuple(own.quantile(_QUANTILES)) for name, own in shares.items() if len(own)}
    return Contents(
        "images held against their condition",
        "; ".join(f"{name} {text}" for name, text in told.items()),
        lines=lambda: listed(told),
        draw=(lambda: plots.ranges("PCK@0.2 per image: range, quartiles, median", quantiles)) if quantiles else None,
    )


def _predictions(frame):
    labels, predicted = frame["label"].to_numpy(int), frame["predicted"].to_numpy(int)
    num_classes = int(max(labels.max(), predicted.max())) + 1
    names = dict(zip(labels.tolist(), frame["class"], strict=True))
    names = [names.get(label, f"label {label}") for label in range(num_classes)]
    recalls = class_accuracy(labels, predicted, num_classes)
    shares = f"accuracy {accuracy(labels, predicted):.4f}, macro-recall {macro_recall(labels, predicted):.4f}"
    counts = np.zeros((num_classes, num_classes), int)
    np.add.at(counts, (labels, predicted), 1)
    told = zip(names, recalls, counts.sum(1).tolist(), counts.sum(0).tolist(), strict=True)
    return Contents(
        "predictions",
        f"{len(frame)} test images, {shares}",
        lines=lambda: [
            f"{len(frame)} test images of {len(set(labels.tolist()))} classes: {shares}",
            f"mean probability of the true class {frame['probability'].mean():.4f}",
            "per class: test images, how often predicted, recall",
            *listed({name: f"{images:5}  {guesses:5}  {recall:.3f}" for name, recall, images, guesses in told}),
        ],
        draw=lambda: plots.confusion(f"rows: true class, columns: predicted; {shares}", counts, names),
    )


def _rating_key(frame):
    counts = frame["source"].value_counts(sort=False)
    size = f"{len(frame)} images of {len(counts)} sources"
    return Contents("key of a rating form", size, lines=lambda: [size, *listed(counts)])


def _table(frame):
    size = f"{len(frame)} rows x {len(frame.columns)} columns"
    return Contents("table", size, lines=lambda: [size, *frame.to_string(index=False).splitlines()])


def _compared(frame):
    size = f"{frame['recipe'].nunique()} recipes at {frame['size'].nunique()} sizes"
    ends = frame[["macro_recall_to_real_low", "macro_recall_to_real_high"]]
    spans = [f"{low} to {high}" if low else "" for low, high in ends.itertuples(index=False)]
    names = frame["size"] + ", " + frame["recipe"]
    told = [f"{value}  {span}" for value, span in zip(frame["macro_recall"], spans, strict=True)]
    return Contents(
        "compared recipes",
        size,
        lines=lambda: [
            f"{size}; macro-recall in percent, interval of the difference to real images alone",
            *listed(dict(zip(names, told, strict=True))),
        ],
    )


def _audited(frame):
    flagged = frame[frame["flagged"] == 1]
    size = f"{len(frame)} test images, {len(flagged)} with a near-duplicate among the training images"
    counts = flagged["class"].value_counts().sort_index()
    return Contents(
        "test images beside training images",
        size,
        lines=lambda: [
            size,
            f"copies: {_counted(flagged['exact']) or 'none'}",
            "with a near-duplicate, per class",
            *listed(counts),
        ],
    )


# (columns that a kind is known by, those of them that are numbers, who tells of it), the most particular first.
_KINDS = (
    (("name", "path", "class", "group", "part", "landmarks"), (), _photographs),
    (("name", "class", "found", "confidence", "reason"), ("found", "confidence"), _pose_report),
    (("file_name", "class", "label", "predicted", "probability"), ("label", "predicted", "probability"), _predictions),
    (
        ("file_name", "set", "label", "predicted", "found", "pck"),
        ("label", "predicted", "found", "pck"),
        _conditioning,
    ),
    (("file_name", "class", "group", *_AUDITED, "exact", "flagged"), (*_AUDITED, "flagged"), _audited),
    (("image", "source", "class", "file_name"), (), _rating_key),
    (("file_name", "label", "score"), ("label", "score"), _scores),
    (("file_name", "class", "label", "group", "part"), ("label",), _subset),
    (("name", "part", "class", "label", "group"), ("label",), _split),
    (("step", *curves.GENERATOR_MEASURES, "collapse"), ("step", *curves.GENERATOR_MEASURES), curves.read_generator),
    (("epoch", "phase", *curves.MEASURES), ("epoch", *curves.MEASURES), curves.read),
    (("size", "recipe", "generated", "macro_recall"), (), _compared),
    (("source", "method"), (), _table),
    (("recipe", "switches"), (), _table),
)
