"""Figure 8: training accuracy per epoch of fine-tuning, by what the classifier started from."""

from pathlib import Path

import numpy as np

from pipeline.claims.convergence import NEAR, read_history, training_accuracy
from pipeline.data.document import NUMBER, NUMBER_OR_NONE, read_document
from pipeline.figures.style import GREY, LINES, SMALL, figure_arguments, new_figure, save_figure
from pipeline.stage import run_stage

_MEASURES = {
    "levels": {str: NUMBER},
    "by_seed": dict,
    "reached": int,
    "epochs": NUMBER_OR_NONE,
    "epochs_with_pretraining": NUMBER_OR_NONE,
}
_CLAIM = {"convergence": {"datasets": {str: {str: _MEASURES}}}}


def draw_convergence(panels):
    """Return the Figure of {data set: (curves, measures)}, side by side.

    curves: {initialisation: {seed: training accuracy (epochs,)}}; measures: those of claims.convergence.
    """
    figure = new_figure(3.2)
    for axes, (dataset, drawn) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _draw_panel(axes, dataset, *drawn)
    return figure


def _draw_panel(axes, dataset, curves, measures):
    level = 100 * np.mean([*measures["real"]["levels"].values()])
    label = f"{100 * NEAR:.0f} % of the highest of real: {level:.0f} %"
    axes.axhline(level, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0, label=label)
    for name, own in measures.items():
        look, runs = LINES[name], curves[name]
        mean = 100 * np.mean([*runs.values()], axis=0)
        epochs = np.arange(1, len(mean) + 1)
        if len(runs) > 1:
            for accuracies in runs.values():
                axes.plot(epochs, 100 * accuracies, color=look["color"], linewidth=0.5, alpha=0.6)
        axes.plot(epochs, mean, label=_says(name, own), markevery=max(1, len(mean) // 10), **look)
        if own["epochs"] is not None:
            axes.plot(own["epochs"], level, look["marker"], color=look["color"], fillstyle="none", markersize=9)
    axes.set(title=dataset, xlabel="epoch of fine-tuning", ylabel="training accuracy (%)", ylim=(0, 102))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="lower right", title="start: epochs to converge (large marker)", title_fontsize=SMALL)


def _says(name, own):
    if own["epochs"] is None:
        return f"{name}: reached by {own['reached']} of {len(own['by_seed'])} seeds"
    if name == "real":
        return f"{name}: {own['epochs']:.3g}"
    return f"{name}: {own['epochs']:.3g} ({own['epochs_with_pretraining']:.3g} with pretraining)"


def read_measures(path):
    """Return {data set: measures of claims.convergence}; raise WrongInput where the claims are others."""
    return read_document(path, _CLAIM)["convergence"]["datasets"]


def main():
    args = figure_arguments(__doc__, inputs=["claims", "histories"]).parse_args()
    measures = read_measures(args.claims[0])
    histories = {Path(path).stem: training_accuracy(read_history(path)) for path in args.histories}
    panels = {}
    # The paper's order: gestures left, target right.
    for compared in reversed(args.options["compared"]):
        curves = {
            name: {seed: histories[cell] for seed, cell in cells.items()} for name, cells in compared["cells"].items()
        }
        panels[compared["dataset"]] = (curves, measures[compared["dataset"]])
    save_figure(draw_convergence(panels), args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
