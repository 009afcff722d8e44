"""Precision, recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of two sets of features.

Conventions of the prdc package: real first; the radius of an image is the distance to its k-th nearest other image of
the same set; another image is within it where its distance is strictly smaller. Since `<` decides, ties must be exact.
Products of matrices, whose last bits depend on the place in a block, settle the clear cases only; a pair as close to a
radius as their rounding is compared by the sum of its squared differences, which is the same bits wherever it occurs.
"""

import hashlib
from typing import NamedTuple

import numpy as np
import torch

_BLOCK = 1024  # a tile of 8 MB stays in the cache
_SPARE = 8  # neighbours kept beyond the k-th, for ties
_DIRECT = 2**15  # differences at a time; more of them leave the cache


class NeighbourScores(NamedTuple):
    """The four scores, and the k that the radii of each set really have: smaller than asked for in a tiny set."""

    precision: float
    recall: float
    density: float
    coverage: float
    real_k: int
    fake_k: int


def neighbour_scores(real, fake, k, block=_BLOCK):
    """Return NeighbourScores of features real (N, D) and fake (M, D), in O(block (block + D)) memory beside them.

    A set of no more than k images has radii to its farthest image (k = N - 1), and density is divided by that k. A set
    of one image has no radius: NaN for precision, density and coverage of the real set, for recall of the fake one.
    Raises ValueError for an empty set, other columns, a value that is not finite, or k < 1.
    """
    real, fake = (torch.as_tensor(features) for features in (real, fake))
    _check(real, fake, k)
    centre = real.mean(dim=0).double()
    real, fake = _Points(real, centre), _Points(fake, centre)
    real_k, fake_k = min(k, real.total - 1), min(k, fake.total - 1)
    real_radii, fake_radii = _radii(real, real_k, block), _radii(fake, fake_k, block)

    within = 0
    covered, recalled, precise = (np.zeros(len(points.rows), dtype=bool) for points in (real, real, fake))
    for rows in _blocks(real, block):
        for columns in _blocks(fake, block):
            tile = _tile(real, rows, fake, columns).numpy()
            in_real = _within(tile, real_radii[rows, None], real, rows, fake, columns).astype(np.float32)
            in_fake = _within(tile, fake_radii[None, columns], real, rows, fake, columns)
            met = in_real @ fake.counts[columns]  # whole numbers below 2^24: exact
            within += np.dot(real.counts[rows], met.astype(float))
            covered[rows] |= met > 0
            precise[columns] |= in_real.any(axis=0)
            recalled[rows] |= in_fake.any(axis=1)
    of_real = 1 if real_k else np.nan
    return NeighbourScores(
        precision=float(fake.share(precise) * of_real),
        recall=float(real.share(recalled)) if fake_k else np.nan,
        density=float(within / (real_k * fake.total)) if real_k else np.nan,
        coverage=float(real.share(covered) * of_real),
        real_k=real_k,
        fake_k=fake_k,
    )


def _check(real, fake, k):
    if k < 1:
        raise ValueError(f"k = {k}: expected at least 1")
    if min(len(real), len(fake)) < 1 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features {tuple(real.shape)} and {tuple(fake.shape)}: expected images, and equal columns")


class _Points:
    """The different rows of a set of features and how often each occurs; copies would make every distance a tie."""

    def __init__(self, features, centre):
        numbers = {}
        digests = (hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in features.numpy())
        image = np.array([numbers.setdefault(digest, len(numbers)) for digest in digests])
        first = np.unique(image, return_index=True)[1]
        self.rows = features if len(first) == len(features) else features[first]
        self.counts = np.bincount(image).astype(np.float32)
        self.total, self.centre = len(features), centre
        # Filled in: a list of small results would lie between the large ones, and the memory of those stay with us.
        self.squares = torch.empty(len(self.rows), dtype=torch.float64)
        for part in _blocks(self, _BLOCK):
            self.squares[part] = self.block(part).square().sum(dim=1)
        if not self.squares.isfinite().all():
            raise ValueError("features that are not finite have no distance")

    def block(self, part):
        """Return these rows in float64, moved to where their products round least."""
        return self.rows[part].double() - self.centre

    def share(self, chosen):
        """Return the share of the images whose row is chosen."""
        return self.counts[chosen].sum(dtype=float) / self.total


