"""Figure 2: images per class of the target and of the gestures, training and test."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.claims.class_changes import MAJORITY, MINORITY
from pipeline.data.split import read_split
from pipeline.figures.style import GREY, TEST, TRAIN, figure_arguments, new_figure, rotation_of, save_figure
from pipeline.stage import run_stage

_LOG_FROM = 20  # times the smallest class: from here on a linear axis hides it


def count_classes(split):
    """Return images per class, columns train and test, the largest training class first; split: rows of a split."""
    counts = pd.crosstab(split["class"], split["part"]).reindex(columns=["train", "test"], fill_value=0)
    counts = counts[counts["train"] > 0]
    return counts.sort_values("train", ascending=False, kind="stable")


def draw_class_counts(counted):
    """Return the Figure of {data set: counts}, one panel below the other."""
    figure = new_figure(2.4 * len(counted))
    panels = figure.subplots(len(counted), 1, squeeze=False)[:, 0]
    for axes, (dataset, counts) in zip(panels, counted.items(), strict=True):
        _draw_panel(axes, dataset, counts)
    return figure


def _draw_panel(axes, dataset, counts):
    places = np.arange(len(counts))
    for part, look, shift in (("train", TRAIN, -0.2), ("test", TEST, 0.2)):
        label = f"{part}: {counts[part].sum():,} images"
        axes.bar(places + shift, counts[part], width=0.4, linewidth=0.6, label=label, **look)
    many, few = (counts["train"] > MAJORITY).sum(), (counts["train"] < MINORITY).sum()
    axes.set_title(
        f"{dataset}: {len(counts)} classes\n"
        f"{many} with more than {MAJORITY} training images, {few} with fewer than {MINORITY}",
        loc="left",
    )
    if counts["train"].max() >= _LOG_FROM * counts["train"].min():
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
        axes.yaxis.set_major_formatter("{x:,.0f}")
    for limit in (MINORITY, MAJORITY):
        if limit < counts["train"].max():
            axes.axhline(limit, color=GREY, linewidth=0.5, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xticks(places, counts.index, rotation=rotation_of(counts.index))
    axes.set_xlim(-0.6, len(counts) - 0.4)
    axes.set_ylabel("images")
    # Above the frame: below it, the bars of a balanced data set are everywhere.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)


def main():
    args = figure_arguments(__doc__, inputs=["splits"]).parse_args()
    counted = {Path(path).stem: count_classes(read_split(path)) for path in args.splits}
    save_figure(draw_class_counts(counted), args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
