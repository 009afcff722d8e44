"""Training states: how far a training that is under way, or was cut off, has come."""

import pandas as pd
import torch

from pipeline.inspect import curves
from pipeline.inspect.contents import Contents
from pipeline.stage import WrongInput
from pipeline.states import read_state


def read(path):
    """Return the Contents of a generator's or classifier's training state; raise WrongInput for other files."""
    state = read_state(path)
    if state is None:
        raise WrongInput(
            f"{path}: no readable training state; expected a whole one; delete it, and the training starts anew"
        )
    if {"circumstances", "parts", "average", "step"} <= set(state):
        return _of_generator(state)
    if {"identity", "model", "epochs_done", "history"} <= set(state):
        return _of_classifier(state)
    raise WrongInput(
        f"{path}: holds {', '.join(map(str, state))}; expected a training state of this program; delete it, and the"
        " training starts anew"
    )


def _of_generator(state):
    options = state["circumstances"]["options"]
    reached = f"step {state['step']} of {options['steps']}"
    networks = {name: state["parts"][name] for name in ("generator", "discriminator")}
    return Contents(
        "training state of a generator",
        reached,
        lines=lambda: [reached, *(_network(*network) for network in networks.items())],
        settings=options,
    )


def _of_classifier(state):
    history, best = pd.DataFrame(state["history"]), state["best"]
    reached = f"{state['epochs_done']} epochs done"
    kept = f", best so far epoch {best['epoch'] + 1}" if best else ""
    run = f"belongs to the run {state['identity'][:16]} (a hash of settings, images and code)"
    return Contents(
        "training state of a classifier",
        reached + kept,
        lines=lambda: [reached + kept, run, _network("network", state["model"]), *curves.lines_of(history)],
        draw=(lambda: curves.draw(history)) if len(history) else None,
    )


def _network(name, tensors):
    floating = [tensor for tensor in tensors.values() if tensor.is_floating_point()]
    bad = sum(int((~torch.isfinite(tensor)).sum()) for tensor in floating)
    count = sum(tensor.numel() for tensor in tensors.values())
    return f"{name}: {len(tensors)} tensors, {count:,} numbers, " + (f"{bad} NOT FINITE" if bad else "all finite")
