"""Figure 1: the training approaches, drawn from what each shows the classifier when it trains on marked images."""

import itertools
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pipeline.classify.batches import Samples
from pipeline.classify.strategies import gen_weight
from pipeline.classify.train import schedule, train_epoch
from pipeline.figures.diagrams import draw_arrow, draw_box, new_diagram
from pipeline.figures.style import BLACK, figure_arguments, save_figure
from pipeline.stage import run_stage

# An image is marked by the one row of pixels that is lit, which survives mirroring: real images in the upper half.
_SIDE = 32
_REAL, _GENERATED = range(_SIDE // 2), range(_SIDE // 2, _SIDE)
_SYMBOLS = {"real": "S_r", "generated": "S_g"}
_STARTS = {"imagenet": "ImageNet weights", "lite0": "ImageNet weights", "none": "random weights"}
_ROW, _BOX_HEIGHT, _BOX_WIDTH, _GAP = 1.05, 0.32, 1.05, 0.2  # inches


class Watcher(nn.Module):
    """Stands in for the classifier: answers nothing, and notes of which images each pass was made."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes, self.passes = num_classes, []
        self.zero = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        lit = (images[:, 0] > -1 + 1e-3).any(dim=2)
        origins = {_origins(own) for own in lit}
        # Images that meet themselves in mixup look unmixed; the batch tells.
        self.passes.append(max(origins, key=lambda own: (len(own), own)))
        return self.zero.expand(len(images), self.num_classes)


def _origins(lit):
    real, generated = (int(lit[list(rows)].sum()) for rows in (_REAL, _GENERATED))
    return ("real",) * real + ("generated",) * generated


def observe(options):
    """Return [(phase, epochs, steps)] of a strategy, by running its first, middle and last epoch of each phase.

    steps: the set of steps that were seen, each a tuple of passes, each the origins of what one image is mixed from.
    """
    options = options | {"image_size": _SIDE, "batch_size": len(_REAL)}
    pool = _marked(_GENERATED) if options["strategy"] != "real" else None
    phases = []
    for phase, epochs in itertools.groupby(schedule(options, options["epochs"]), key=lambda entry: entry[0]):
        epochs = [epoch for _, epoch in epochs]
        chosen = sorted({epochs[0], epochs[len(epochs) // 2], epochs[-1]})
        phases.append((phase, len(epochs), set().union(*(_steps(options, phase, epoch, pool) for epoch in chosen))))
    return phases


def _marked(rows):
    """Return Samples of many batches: image i has one row lit, each row equally often."""
    images = np.zeros((16 * len(rows), _SIDE, _SIDE, 3), np.uint8)
    for number, image in enumerate(images):
        image[rows[number % len(rows)]] = 255
    return Samples(torch.from_numpy(images), torch.zeros(len(images), dtype=torch.long))


def _steps(options, phase, epoch, pool):
    watcher, steps = Watcher(num_classes=2), []

    def take_note():
        steps.append(tuple(watcher.passes))
        watcher.passes = []

    optimizer = SimpleNamespace(zero_grad=lambda: None, step=take_note)
    training = SimpleNamespace(options=options, model=watcher, optimizer=optimizer)
    samples = pool if phase == "pretrain" else _marked(_REAL)
    train_epoch(training, phase, epoch, samples, pool, cross_entropy, SimpleNamespace(report=lambda *_: None))
    return set(steps)


def loss_in_symbols(steps):
    """Return the loss of Table 2 that such steps come to, a line for each kind of step."""
    lines = sorted((" + ".join(map(_term, range(len(step)), step)) for step in steps), reverse=True)
    if len(lines) == 1:
        return [f"${lines[0]}$"]
    conditions = [r"U < \sigma", r"U \geq \sigma"]
    return [f"${line}$ if ${condition}$" for line, condition in zip(lines, conditions, strict=True)]


def _term(number, origins):
    inside = ", ".join(_SYMBOLS[origin] for origin in origins)
    mixed = rf"\mathrm{{mixup}}({inside})" if len(origins) > 1 else inside
    return (r"\sigma " if number else "") + rf"\mathcal{{L}}({mixed})"


def weight_in_words(options):
    """Return how the weight σ runs, or nothing for a strategy that has none."""
    if options["strategy"] not in options["strategies"]:
        return []
    settings = options["strategies"][options["strategy"]]
    epochs = (0, options["epochs"] - 1)
    first, last = (gen_weight(epoch, settings["alpha"], settings["beta"], settings["growing"]) for epoch in epochs)
    return [rf"$\sigma$ from {first:.2f} to {last:.2f}"]


def draw_training_approaches(strategies):
    """Return the Figure of [classifier options of a strategy], a row for each."""
    figure, axes = new_diagram(_ROW * len(strategies))
    for number, (letter, options) in enumerate(zip("abcdefgh", strategies, strict=False)):
        top = _ROW * (len(strategies) - number)
        axes.text(0.06, top - 0.12, f"({letter}) {options['strategy']}", weight="bold", va="center")
        if number:
            axes.plot([0.05, 6.95], [top, top], color=BLACK, linewidth=0.4)
        _draw_row(axes, top - 0.22, options)
    return figure


def _draw_row(axes, top, options):
    middle, left = top - 0.4, 0.1
    start, classifiers = _STARTS[options["weights"]], []
    for phase, epochs, steps in observe(options):
        origins = sorted({origin for step in steps for own in step for origin in own}, reverse=True)
        left = _draw_phase(
            axes, left, middle, origins, ("pretraining" if phase == "pretrain" else "training", epochs, start)
        )
        loss = loss_in_symbols(steps)
        classifiers.append(left - _GAP - _BOX_WIDTH / 2)
        details = weight_in_words(options) if phase == "train" else []
        # Two lines are a case distinction, which is long.
        width = 0.8 if len(loss) + len(details) == 1 else 1.6
        draw_box(axes, left, middle - 0.3, width, 0.6, "loss", "loss", [*loss, *details])
        left, start = left + width + _GAP, "these weights"
    # The weights go from one classifier to the next.
    for one, other in itertools.pairwise(classifiers):
        draw_arrow(axes, (one, middle - 0.3), (one, middle - 0.38), (other, middle - 0.38), (other, middle - 0.3))


def _draw_phase(axes, left, middle, origins, said):
    """Draw the images of a phase and the classifier that sees them; return where its loss begins."""
    phase, epochs, start = said
    notes = {"real": [], "generated": ["by a GAN fitted to $S_r$"]}
    bottoms = [middle + 0.04, middle - 0.04 - _BOX_HEIGHT] if len(origins) > 1 else [middle - _BOX_HEIGHT / 2]
    for origin, bottom in zip(origins, bottoms, strict=True):
        draw_box(
            axes,
            left,
            bottom,
            _BOX_WIDTH,
            _BOX_HEIGHT,
            "data",
            rf"{origin} $\mathbf{{{_SYMBOLS[origin]}}}$",
            notes[origin],
        )
        draw_arrow(axes, (left + _BOX_WIDTH, bottom + _BOX_HEIGHT / 2), (left + _BOX_WIDTH + _GAP, middle))
    left += _BOX_WIDTH + _GAP
    details = [phase, f"{epochs} epoch{'' if epochs == 1 else 's'}", f"from {start}"]
    draw_box(axes, left, middle - 0.3, _BOX_WIDTH, 0.6, "layer", "classifier", details)
    draw_arrow(axes, (left + _BOX_WIDTH, middle), (left + _BOX_WIDTH + _GAP, middle))
    return left + _BOX_WIDTH + _GAP


def main():
    args = figure_arguments(__doc__).parse_args()
    save_figure(draw_training_approaches(args.options["strategies"]), args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
