"""Figure 9, not the paper's: what generated images gain or cost in macro-recall, by the number of real ones."""

import numpy as np
import pandas as pd

from pipeline.data.table import read_table
from pipeline.figures.style import FALL, GREY, LINES, SMALL, figure_arguments, in_words, new_figure, save_figure
from pipeline.recipes import ordered
from pipeline.stage import WrongInput, run_stage

_LOOKS = dict(zip(("pretrain", "mixup", "regularization"), LINES.values(), strict=True))
_GAIN = ["macro_recall_to_real", "macro_recall_to_real_low", "macro_recall_to_real_high"]


def draw_harm_map(dataset, table):
    """Return the Figure: a panel per maker of images, in it a line per strategy, with the interval of each point.

    table: size, recipe (<maker>-<strategy>, others are left out), gain, low and high in points, seeds; as the verdict's
    table has them. A maker's panel shows the sizes that the table has, from few images to all of them.
    """
    sizes = ordered(set(table["size"]))
    panels = _by_maker(table)
    figure = new_figure(2.6)
    shared = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (maker, rows) in zip(shared, panels.items(), strict=True):
        _draw_panel(axes, rows, sizes)
        axes.set_title(in_words(maker).replace(" from ", "\nfrom "))
    shown = pd.concat(panels)[_GAIN].to_numpy()
    low, high = min(shown.min(), 0), max(shown.max(), 0)
    room = 0.05 * max(high - low, 1)
    shared[0].set_ylim(low - room, high + room)
    shared[0].set_ylabel("macro-recall, points above\nreal images alone")
    figure.legend(*_one_of_each(shared), loc="outside upper center", ncols=len(_LOOKS))
    figure.supxlabel(_foot(dataset, set(table["seeds"])), fontsize=SMALL)
    return figure


def read_gains(path):
    """Return what draw_harm_map needs of the verdict's table; raise WrongInput where it is something else."""
    numbers = {"seeds": int} | dict.fromkeys(_GAIN, float)
    table = read_table(path, ["size", "recipe", *numbers], only=True, numbers=numbers)
    wrong = table.index[~table["size"].str.fullmatch(r"all|[0-9]{1,9}")]
    if len(wrong) or not _made(table).any():
        found = f"row {wrong[0] + 1}: size {table.loc[wrong[0], 'size']!r}" if len(wrong) else "no recipe of images"
        raise WrongInput(
            f"{path}, {found}; expected recipes of generated images by size, a number or all;"
            " delete it and run Snakemake again"
        )
    return table


def _made(table):
    """Mask: the recipes <maker>-<strategy>."""
    return table["recipe"].str.fullmatch(r"[a-z0-9_]+-[a-z]+").astype(bool)


def _by_maker(table):
    made = _made(table)
    parts = table.loc[made, "recipe"].str.split("-", expand=True)
    split = table[made].assign(maker=parts[0], strategy=parts[1])
    return dict(tuple(split.groupby("maker", sort=False)))


def _draw_panel(axes, rows, sizes):
    axes.axhspan(-200, 0, facecolor="none", edgecolor=FALL["edgecolor"], hatch=FALL["hatch"], alpha=0.25, zorder=0)
    axes.axhline(0, color=GREY, linewidth=0.7, zorder=0)
    for place, (strategy, look) in enumerate(_LOOKS.items()):
        own = rows[rows["strategy"] == strategy].set_index("size").reindex(sizes).dropna(subset=_GAIN)
        if len(own):
            gain, ends = own[_GAIN[0]].to_numpy(), own[_GAIN[1:]].to_numpy().T
            # Beside each other, so that no interval hides another.
            at = np.array([sizes.index(size) for size in own.index]) + 0.14 * (place - 1)
            axes.errorbar(at, gain, np.abs(ends - gain), label=strategy, elinewidth=0.8, capsize=1.5, **look)
    axes.set_xticks(range(len(sizes)), sizes)
    axes.set(xlim=(-0.5, len(sizes) - 0.5))


def _one_of_each(shared):
    found = {}
    for axes in shared:
        handles, labels = axes.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    return list(found.values()), list(found)


def _foot(dataset, seeds):
    text = f"{dataset}: real training images per class, and the 95 % interval of each point. Hatched: better without."
    return text + ("\nOne seed: intervals by the choice of test images alone." if seeds == {1} else "")


def main():
    args = figure_arguments(__doc__, inputs=["verdict"]).parse_args()
    table = read_gains(args.verdict[0])
    figure = draw_harm_map(args.options["dataset"], table)
    limits = [value for axes in figure.axes for value in axes.get_ylim()]
    print(f"{len(figure.axes)} makers, from {min(limits):.1f} to {max(limits):.1f} points")
    save_figure(figure, args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
