"""Inception score: how sure a classifier is of each image, and how evenly of all its classes (Salimans et al. 2016)."""

import math
from typing import NamedTuple

import torch


class InceptionScore(NamedTuple):
    """Mean and standard deviation (divided by their number) over the splits, and how many there are."""

    mean: float
    sd: float
    splits: int


def inception_score(logits, splits):
    """Return InceptionScore of logits (N, C): exp of the mean KL(p(y|x) || p(y)) in each split, computed in float64.

    The splits are consecutive and nothing is shuffled, as in the first implementation: images sorted by class give
    splits of few classes and a low score, so use 1 split for them. Raises ValueError for fewer images than splits.
    """
    if not 1 <= splits <= len(logits):
        raise ValueError(f"{len(logits)} images in {splits} splits: expected at least one split, and an image in each")
    conditional = torch.as_tensor(logits).double().log_softmax(dim=1)
    edges = [number * len(conditional) // splits for number in range(splits + 1)]
    scores = torch.stack([_score(conditional[edges[n] : edges[n + 1]]) for n in range(splits)])
    return InceptionScore(scores.mean().item(), scores.std(correction=0).item(), splits)


def _score(conditional):
    marginal = conditional.logsumexp(dim=0) - math.log(len(conditional))
    return (conditional.exp() * (conditional - marginal)).sum(dim=1).mean().exp()
