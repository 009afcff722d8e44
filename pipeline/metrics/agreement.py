"""How far several people agree who judged the same things."""

import numpy as np


def krippendorff_alpha(ratings):
    """Return (alpha for interval data, how many pairs of ratings of one thing it compares).

    ratings: float (raters, things), NaN where a rater was silent. 1 is full agreement, 0 what chance gives. None where
    nothing was rated twice or all ratings are equal. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011).
    """
    counts = np.isfinite(ratings).sum(axis=0)
    pairable = ratings[:, counts > 1]
    counts = counts[counts > 1]
    pairs = int((counts * (counts - 1)).sum()) // 2
    values = pairable[np.isfinite(pairable)]
    if pairs == 0 or np.ptp(values) == 0:
        return None, pairs
    # The squared differences of all ordered pairs of m values sum to 2 m times their squared distances from the mean.
    within = 2 * counts * np.nanvar(pairable, axis=0) * counts
    observed = (within / (counts - 1)).sum() / len(values)
    expected = 2 * len(values) * values.var() / (len(values) - 1)
    return float(1 - observed / expected), pairs
