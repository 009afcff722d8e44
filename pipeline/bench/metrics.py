"""Measure the metrics of image quality against their plain forms: `python -m pipeline.bench.metrics`.

Plain: FID as pytorch-fid computes it, from covariances and scipy's matrix root; precision, recall, density and coverage
as their formulas read, with every distance in memory at once.
"""

import argparse
import resource
import time

import numpy as np
import torch

from pipeline.metrics.frechet import frechet_distance
from pipeline.metrics.neighbours import neighbour_scores

NEIGHBOURS = 5
_SEED = 0


def plain_frechet(real, fake):
    """Return the Fréchet distance of features (N, D) by pytorch-fid's own function."""
    from pytorch_fid.fid_score import calculate_frechet_distance  # with torchvision, seconds

    moments = [(part.mean(axis=0), np.cov(part, rowvar=False)) for part in (real, fake)]
    return float(calculate_frechet_distance(*moments[0], *moments[1]))


def plain_neighbours(real, fake, k):
    """Return (precision, recall, density, coverage) of features (N, D), by whole matrices of squared distances."""
    within, across = ([_distances(part, part) for part in (real, fake)], _distances(real, fake))
    real_radii, fake_radii = (np.partition(own, k, axis=1)[:, k] for own in within)
    in_real, in_fake = across < real_radii[:, None], across < fake_radii
    covered = across.min(axis=1) < real_radii
    return in_real.any(axis=0).mean(), in_fake.any(axis=1).mean(), in_real.sum() / (k * len(fake)), covered.mean()


def _distances(first, second):
    squares = [np.square(part).sum(axis=1) for part in (first, second)]
    return squares[0][:, None] + squares[1] - 2 * first @ second.T


def side_by_side(images, dimensions):
    """Return {metric: (seconds of the plain form, of ours)} of `images` random features of each of two sets."""
    draw = np.random.default_rng(_SEED)
    real, fake = draw.normal(size=(2, images, dimensions))
    pairs = {
        "frechet": (lambda: plain_frechet(real, fake), lambda: frechet_distance(real, fake)),
        "neighbours": (
            lambda: plain_neighbours(real, fake, NEIGHBOURS),
            lambda: neighbour_scores(real, fake, NEIGHBOURS)[:4],
        ),
    }
    found = {}
    for name, (plain, ours) in pairs.items():
        expected, plain_seconds = _timed(plain)
        value, seconds = _timed(ours)
        np.testing.assert_allclose(value, expected, rtol=1e-4)
        found[name] = (plain_seconds, seconds)
    return found


def _timed(run):
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name, (plain, ours) in side_by_side(args.images, args.dimensions).items():
        print(f"{name}: plain {plain:.1f} s, ours {ours:.1f} s, ratio {plain / ours:.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{args.images} x {args.dimensions}, {args.threads} threads; peak of both forms {peak:.1f} GB")


if __name__ == "__main__":
    main()
