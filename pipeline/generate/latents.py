"""Noise for the generator, one independent stream per image."""

import numpy as np
import torch
from scipy.special import ndtr, ndtri

from pipeline.chance import stream

TRUNCATION = 0.5  # of the released commands for the small sets; the text mentions none


def latents(seed, label, indices, z_dim, truncation=None):
    """Return z (B, z_dim) float32: row i depends on (seed, label, indices[i]) alone.

    Standard normal; with a truncation, normal within [-truncation, truncation].
    """
    rows = [_latent(stream(seed, "latent", label, index), z_dim, truncation) for index in indices]
    return torch.tensor(np.stack(rows), dtype=torch.float32)


def _latent(noise, z_dim, truncation):
    if truncation is None:
        return noise.standard_normal(z_dim)
    return ndtri(noise.uniform(ndtr(-truncation), ndtr(truncation), z_dim))
