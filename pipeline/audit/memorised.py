"""Whether a generator repeats its training images: how near its images come to them, and unseen real images beside."""

from typing import NamedTuple

import numpy as np

from pipeline.audit.nearest import nearest
from pipeline.data.archive import read_metadata
from pipeline.data.subset import read_rows
from pipeline.stage import WrongInput

NEAREST_REAL = 0.05  # of unseen real images; generated ones nearer than that share of them are counted


class Memorisation(NamedTuple):
    """counts and shares for a table; and for a person distance and nearest training image (G,) of generated images."""

    measures: dict
    distances: np.ndarray
    numbers: np.ndarray


def subset_positions(crops, subset):
    """Return where in an archive of training crops are those that train, and those that validate and share no group.

    As a clip that shows two classes may train one and validate the other, images of such clips are left out.
    """
    rows = read_metadata(crops)[0]
    chosen = read_rows(subset)
    fit, val = (chosen[chosen["part"] == part] for part in ("fit", "val"))
    unseen = val[~val["group"].isin(fit["group"])]
    missing = set(chosen["file_name"]) - set(rows["file_name"])
    if missing:
        raise WrongInput(f"{subset}: {min(missing)} is not in {crops}; delete the subset and run Snakemake again")
    return tuple(np.flatnonzero(rows["file_name"].isin(part["file_name"])) for part in (fit, unseen))


def memorisation(generated, unseen, training):
    """Return the Memorisation of the features of generated images (V, G, D), unseen real ones (V, U, D) as yardstick.

    Each looks, as it is and mirrored, for its nearest training image (1, N, D). There is no limit where fewer than 20
    real images are unseen: one of them is more than 5 %.
    """
    found = nearest(generated, training[0])
    distances, real = np.sqrt(found.squared), np.sqrt(nearest(unseen, training[0]).squared)
    enough = len(real) * NEAREST_REAL >= 1
    limit = float(np.quantile(real, NEAREST_REAL)) if enough else None
    measures = {
        "generated_images": len(distances),
        "unseen_images": len(real),
        "training_images": training.shape[1],
        "generated_median": float(np.median(distances)),
        "unseen_median": float(np.median(real)) if len(real) else None,
        "limit": limit,
        "nearer_share": float(np.mean(distances < limit)) if enough else None,
    }
    return Memorisation(measures, distances, found.number)
