"""Networks as safetensors files: plain weights, and in the header, as JSON, what they are weights of."""

import json

from safetensors import safe_open
from safetensors.torch import save_file

from pipeline.data.files import replacing
from pipeline.stage import WrongInput

_DESCRIPTION = "description"


def write_network(path, weights, description):
    """Write weights {name: tensor} and what they are weights of; equal networks give equal bytes."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path) as beside:
        # One entry, because safetensors writes several in an order that changes from run to run.
        save_file(tensors, beside, metadata={_DESCRIPTION: json.dumps(description)})


def read_network(path, keys, build, kind):
    """Return (network on the CPU in evaluation mode, description), of a file that write_network wrote.

    keys: those of the description, class_names among them; build(description, weights) -> the network, its own weights
    not yet these; kind: what to call it. Raises WrongInput for every other file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})[_DESCRIPTION])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        network = build(_checked(description, keys), tensors)
        network.load_state_dict(tensors)
    except FileNotFoundError:
        raise WrongInput(f"{path}: no such {kind}; run Snakemake to train it") from None
    except Exception as misfit:  # a description may say anything, and building it then raises anything
        reason = " ".join(str(misfit).split())[:300]
        raise WrongInput(f"{path}: not a {kind} of this program ({reason}); delete it and train it again") from None
    return network.eval(), description


def _checked(description, keys):
    if not isinstance(description, dict) or set(description) != set(keys):
        raise ValueError(f"described by {description!s:.100}; expected {', '.join(sorted(keys))}")
    names = description["class_names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"class_names are {names!s:.100}; expected a list of names")
    return description