def _blocks(points, size):
    return [slice(start, min(start + size, len(points.rows))) for start in range(0, len(points.rows), size)]


def _tile(first, rows, second, columns):
    """Return the squared distances of two blocks by a product of matrices, off by less than `_slack`."""
    tile = torch.addmm(second.squares[columns], first.block(rows), second.block(columns).T, alpha=-2)
    return tile.add_(first.squares[rows, None])


def _slack(first, second):
    """Return a bound of what rounding does to any entry of a tile: |fl(x'y) - x'y| <= D eps |x| |y|, and its like."""
    terms = first.rows.shape[1] + 8
    return 4 * terms * torch.finfo(torch.float64).eps * (first.squares.max() + second.squares.max()).item()


def _direct(first, rows, second, columns):
    """Return the squared distances (P,) of P pairs of rows, the same bits for a pair wherever it occurs."""
    found = np.empty(len(rows))
    step = max(1, _DIRECT // first.rows.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        difference = first.rows[rows[part]].double() - second.rows[columns[part]].double()
        found[part] = np.square(difference.numpy()).sum(axis=1)  # pairwise along the row, whatever the other rows
    return found


def _within(tile, radii, first, rows, second, columns):
    """Return where the squared distances of a tile are smaller than the squared radii, which broadcast to it."""
    slack = _slack(first, second)
    within, possible = tile < radii - slack, tile <= radii + slack
    if np.count_nonzero(within) != np.count_nonzero(possible):
        row, column = np.nonzero(possible & ~within)
        distances = _direct(first, row + rows.start, second, column + columns.start)
        within[row, column] = distances < np.broadcast_to(radii, tile.shape)[row, column]
    return within


def _radii(points, k, block):
    """Return the squared distance (n,) of each different row to its k-th nearest other image; NaN for k = 0."""
    count = len(points.rows)
    if k == 0:
        return np.full(count, np.nan)
    nearest, neighbours = (found.numpy() for found in _nearest(points, min(k + 1 + _SPARE, count), block))
    distances = _direct(points, np.arange(count).repeat(nearest.shape[1]), points, neighbours.ravel())
    radii = _kth(distances.reshape(nearest.shape), points.counts[neighbours], k)
    if nearest.shape[1] < count:
        # Where ties may go on beyond the neighbours kept, all distances of that row are needed.
        for row in np.flatnonzero(nearest[:, -1] - _slack(points, points) <= radii):
            distances = _direct(points, np.full(count, row), points, np.arange(count))
            radii[row] = _kth(distances[None], points.counts[None], k)[0]
    return radii


def _kth(distances, counts, k):
    """Return the distance (n,) at which k images beside the first are reached, of distances and counts (n, m)."""
    order = distances.argsort(axis=1)
    reached = np.take_along_axis(counts, order, axis=1).cumsum(axis=1) >= k + 1  # the image itself is one of them
    place = np.take_along_axis(order, reached.argmax(axis=1)[:, None], axis=1)
    return np.take_along_axis(distances, place, axis=1)[:, 0]


def _nearest(points, keep, block):
    """Return the squared distances (n, keep) to the nearest rows, ascending, and their numbers, by tiles.

    Of two tiles that mirror each other only one is computed.
    """
    nearest = torch.full((len(points.rows), keep), torch.inf, dtype=torch.float64)
    neighbours = torch.zeros((len(points.rows), keep), dtype=torch.int64)
    blocks = _blocks(points, block)
    for number, rows in enumerate(blocks):
        for columns in blocks[number:]:
            tile = _tile(points, rows, points, columns)
            sides = [(rows, columns, tile)] if rows == columns else [(rows, columns, tile), (columns, rows, tile.T)]
            for mine, others, distances in sides:
                best = distances.topk(min(keep, distances.shape[1]), largest=False)
                near = torch.cat([nearest[mine], best.values], dim=1).topk(keep, largest=False)
                names = torch.cat([neighbours[mine], best.indices + others.start], dim=1)
                nearest[mine], neighbours[mine] = near.values, names.gather(1, near.indices)
    return nearest, neighbours
