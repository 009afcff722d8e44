"""How much the scores of two sets of images owe to the images that happened to be in them (Efron 1979)."""

from typing import NamedTuple

import numpy as np

from pipeline.chance import stream


class BootstrapInterval(NamedTuple):
    """A score, the interval around it, and the spread and the bias of its resamples."""

    value: float
    low: float
    high: float
    sd: float
    bias: float


def bootstrap_intervals(scores, counts, resamples, level, address):
    """Return {name: BootstrapInterval} of scores(real, fake) -> {name: number}, given positions in both.

    counts: images of either set. Both are drawn anew with replacement, the number-th time from (*address, "bootstrap",
    number). low and high are percentiles of the resampled scores less their bias, the mean resampled score - value. A
    score that grows with fewer different images, as the Fréchet distance does, is larger for a resample (63 % of the
    images, some twice) than for the set itself: plain percentiles can all lie above the value. So the interval is
    one for the score at this many images, of which the bias is a part; it compares scores of equally many images only.
    Raises ValueError for fewer than two resamples or a level outside 0..1.
    """
    if resamples < 2 or not 0 < level < 1:
        raise ValueError(f"{resamples} resamples, level {level}: expected at least 2, and a level between 0 and 1")
    values, found = scores(*map(np.arange, counts)), []
    for number in range(resamples):
        draw = stream(*address, "bootstrap", number)
        found.append(scores(*(draw.integers(count, size=count) for count in counts)))
    return {name: _interval(value, np.array([one[name] for one in found]), level) for name, value in values.items()}


def _interval(value, resampled, level):
    bias = resampled.mean() - value
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2]) - bias
    return BootstrapInterval(*map(float, (value, low, high, resampled.std(ddof=1), bias)))
