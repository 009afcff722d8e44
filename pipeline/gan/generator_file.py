"""A trained generator as one safetensors file: plain weights, and in its header what they are weights of."""

import torch

from pipeline.gan.generators import build_generator
from pipeline.networks import read_network, write_network

_KEYS = {"condition", "class_names", "options"}


def save_generator(path, generator, options, class_names):
    """Write a generator without spectral norm. options hold its "condition"."""
    description = {"condition": options["condition"], "class_names": list(class_names), "options": options}
    write_network(path, generator.state_dict(), description)


def load_generator(path):
    """Return (generator, description): the generator on the CPU, ready to draw, its batch statistics fixed.

    description: {"condition", "class_names", "options"}. Raises WrongInput for a file that is none of ours.
    """
    generator, description = read_network(path, _KEYS, _build, "generator")
    return generator.requires_grad_(False), description


def _build(description, weights):
    settings = description["condition"], len(description["class_names"]), description["options"]
    with torch.device("meta"):  # where a network takes no memory, however wide its options claim it to be
        described = build_generator(*settings).state_dict()
    if {name: own.shape for name, own in described.items()} != {name: own.shape for name, own in weights.items()}:
        raise ValueError("its weights are not those of the network that it describes")
    return build_generator(*settings)
