"""Figure 7: change in accuracy of each class by pretraining on ReACGAN's images, against its training images."""

import textwrap

import numpy as np
import pandas as pd

from pipeline.claims.class_changes import MAJORITY, MINORITY
from pipeline.data.document import NUMBER, NUMBER_OR_NONE, read_document
from pipeline.figures.style import (
    FALL,
    GREEN,
    GREY,
    RISE,
    SMALL,
    VERMILLION,
    figure_arguments,
    new_figure,
    rotation_of,
    save_figure,
)
from pipeline.stage import run_stage

_CLASS = {"class": str, "train_images": NUMBER, "test_images": int, "change": NUMBER_OR_NONE}
_CLAIM = {"class_changes": {"classes": [_CLASS], "sentence": str}}
_LINE = 145  # letters of the sentence below the bars


def draw_class_changes(classes, sentence):
    """Return the Figure; classes: rows of class_changes with class, train_images, test_images and change."""
    rows = classes.sort_values("train_images", kind="stable").reset_index(drop=True)
    figure = new_figure(4.0 if rotation_of(rows["class"]) else 3.2)
    axes = figure.subplots()
    for those, look, label in ((rows["change"] > 0, RISE, "rose"), (rows["change"] < 0, FALL, "fell")):
        chosen = rows[those]
        axes.bar(chosen.index, chosen["change"], width=0.75, linewidth=0.8, label=f"{label}: {len(chosen)}", **look)
    for those, marker, label in ((rows["change"] == 0, ".", "stayed"), (rows["change"].isna(), "x", "no test image")):
        if those.any():
            axes.plot(rows.index[those], [0] * those.sum(), marker, color=GREY, label=f"{label}: {those.sum()}")
    axes.axhline(0, color="black", linewidth=0.6, zorder=0)
    axes.set_xlim(-0.7, len(rows) - 0.3)
    axes.set_ylabel("change in accuracy (points)")
    _label_classes(axes, rows)
    drawn = {drawn.get_label(): drawn for drawn in [*axes.containers, *axes.get_lines()] if drawn.get_label()[0] != "_"}
    figure.legend(drawn.values(), drawn.keys(), loc="outside upper right", ncols=len(drawn))
    figure.supxlabel(textwrap.fill(sentence, _LINE), fontsize=SMALL, x=0.01, ha="left")
    return figure


def _label_classes(axes, rows):
    """Write training and test images below each bar, and the class above the frame."""
    counts = [f"{count:.3g}" if count % 1 else f"{count:.0f}" for count in rows["train_images"]]
    labels = [f"{count} ({tested})" for count, tested in zip(counts, rows["test_images"], strict=True)]
    axes.set_xticks(rows.index, labels, rotation=rotation_of(labels))
    for text, count in zip(axes.get_xticklabels(), rows["train_images"], strict=True):
        if count < MINORITY:
            text.set(color=GREEN, style="italic")
        elif count > MAJORITY:
            text.set(color=VERMILLION, weight="bold")
    axes.set_xlabel(
        f"training images (and test images); green italic: fewer than {MINORITY}, red bold: more than {MAJORITY}",
        fontsize=SMALL,
    )
    names = axes.secondary_xaxis("top")
    names.set_xticks(rows.index, rows["class"], rotation=rotation_of(rows["class"]), fontsize=SMALL)
    names.tick_params(length=0)
    names.spines["top"].set_visible(False)


def read_claim(path):
    """Return the classes and the sentence for draw_class_changes; raise WrongInput where the claims are others."""
    claim = read_document(path, _CLAIM)["class_changes"]
    return pd.DataFrame(claim["classes"], columns=list(_CLASS)).astype({"change": np.float64}), claim["sentence"]


def main():
    args = figure_arguments(__doc__, inputs=["claims"]).parse_args()
    save_figure(draw_class_changes(*read_claim(args.claims[0])), args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
