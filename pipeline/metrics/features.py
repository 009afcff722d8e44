"""What a network says of images: the features that distances between sets rest on, and its class scores."""

from typing import NamedTuple

import torch

_PASS = 64  # images per pass of the network


class Described(NamedTuple):
    """Features (N, D) and logits (N, C) of N images, float32."""

    features: torch.Tensor
    logits: torch.Tensor


@torch.no_grad()
def described(images, network, between=lambda: None):
    """Return Described of images uint8 (N, H, W, 3); between() is called between two passes of the network."""
    device, found = next(network.parameters()).device, []
    for part in torch.as_tensor(images).split(_PASS):
        between()
        found.append(network(to_range(part.to(device))))
    return Described(*(torch.cat(parts).cpu() for parts in zip(*found, strict=True)))


def to_range(images):
    """Turn uint8 images (B, H, W, 3) into float32 (B, 3, H, W) in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1
