"""The human score of a source of images, and how much it owes to the raters and images that happened to be asked."""

import numpy as np

from pipeline.chance import stream

RESAMPLES, LEVEL = 2000, 0.95
_DECIMALS = 4  # what all machines agree on


def human_score(ratings, address):
    """Return {"mean", "sd", "ratings", "images", "low", "high"} of ratings float (raters, images), NaN where none.

    mean and sample sd are over all ratings, None where there are too few; images counts the rated ones.
    """
    values = ratings[np.isfinite(ratings)]
    low, high = interval(ratings, address)
    return {
        "mean": round(float(values.mean()), _DECIMALS) if len(values) else None,
        "sd": round(float(values.std(ddof=1)), _DECIMALS) if len(values) > 1 else None,
        "ratings": len(values),
        "images": int(np.isfinite(ratings).any(axis=0).sum()),
        "low": low,
        "high": high,
    }


def interval(ratings, address):
    """Return the 95 % percentile interval (low, high) of the mean, for other raters and other images at once.

    Each of 2000 times, raters and images are drawn anew with replacement, apart from each other, and a rating counts as
    often as its rater was drawn times its image: the pigeonhole bootstrap (Owen 2007). Of n raters such draws vary by
    sqrt((n - 1) / n) too little, 5 % for 11; the chance of single ratings counts about three times in the variance,
    which errs to the wide side. (None, None) for fewer than two raters or images: one tells nothing of others.
    """
    rated = np.isfinite(ratings)
    ratings = ratings[rated.any(axis=1)][:, rated.any(axis=0)]
    raters, images = ratings.shape
    if min(raters, images) < 2:
        return None, None
    draw = stream(*address, "rating", "bootstrap")
    rater_counts = draw.multinomial(raters, np.full(raters, 1 / raters), RESAMPLES)
    image_counts = draw.multinomial(images, np.full(images, 1 / images), RESAMPLES)
    sums = ((rater_counts @ np.nan_to_num(ratings)) * image_counts).sum(axis=1)
    numbers = ((rater_counts @ np.isfinite(ratings)) * image_counts).sum(axis=1)
    # Of incomplete forms a draw may hold no rating at all.
    means = sums[numbers > 0] / numbers[numbers > 0]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return round(float(low), _DECIMALS), round(float(high), _DECIMALS)
