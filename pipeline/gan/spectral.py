"""Spectral normalisation: every weight matrix divided by its largest singular value, followed by power iteration.

All weights of a network are normalised together before each of its forwards: at narrow widths a training spends more
time on the many small operations of one layer at a time than on its convolutions.
"""

import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-6


def add_spectral_norm(network, leave_out=()):
    """Normalise every convolution, linear map and embedding of the network but those in leave_out; return it.

    A layer's parameter becomes `weight_orig`; each forward of the network in training mode turns the vectors
    `weight_u` and `weight_v` by one power iteration and sets `weight` = weight_orig / u W v, W being (out, rest).
    """
    layers = [
        module
        for module in network.modules()
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.Embedding)) and module not in leave_out
    ]
    for layer in layers:
        weight = layer.weight
        del layer.weight
        layer.register_parameter("weight_orig", weight)
        matrix = weight.detach().flatten(1)
        layer.register_buffer("weight_u", F.normalize(torch.randn(matrix.shape[0]), dim=0, eps=EPS))
        layer.register_buffer("weight_v", F.normalize(matrix.T @ layer.weight_u, dim=0, eps=EPS))
    network.spectral_layers = tuple(layers)  # a tuple, so that the layers keep their one place among the modules
    network.spectral_hook = network.register_forward_pre_hook(lambda network, _: _normalise(network))
    return network


def fold_spectral_norm(network, iterations=50):
    """Replace every weight by its normalised value, u and v converged, so that the network becomes a plain one."""
    network.train()
    with torch.no_grad():
        for _ in range(iterations):
            _normalise(network)
    network.spectral_hook.remove()
    for layer in network.spectral_layers:
        weight = layer.weight
        del layer.weight, layer.weight_orig, layer.weight_u, layer.weight_v
        layer.weight = nn.Parameter(weight)
    del network.spectral_layers, network.spectral_hook
    return network


def _normalise(network):
    layers = network.spectral_layers
    weights, us, vs = ([getattr(layer, "weight_" + name) for layer in layers] for name in ("orig", "u", "v"))
    if network.training:
        _turn(weights, us, vs)
    for layer, weight in zip(layers, _Divide.apply(us, vs, *weights), strict=True):
        layer.weight = weight


@torch.no_grad()
def _turn(weights, us, vs):
    matrices = [weight.flatten(1) for weight in weights]
    torch._foreach_copy_(vs, _unit([matrix.T @ u for matrix, u in zip(matrices, us, strict=True)]))
    torch._foreach_copy_(us, _unit([matrix @ v for matrix, v in zip(matrices, vs, strict=True)]))


def _unit(vectors):
    lengths = torch._foreach_norm(vectors)
    torch._foreach_clamp_min_(lengths, EPS)
    return torch._foreach_div(vectors, lengths)


class _Divide(torch.autograd.Function):
    """W / sigma with sigma = u W v of each weight; u and v count as constants."""

    @staticmethod
    def forward(ctx, us, vs, *weights):
        sigmas = [u @ (weight.flatten(1) @ v) for u, weight, v in zip(us, weights, vs, strict=True)]
        normalised = torch._foreach_div(weights, sigmas)
        # Copies, because a later forward turns u and v before this one's gradient is taken.
        ctx.directions = [u.clone() for u in us], [v.clone() for v in vs]
        ctx.save_for_backward(*sigmas, *normalised)
        return tuple(normalised)

    @staticmethod
    def backward(ctx, *gradients):
        # d(W / sigma) = (dW - (u dW v) W / sigma) / sigma, transposed.
        sigmas, normalised = ctx.saved_tensors[: len(gradients)], ctx.saved_tensors[len(gradients) :]
        products = [(g * weight).sum() for g, weight in zip(gradients, normalised, strict=True)]
        ranks = [torch.outer(p * u, v) for p, u, v in zip(products, *ctx.directions, strict=True)]
        along = [rank.view(g.shape) for rank, g in zip(ranks, gradients, strict=True)]
        return None, None, *torch._foreach_div(torch._foreach_sub(gradients, along), sigmas)
