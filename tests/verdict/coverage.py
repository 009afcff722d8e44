"""How often intervals of 95 % hold the true difference of macro-recall, for test sets drawn from a model.

    python tests/verdict/coverage.py [--draws 1000]

prints one line per test set: groups, classes, seeds, how trainings vary, and for either kind of interval its coverage
and median width. An sd of 0.1 moves a training's recalls by 2 points or so, one of 0.6 by 12, as the least even
trainings of results/recorded/clips do.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

from verdict.simulated import long_tail, predict

from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.resamples import bootstrap_intervals

SETS = [
    (groups, classes, seeds, training)
    for groups, classes in ((10, 5), (60, 20), (60, 30), (150, 35))
    for seeds in (3, 5)
    for training in (0.1, 0.3, 0.6)
]


def intervals_of(draw, groups, classes, seeds, training, gain=0.08):
    """Return [(low, high)] in points by the formula and by the bootstrap, of two recipes whose truth is `gain`."""
    group, label = long_tail(draw, groups, classes, 6)
    recalls = np.tile(draw.uniform(0.3, 0.8, classes), (2, 1))
    recalls[1] += gain
    counts = predict(draw, group, label, recalls, seeds, training)
    formula = [end[0, 0] for end in differences(spread(counts), [1], [0]).interval(0.025)]
    return formula, [end[1] for end in bootstrap_intervals(counts, 0)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    for number, (groups, classes, seeds, training) in enumerate(SETS):
        draw = np.random.default_rng(number)
        found = np.array([intervals_of(draw, groups, classes, seeds, training) for _ in range(draws)])
        held = ((found[:, :, 0] <= 8) & (found[:, :, 1] >= 8)).mean(0)
        width = np.median(found[:, :, 1] - found[:, :, 0], axis=0)
        told = ", ".join(
            f"{name} {100 * share:.1f} % ({size:.1f} points)"
            for name, share, size in zip(("formula", "bootstrap"), held, width, strict=True)
        )
        print(f"{groups} groups, {classes} classes, {seeds} seeds, sd {training}: {told}", flush=True)


if __name__ == "__main__":
    main()
