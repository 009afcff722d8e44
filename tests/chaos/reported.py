"""What claims, verdict, figures, tables and report read of other stages: {reader: (make, damage, place, read)}."""

import functools
import json

import pandas as pd
from chaos import damage

from pipeline.claims.convergence import convergence, read_history
from pipeline.classify.predictions import read_predictions
from pipeline.data.document import read_document
from pipeline.data.split import read_split
from pipeline.data.subset import read_rows
from pipeline.figures.class_changes import read_claim
from pipeline.figures.class_counts import count_classes
from pipeline.figures.convergence import read_measures
from pipeline.figures.harm_map import read_gains
from pipeline.report.curves import best_step, charts_of, read_curve
from pipeline.report.inputs import AUDIT, CLAIMS, OBEYED, RATINGS, VERDICT
from pipeline.report.quality_tables import human_scores, read_quality, read_ratings, summarise
from pipeline.report.table_views import view_of
from pipeline.report.tables import measure_cell
from pipeline.verdict.measures import count_hits

_NAMES = ["a/1.png", "a/2.png", "b/3.png"]
_ENDS = {"value": 0.5, "low": 0.25, "high": 0.75}
_MEASURES = (
    "frechet_distance", "kernel_distance", "inception_score", "precision", "recall", "density", "coverage",
)  # fmt: skip
_CELL = {"row": 0, "source": "signs", "method": "gan", "maker": "gan"}
_SCORE = {"mean": 4.5, "sd": 0.5, "low": None, "high": None, "ratings": 2, "images": 2}
_GAIN = ["macro_recall_to_real", "macro_recall_to_real_low", "macro_recall_to_real_high"]


def as_csv(*columns):
    """Return tables of these columns as CSV."""
    return [pd.DataFrame(own).to_csv(index=False).encode() for own in columns]


def as_json(*values):
    """Return values as JSON."""
    return [json.dumps(value).encode() for value in values]


def count(path):
    """Measure a classifier by its predictions."""
    table = read_predictions(path)
    assert 0 <= measure_cell(table)["accuracy"] <= 100
    assert count_hits({("real", 0): table}).images.sum() == len(table)


def converge(path):
    """Tell when a classifier converged."""
    assert convergence({"real": {0: read_history(path)}})["real"]["train_epochs"] > 0


def draw_curve(path):
    """Chart the training of a generator."""
    curve = read_curve(path)
    assert [set(chart.lines) for chart in charts_of(curve)] == [{"loss_d", "loss_g"}, {"frechet"}]
    best_step(curve)


def view(path):
    """Show a table beside the long form that tells of its cells."""
    view_of("rivals", path, path.with_name("long.csv"), dict.fromkeys(("target", "gestures", "source"), "signs"))


def shown_tables(folder):
    """Return a table as the page shows it, with its long form beside it."""
    long = {"source": "signs", "method": ["real", "gan"], "column": "all", "seeds": [2, 0], "reason": ["", "not run"]}
    pd.DataFrame(long).to_csv(folder / "long.csv", index=False)
    return as_csv({"source": "signs", "method": ["real", "gan"], "all": ["50.00 ± 1.00", ""]})


def tell_quality(path):
    """Put measures of image quality into a table."""
    assert len(summarise([_CELL], [read_quality(path)])) == len(_MEASURES)


def tell_ratings(path):
    """Put human scores into a table, and onto the page."""
    assert len(human_scores([_CELL], read_ratings(path, ["gan"]), "form.html")) == 1
    told = read_document(path, RATINGS)
    assert "{} {}".format(told["raters"], told["agreement"]["pairs"])


def _of(shape):
    return functools.partial(read_document, shape=shape)


def _csv(read, *columns):
    return lambda folder: as_csv(*columns), damage.of_csv, "*.csv", read


def _json(read, *values):
    return lambda folder: as_json(*values), damage.of_json, "*.json", read


_convergence = {"levels": {"0": 0.9}, "by_seed": {"0": 2}, "reached": 1, "epochs": 2.0, "epochs_with_pretraining": 3.0}
_quality = {"features": "lite0", "real_images": 3, "generated_images": 4}
_ratings = {
    "image_set": "ab12", "raters": 1, "complete": 1, "refused": [{"file": "a.csv", "reason": "other"}],
    "sources": {"gan": _SCORE, "real": _SCORE}, "agreement": {"krippendorff_alpha": 0.5, "pairs": 4},
}  # fmt: skip
REPORTED = {
    "predictions": _csv(
        count,
        {
            "file_name": _NAMES,
            "group": "g",
            "class": list("aab"),
            "label": [0, 0, 1],
            "predicted": [0, 1, 1],
            "probability": [0.75, 0.5, 1.0],
        },
    ),
    "split": _csv(
        lambda path: count_classes(read_split(path)),
        {"name": _NAMES, "part": ["train", "test", "train"], "class": list("aab"), "label": [0, 0, 1], "group": "g"},
    ),
    "rows of a subset": _csv(
        read_rows,
        {"file_name": _NAMES, "class": list("aab"), "label": [0, 0, 1], "group": "g", "part": ["fit", "val", "fit"]},
    ),
    "history": _csv(
        converge, {"phase": ["pretrain", "train", "train"], "epoch": [0, 0, 1], "train_accuracy": [None, 0.5, 0.75]}
    ),
    "training": _csv(
        draw_curve, {"step": [2, 4], "loss_d": [3.0, 1.5], "loss_g": [0.5, 2.0], "frechet": [None, 90.25]}
    ),
    "table of the verdict": _csv(
        read_gains, {"size": ["10", "all"], "recipe": ["real", "gan-mixup"], "seeds": 2} | dict.fromkeys(_GAIN, 0.5)
    ),
    "table on the page": (shown_tables, damage.of_csv, "*.csv", view),
    "quality": _json(
        tell_quality, _quality | {"measures": dict.fromkeys(_MEASURES, _ENDS)}, _quality | {"measures": {}}
    ),
    "ratings": _json(tell_ratings, _ratings),
    "classes of the claims": _json(
        read_claim,
        {
            "class_changes": {
                "sentence": "One rose.",
                "classes": [
                    {"class": name, "train_images": 2.5, "test_images": 3, "change": change}
                    for name, change in (("a", 2.0), ("b", None))
                ],
            }
        },
    ),
    "convergence of the claims": _json(read_measures, {"convergence": {"datasets": {"signs": {"real": _convergence}}}}),
    "verdict": _json(_of(VERDICT), {"dataset": "signs", "verdicts": {"all": {"finding": "help", "sentences": ["."]}}}),
    "audit": _json(_of(AUDIT), {"split": {"leaks": False}, "findings": ["None."]}),
    "sentences": _json(_of(CLAIMS), {"class_changes": {"section": "5.2", "sentence": "One rose."}}),
    "obeyed conditions": _json(_of(OBEYED), {"generated": {"pck": {"value": 0.5, "n": 4}}, "real": {}}),
}
