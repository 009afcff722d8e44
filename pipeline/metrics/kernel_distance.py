"""Kernel distance of two sets of features: the unbiased MMD² under a cubic kernel (Bińkowski et al. 2018, KID).

Its expectation does not depend on how many images there are, unlike the Fréchet distance; it may be negative.
"""

from typing import NamedTuple

import numpy as np
import torch

from pipeline.chance import stream

_BLOCK = 2048


class SubsetDistances(NamedTuple):
    """Mean and standard deviation (divided by their number) over subsets, how many, and of how many images each."""

    mean: float
    sd: float
    subsets: int
    real_size: int
    fake_size: int


def kernel_distance(real, fake):
    """Return the unbiased MMD² of features real (N, D) and fake (M, D), kernel (x'y / D + 1)³, in float64.

    Raises ValueError for fewer than two images.
    """
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"{len(real)} and {len(fake)} images: an unbiased kernel distance needs at least two of each")
    real, fake = torch.as_tensor(real), torch.as_tensor(fake)
    return _other_pairs(real) + _other_pairs(fake) - 2 * _kernel_sum(real, fake) / (len(real) * len(fake))


def subset_distances(real, fake, size, subsets, address):
    """Return SubsetDistances of random subsets without replacement, drawn for (*address, "kernel distance", number).

    size: images per subset; of a smaller set all of them, so that only the other set varies. The reference uses 1000.
    """
    real_size, fake_size = min(size, len(real)), min(size, len(fake))
    found = []
    for number in range(subsets):
        draw = stream(*address, "kernel distance", number)
        chosen = draw.choice(len(real), real_size, replace=False), draw.choice(len(fake), fake_size, replace=False)
        found.append(kernel_distance(real[chosen[0]], fake[chosen[1]]))
    return SubsetDistances(float(np.mean(found)), float(np.std(found)), subsets, real_size, fake_size)


def _other_pairs(features):
    """Return the mean kernel (x'y / D + 1)³ over all pairs of different images."""
    count = len(features)
    same = sum(_cubic(part.double().square().sum(dim=1), features) for part in features.split(_BLOCK))
    return (_kernel_sum(features, features) - same) / (count * (count - 1))


def _kernel_sum(first, second):
    return sum(
        _cubic(rows.double() @ columns.double().T, first)
        for rows in first.split(_BLOCK)
        for columns in second.split(_BLOCK)
    )


def _cubic(products, features):
    return (products / features.shape[1] + 1).pow(3).sum().item()
