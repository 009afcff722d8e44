"""A trained generator as one safetensors file: plain weights, and in its header what they are weights of."""

import json

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pipeline.data.files import replacing
from pipeline.gan.generators import build_generator
from pipeline.stage import WrongInput

_DESCRIPTION = "description"


def save_generator(path, generator, options, class_names):
    """Write a generator without spectral norm. options hold its "condition"."""
    description = {"condition": options["condition"], "class_names": list(class_names), "options": options}
    tensors = {name: tensor.cpu().contiguous() for name, tensor in generator.state_dict().items()}
    with replacing(path) as beside:
        # One entry, because safetensors writes several in an order that changes from run to run.
        save_file(tensors, beside, metadata={_DESCRIPTION: json.dumps(description)})


def load_generator(path):
    """Return (generator, description): the generator on the CPU, ready to draw, its batch statistics fixed.

    description: {"condition", "class_names", "options"}. Raises WrongInput for a file that is none of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})[_DESCRIPTION])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        generator = build_generator(description["condition"], len(description["class_names"]), description["options"])
        generator.load_state_dict(tensors)
    except FileNotFoundError:
        raise WrongInput(f"{path}: no such generator; run Snakemake to train it") from None
    except (SafetensorError, KeyError, ValueError, RuntimeError) as misfit:
        raise WrongInput(f"{path}: not a generator of this program ({misfit}); delete it and train it again") from None
    return generator.eval().requires_grad_(False), description
