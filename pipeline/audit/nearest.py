"""The nearest image of each image, by blocks: no matrix of all distances is ever held."""

from typing import NamedTuple

import numpy as np
import torch

_ROWS, _COLUMNS = 512, 4096  # a tile takes 8 MB


class Nearest(NamedTuple):
    """Squared distance (Q,) of each query to its nearest candidate, inf where there is none; its number (Q,)."""

    squared: np.ndarray
    number: np.ndarray


def nearest(queries, candidates, query_kinds=None, candidate_kinds=None):
    """Return Nearest of queries (V, Q, D), the nearest of their views counting, among candidates (M, D).

    With kinds (Q,) and (M,), a candidate of the query's own kind is left out.
    """
    squared, number = np.full(queries.shape[1], np.inf), np.zeros(queries.shape[1], np.int64)
    for rows in _blocks(queries.shape[1], _ROWS):
        views = queries[:, rows].float()
        for columns in _blocks(len(candidates), _COLUMNS):
            others = candidates[columns].float()
            tile = _products(views, others)
            if query_kinds is not None:
                tile[torch.as_tensor(query_kinds[rows, None] == candidate_kinds[None, columns])] = torch.inf
            low, at = (found.numpy() for found in tile.min(dim=1))
            at += columns.start
            known = np.isfinite(low)
            # Products of matrices cancel where images are equal: what counts is the sum of squared differences.
            low = np.where(known, _direct(views, candidates[at].float()), np.inf)
            better = low < squared[rows]
            squared[rows], number[rows] = np.where(better, low, squared[rows]), np.where(better, at, number[rows])
    return Nearest(squared, number)


def _blocks(count, size):
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _products(views, others):
    """Return the squared distances (B, C) of the nearest of the views (V, B, D) to others (C, D)."""
    squares, tile = others.square().sum(dim=1), None
    for view in views:
        of_view = torch.addmm(squares, view, others.T, alpha=-2).add_(view.square().sum(dim=1, keepdim=True))
        tile = of_view if tile is None else torch.minimum(tile, of_view, out=tile)
    return tile


def _direct(views, others):
    return (views - others).square().sum(dim=2).amin(dim=0).numpy()
