"""How much a score of two sets of features owes to the images that happened to be in them (Efron 1979)."""

from typing import NamedTuple

import numpy as np

from pipeline.chance import stream


class BootstrapInterval(NamedTuple):
    """A score, the interval around it, the spread and the bias of its resamples, and how many there were."""

    value: float
    low: float
    high: float
    sd: float
    bias: float
    level: float
    resamples: int


def bootstrap_interval(score, real, fake, resamples, level, address):
    """Return BootstrapInterval of score(real, fake), a number, for features real (N, D) and fake (M, D).

    Both sets are drawn anew with replacement, the number-th time from (*address, "bootstrap", number). low and high are
    percentiles of the resampled scores less their bias, the mean resampled score - value. A score that grows with fewer
    different images, as the Fréchet distance does, is larger for a resample (63 % of the images, some twice) than for
    the set itself: plain percentiles can all lie above the value. The interval is therefore one for the score at this
    many images, of which the bias is a part, and compares scores of equally many images only.
    Raises ValueError for fewer than two resamples or a level outside 0..1.
    """
    if resamples < 2 or not 0 < level < 1:
        raise ValueError(f"{resamples} resamples, level {level}: expected at least 2, and a level between 0 and 1")
    value = score(real, fake)
    found = []
    for number in range(resamples):
        draw = stream(*address, "bootstrap", number)
        chosen = draw.integers(len(real), size=len(real)), draw.integers(len(fake), size=len(fake))
        found.append(score(real[chosen[0]], fake[chosen[1]]))
    bias = np.mean(found) - value
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2]) - bias
    sd = np.std(found, ddof=1)
    return BootstrapInterval(value, float(low), float(high), float(sd), float(bias), level, resamples)
