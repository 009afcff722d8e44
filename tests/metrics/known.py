"""Features that anyone can recompute: no random numbers."""

import numpy as np


def features(count, dimensions, shift=0, scale=1):
    i, j = np.meshgrid(np.arange(count), np.arange(dimensions), indexing="ij")
    return scale * (np.sin(1.1 * i + 0.7 * j + 0.013 * i * j) + 0.1 * ((3 * i + 5 * j) % 7)) + shift


def rotation(dimensions):
    return np.linalg.qr(features(dimensions, dimensions))[0]


REAL, FAKE = features(64, 8), features(48, 8, 0.15, 0.9)
