"""How far two recipes are apart, when the test images and the trainings could have been others.

The variance of a difference, averaged over seeds, has two parts. By the test set: each group's move of the difference,
squared (images of one group are not independent, classes may differ in size); a group that is all of its class is
compared with the mean of all classes, since leaving it out would leave that. By the seeds: their variance over S, less
what is in the first part already, errors that vary by group and seed at once, but half of it at least. The quantile is
the mean of Student's t for either part (S - 1 degrees of freedom; Satterthwaite's for the groups, which counts those
that really differ), weighted by the parts (Cochran and Cox). In simulations, 1000 draws of each of 6 test sets of 10 to
150 groups and 10 to 35 long-tailed classes with trainings more or less even, intervals of 95 % held the true difference
of macro-recall in 94.9 to 99.6 % with 3 seeds, in 95.1 to 99.6 % with 5, in 94.0 to 99.8 % with 10. Satterthwaite's
degrees for the whole came down to 94 % with 3 seeds, percentiles of a bootstrap of groups and seeds to 87 %. Where
trainings vary three and six times as much, 300 draws of each of 16 test sets, they held it in 92.7 to 100 %
(tests/verdict/coverage.py). They are widest where most classes have one or two groups.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from pipeline.verdict.measures import weighted_macro_recall


class Spread(NamedTuple):
    """Macro-recalls (R, S) in points, and how far each test group moves them, (R, S, G), from where they would be.

    least: the variance in points² by the choice of test groups that is assumed where less is found.
    """

    values: np.ndarray
    moves: np.ndarray
    least: float


class Differences(NamedTuple):
    """Differences (A, B) of means over seeds in points, and their variances in points² with degrees of freedom.

    With one seed the seed variance is unknown: zero here, with no degree of freedom.
    """

    value: np.ndarray
    group_variance: np.ndarray
    group_freedom: np.ndarray
    seed_variance: np.ndarray
    seed_freedom: int

    def pooled(self):
        """Return these Differences with no seed variance below their mean, whose freedom is that of all recipes."""
        recipes = sum(self.value.shape)
        return self._replace(
            seed_variance=np.maximum(self.seed_variance, self.seed_variance.mean()),
            seed_freedom=self.seed_freedom * (recipes - 1),
        )

    def half_width(self, tail):
        """Return what the error (A, B), on one side, exceeds with probability `tail` at most."""
        of_groups, of_seeds = (
            stdtrit(freedom, 1 - tail) for freedom in (self.group_freedom, np.maximum(self.seed_freedom, 1))
        )
        weighted = of_groups * self.group_variance + of_seeds * self.seed_variance
        return weighted / np.sqrt(self.group_variance + self.seed_variance)

    def interval(self, tail):
        """Return both ends (A, B), each wrong with probability `tail` at most; none is beyond 100 points."""
        half_width = self.half_width(tail)
        return np.maximum(self.value - half_width, -100), np.minimum(self.value + half_width, 100)


def spread(counts):
    """Return the Spread of Counts."""
    values = weighted_macro_recall(counts, np.ones((1, len(counts.images))))[0]
    images = counts.images.sum(0)
    share = counts.images / images
    recall = counts.hits.sum(2) / images
    alone = (counts.images > 0).sum(0) == 1
    # A class of m groups shows 1 - 1/m of its variance about its own recall; a class of one group shows none of it.
    within = (counts.hits / images - share * recall[:, :, None]) / np.sqrt(np.where(alone, 1, 1 - share))
    beside = share * (recall - recall.mean(2, keepdims=True))[:, :, None]
    moves = np.where(alone, beside, within).mean(3)
    return Spread(values, 100 * moves, 100**2 * np.square(counts.cells).mean())


def differences(measured, first, second):
    """Return Differences of the recipes numbered `first` (A,) less those numbered `second` (B,), of a Spread.

    One test group tells nothing of others: its variance is capped at that of 100 points.
    """
    values = measured.values[first][:, None] - measured.values[second]
    moves = measured.moves[first][:, None] - measured.moves[second]
    seeds, groups = moves.shape[2:]
    mean_moves = moves.mean(2)
    squares = np.square(mean_moves)
    variance, fourth = squares.sum(2), np.square(squares).sum(2)
    few = variance <= measured.least
    freedom = np.where(few, 3, 3 * variance**2 / np.where(few, 1, fourth))
    # Errors by group and seed count in the group variance already; so small a part of a few seeds' variance is unsure.
    observed = np.square(values - values.mean(2, keepdims=True)).sum(2) / seeds / max(seeds - 1, 1)
    interplay = np.square(moves - mean_moves[:, :, None]).sum((2, 3)) / seeds / max(seeds - 1, 1)
    return Differences(
        value=values.mean(2),
        group_variance=np.maximum(variance, measured.least if groups > 1 else 100**2),
        group_freedom=np.clip(freedom, 1, max(groups - 1, 1)),
        seed_variance=np.maximum(observed - interplay, observed / 2),
        seed_freedom=seeds - 1,
    )
