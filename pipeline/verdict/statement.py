"""The verdict of a study as files: sentences and a table for people, and the numbers behind them for programs."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from pipeline.classify.predictions import read_predictions
from pipeline.data.files import replacing
from pipeline.recipes import is_generated, size_in_words
from pipeline.stage import run_stage, stage_arguments
from pipeline.verdict.verdict import judge
from pipeline.verdict.words import in_points, words_of

_HEAD = ("recipe", "images", "macro-recall", "to real", "to best rival", "accuracy", "to real", "to best rival")
_ROLES = ("real", "best_rival")
_METHOD = (
    "All recipes meet the same test images with the same seeds, which vary subset, first weights and order. Intervals "
    "take the groups of test images and the trainings for drawn: that of the sentences knows how trainings vary from "
    "all recipes together, and so may be narrower than that of a pair, which knows it from that pair alone. "
    "verdict.csv has the percentiles of a paired bootstrap of groups and seeds as well, which are too narrow for few "
    "of them. Rivals without copies have at least as many updates as pretraining on all generated images and the "
    "training after it. Mixup and regularization, with copies too, have those of real images alone, each with a "
    "second batch beside it; pretraining on the best images has the fewer that these make. Every recipe keeps the "
    "epoch of the least validation loss: its own loss where it weighs or shifts classes, else cross-entropy."
)
_BEHIND = ("finding", "sentences", "ways", "rivals", "seeds", "images", "groups")


def judge_cells(cells, files):
    """Return the Verdict on cells [{"recipe", "seed", "cell"}]; files: {cell: its predictions, a CSV}."""
    predictions = {(one["recipe"], one["seed"]): read_predictions(files[one["cell"]]) for one in cells}
    recipes = dict.fromkeys(one["recipe"] for one in cells)
    return judge(predictions, list(filter(is_generated, recipes)), {recipe: words_of(recipe) for recipe in recipes})


def as_text(dataset, verdicts):
    """Return the verdicts {size: Verdict} as Markdown."""
    parts = [f"# Do generated images help on {dataset}?"]
    for size, verdict in verdicts.items():
        parts += [
            f"## {size_in_words(size).capitalize()}",
            " ".join(verdict.sentences),
            _table(verdict),
            _caveat(verdict),
        ]
    if len(verdicts) > 1:
        parts.append(
            f"Each of these {len(verdicts)} verdicts has its own 95 %: one in twenty such intervals misses the truth."
        )
    parts.append(_METHOD)
    return "\n\n".join(parts) + "\n"


def _table(verdict):
    rows = [_HEAD, ["---"] * len(_HEAD), *(_row(row) for row in verdict.table.to_dict("records"))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _row(row):
    cells = [words_of(row["recipe"]), "generated" if row["generated"] else "real"]
    for measure in ("macro_recall", "accuracy"):
        sd = row[f"{measure}_sd"]
        cells.append(f"{row[measure]:.1f}" + ("" if pd.isna(sd) else f" ± {sd:.1f}"))
        cells += [_difference(*(row[f"{measure}_to_{role}{end}"] for end in ("", "_low", "_high"))) for role in _ROLES]
    return cells


def _difference(value, low, high):
    # Of a recipe to itself there is none.
    return "" if pd.isna(value) else f"{in_points(value)} [{in_points(low)}, {in_points(high)}]"


def _caveat(verdict):
    known = f"{verdict.images} test images in {verdict.groups} groups"
    seeds = f"mean ± sample standard deviation over {verdict.seeds} seeds"
    interval = "95 % interval of this one pair"
    if verdict.seeds == 1:
        seeds, interval = "one seed, so no spread", "interval by the choice of test images alone"
    return (
        f"Macro-recall and accuracy in percent ({seeds}; {known}). Differences are in points, to real images alone and "
        f"to the best rival ({words_of(verdict.against_rivals.rival)}), in brackets the {interval}. Of that many pairs "
        "some look better or worse than they are by chance alone: the interval of a row that was picked because it "
        "stands first says too much. The sentences above the table allow for such picking, for macro-recall."
    )


def as_numbers(verdict):
    """Return a Verdict without its table as JSON has it, in points to four digits."""
    contests = {
        name: {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(contest).items()}
        for name, contest in (("against_rivals", verdict.against_rivals), ("against_real", verdict.against_real))
    }
    return {name: getattr(verdict, name) for name in _BEHIND} | contests


def main():
    parser = stage_arguments(__doc__, outputs=["out", "numbers", "table"])
    parser.add_argument("--predictions", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    files = {path.stem: path for path in args.predictions}
    verdicts = {one["size"]: judge_cells(one["cells"], files) for one in args.options["verdicts"]}
    numbers = {size: as_numbers(verdict) for size, verdict in verdicts.items()}
    table = pd.concat({size: verdict.table for size, verdict in verdicts.items()}, names=["size"]).reset_index("size")
    with replacing(args.out) as beside:
        beside.write_text(as_text(args.options["dataset"], verdicts), encoding="utf-8")
    with replacing(args.numbers) as beside:
        beside.write_text(json.dumps({"dataset": args.options["dataset"], "verdicts": numbers}, indent=1) + "\n")
    with replacing(args.table) as beside:
        table.to_csv(beside, index=False, float_format="%.4f")
    for size, verdict in verdicts.items():
        print(f"{size_in_words(size)}: {verdict.finding}")


if __name__ == "__main__":
    run_stage(main)
