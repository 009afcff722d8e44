"""The table of errata: what each error of the released code does to a recipe, beside the recipe as the text has it.

Accuracy and macro-recall are of all test images, each once. The released code divides the hits in whole batches by the
number of all images; what it prints so is a column of its own. A difference is paired over test images, in groups, and
over seeds; its interval of 95 % is that of pipeline/verdict/intervals.py, of this one pair: of all rows some look
better or worse than they are by chance alone.
"""

import json
from pathlib import Path

import pandas as pd

from pipeline.classify.predictions import read_predictions
from pipeline.data.files import replacing
from pipeline.metrics.accuracy import printed_accuracy
from pipeline.report.layout import mean_and_sd
from pipeline.stage import run_stage, stage_arguments
from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import MEASURES, count_hits, for_measure
from pipeline.verdict.words import in_points

_TAIL = 0.025
_CORRECTED = "none (corrected)"


def measure_rows(rows, predictions):
    """Return (table in points, Counts, {measure: Spread}), one row per row of Study.errata_rows, in order.

    predictions: {cell: table}, in the order of the test images. A measure has its mean, its sd over seeds (NaN for one)
    and the difference to the corrected recipe with its interval (NaN for the corrected one). printed: the accuracy as
    the released code would print it, NaN where that is the same.
    """
    counts = count_hits({(_name(row), n): predictions[cell] for row in rows for n, cell in enumerate(row["cells"])})
    measured = {name: spread(for_measure(counts, name)) for name in MEASURES}
    table = pd.DataFrame(rows)[["recipe", "variant", "switches"]]
    table["seeds"], table["test_images"] = len(counts.seeds), int(counts.images.sum())
    for name in ("accuracy", "macro_recall"):
        values = pd.DataFrame([measured[name].values[counts.recipes.index(_name(row))] for row in rows])
        table[name], table[f"{name}_sd"] = values.mean(axis=1), values.std(axis=1)
        told = [_difference(counts, measured[name], _name(row), (row["recipe"], "")) for row in rows]
        for column, own in zip(("difference", "low", "high"), zip(*told, strict=True), strict=True):
            table[f"{name}_{column}"] = own
    printed = pd.DataFrame([[_printed(predictions[cell], row["dropped_at"]) for cell in row["cells"]] for row in rows])
    table["printed"], table["printed_sd"] = printed.mean(axis=1), printed.std(axis=1)
    return table, counts, measured


def _name(row):
    return row["recipe"], row["variant"]


def _difference(counts, measured, first, second):
    """Return (difference, low, high) in points of two recipes, NaN where they are the same."""
    if first == second:
        return (float("nan"),) * 3
    pair = differences(measured, *([counts.recipes.index(name)] for name in (first, second)))
    return tuple(float(end[0, 0]) for end in (pair.value, *pair.interval(_TAIL)))


def _printed(predictions, dropped_at):
    if dropped_at is None:
        return float("nan")
    return 100 * printed_accuracy(predictions["label"], predictions["predicted"], dropped_at)


def as_text(table):
    """Return the table as people read it."""
    columns = {
        "recipe": table["recipe"],
        "erratum": [name or _CORRECTED for name in table["variant"]],
        "switches": [" ".join(switches) for switches in table["switches"]],
        "seeds": table["seeds"],
    }
    for name, heading in (("accuracy", "accuracy"), ("macro_recall", "macro-recall")):
        columns[heading] = [mean_and_sd(*pair) for pair in zip(table[name], table[f"{name}_sd"], strict=True)]
        ends = (table[f"{name}_{column}"] for column in ("difference", "low", "high"))
        columns[f"{heading} difference"] = [_signed(*told) for told in zip(*ends, strict=True)]
    pairs = zip(table["printed"], table["printed_sd"], strict=True)
    columns["accuracy as printed"] = ["" if pd.isna(mean) else mean_and_sd(mean, sd) for mean, sd in pairs]
    return pd.DataFrame(columns)


def _signed(value, low, high):
    return "" if pd.isna(value) else f"{in_points(value, '+.2f')} [{in_points(low, '+.2f')}, {in_points(high, '+.2f')}]"


def questions(counts, measured):
    """Return {question: {"section", "sentence", and the difference of either measure}} of those that the rows answer.

    Does the filter help once it keeps the best? Does regularization beat pretraining once labels are not permuted?
    """
    told = {}
    for recipe, variant in counts.recipes:
        unfiltered, pretrained = recipe.replace("-filtered", ""), recipe.replace("-regularization", "-pretrain")
        if recipe.endswith("-filtered-pretrain") and not variant:
            # Of as many images and updates: what stays without the scores. All images are three times as many.
            told[recipe] = "which keeps the best-scored images", (recipe, ""), (recipe, "inverted_filter")
            told[f"{recipe} or all"] = "which keeps the best-scored images", (recipe, ""), (unfiltered, "")
        if recipe.endswith("-regularization"):
            how = _words(variant).strip() or "whose labels are not permuted"
            # Like with like: what permuted labels do to the gap shows where pretraining has them as well.
            other = variant if (pretrained, variant) in counts.recipes else ""
            told[f"{recipe} {variant}".strip()] = how, (recipe, variant), (pretrained, other)
    known = {name: question for name, question in told.items() if question[2] in counts.recipes}
    return {name: _answer(counts, measured, *question) for name, question in known.items()}


def _answer(counts, measured, how, first, second):
    spans = {name: _difference(counts, own, first, second) for name, own in measured.items()}
    value, low, high = spans["accuracy"]
    seeds = f"{len(counts.seeds)} seeds" if len(counts.seeds) > 1 else "1 seed, by the choice of test images alone"
    sentence = (
        f"{first[0]}, {how}, is {abs(value):.1f} points of accuracy {'below' if value < 0 else 'above'} {second[0]}"
        f"{_words(second[1])} (95 % interval {in_points(low)} to {in_points(high)}; {seeds}):"
        f" {_finding(low, high)}."
    )
    ends = ("difference", "low", "high")
    rounded = {name: {end: round(x, 4) for end, x in zip(ends, own, strict=True)} for name, own in spans.items()}
    return {"section": "5.2", "sentence": sentence} | rounded


def _words(variant):
    return f" with {variant}" if variant else ""


def _finding(low, high):
    if low > 0:
        return "it does better"
    return "it does worse" if high < 0 else "no evidence either way"


def main():
    parser = stage_arguments(__doc__, outputs=["out", "long", "sentences"])
    parser.add_argument("--predictions", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    rows = args.options["rows"]
    predictions = {path.stem: read_predictions(path) for path in args.predictions}
    table, counts, measured = measure_rows(rows, predictions)
    with replacing(args.out) as path:
        as_text(table).to_csv(path, index=False)
    with replacing(args.long) as path:
        long = table.assign(switches=[" ".join(own) for own in table["switches"]])
        long.to_csv(path, index=False, float_format="%.4f")
    told = questions(counts, measured)
    with replacing(args.sentences) as path:
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(one["sentence"] for one in told.values()))


if __name__ == "__main__":
    run_stage(main)
