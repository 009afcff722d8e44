"""Fréchet distance between the Gaussians of two sets of features (Heusel et al. 2017)."""

import torch


def frechet_distance(features, others):
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2) of features (N, D) and others (M, D), computed in float64.

    With centred features A and B, tr (S1 S2)^1/2 is the sum of the singular values of A B' / sqrt((N - 1)(M - 1)). That
    needs no matrix root, and is exact where there are fewer images than dimensions and the covariances are singular.
    Raises ValueError for fewer than two images.
    """
    if min(len(features), len(others)) < 2:
        raise ValueError(f"{len(features)} and {len(others)} images: a covariance needs at least two of each")
    (mean, centred, variance), (other_mean, other_centred, other_variance) = map(_moments, (features, others))
    shared = torch.linalg.svdvals(_smaller_product(centred, other_centred)).sum()
    return ((mean - other_mean).square().sum() + variance + other_variance - 2 * shared).item()


def _moments(features):
    """Return mean (D,), centred features / sqrt(N - 1), and the trace of the covariance."""
    features = torch.as_tensor(features).double()
    mean = features.mean(dim=0)
    centred = (features - mean) / (len(features) - 1) ** 0.5
    return mean, centred, centred.square().sum()


def _smaller_product(first, second):
    """Return a matrix with the singular values of first second', no larger than their columns allow."""
    first, second = (
        torch.linalg.qr(part, mode="r").R if len(part) > part.shape[1] else part for part in (first, second)
    )
    return first @ second.T
