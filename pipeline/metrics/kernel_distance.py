"""Kernel distance of two sets of features: the unbiased MMD² under a cubic kernel (Bińkowski et al. 2018, KID).

Its expectation does not depend on how many images there are, unlike the Fréchet distance; it may be negative.
"""

import torch

_BLOCK = 2048


def kernel_distance(real, fake):
    """Return the unbiased MMD² of features real (N, D) and fake (M, D), kernel (x'y / D + 1)³, in float64.

    Raises ValueError for fewer than two images.
    """
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"{len(real)} and {len(fake)} images: an unbiased kernel distance needs at least two of each")
    real, fake = torch.as_tensor(real), torch.as_tensor(fake)
    return _other_pairs(real) + _other_pairs(fake) - 2 * _kernel_sum(real, fake) / (len(real) * len(fake))


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
