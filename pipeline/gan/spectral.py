"""Spectral normalisation: every weight matrix divided by its largest singular value, followed by power iteration."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

EPS = 1e-6


class SpectralNorm(nn.Module):
    """Divides a weight, seen as a matrix (out, rest), by u W v; each training forward turns u and v once."""

    def __init__(self, weight):
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.register_buffer("u", F.normalize(torch.randn(matrix.shape[0]), dim=0, eps=EPS))
        self.register_buffer("v", F.normalize(matrix.T @ self.u, dim=0, eps=EPS))

    def forward(self, weight):
        matrix = weight.flatten(1)
        if self.training:
            self._turn(matrix.detach())
        # Copies, because a later forward turns u and v before this one's gradient is taken.
        sigma = self.u.clone() @ (matrix @ self.v.clone())
        return weight / sigma

    def _turn(self, matrix):
        with torch.no_grad():
            self.v.copy_(F.normalize(matrix.T @ self.u, dim=0, eps=EPS))
            self.u.copy_(F.normalize(matrix @ self.v, dim=0, eps=EPS))


def add_spectral_norm(network, leave_out=()):
    """Normalise every convolution, linear map and embedding of the network but those in leave_out; return it."""
    for module in list(network.modules()):
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.Embedding)) and module not in leave_out:
            parametrize.register_parametrization(module, "weight", SpectralNorm(module.weight), unsafe=True)
    return network


def fold_spectral_norm(network, iterations=50):
    """Replace every weight by its normalised value, u and v converged, so that the network becomes a plain one."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            norm = module.parametrizations.weight[0]
            for _ in range(iterations):
                norm._turn(module.parametrizations.weight.original.detach().flatten(1))
            norm.eval()
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    return network
