"""How many epochs a classifier takes to converge, by what it starts from (Section 5.2.3, Figure 8).

The paper does not define convergence. Here it is the first epoch of fine-tuning whose training accuracy reaches NEAR of
the highest that the run on real images alone, of the same subset and seed, ever reaches.
"""

import numpy as np

from pipeline.data.table import read_table
from pipeline.stage import WrongInput

NEAR = 0.95
# Epochs of a training: with fewer than this, one epoch is more than 5 % of it.
COARSE = 20


def epochs_to_converge(accuracies, level):
    """Return after how many epochs, counted from 1, the accuracy first reaches the level; None where it never does."""
    reached = np.flatnonzero(np.asarray(accuracies) >= level)
    return int(reached[0]) + 1 if len(reached) else None


def read_history(path):
    """Return phase and train_accuracy of each epoch of a classifier; raise WrongInput where it is no such curve."""
    history = read_table(path, ["phase", "train_accuracy"], only=True, numbers={"train_accuracy": float})
    if not (history["phase"] == "train").any():
        raise WrongInput(f"{path}: no epoch of phase train; expected at least one; delete it and run Snakemake again")
    return history


def training_accuracy(history):
    """Return the training accuracy (epochs,) of the epochs on real images."""
    return history.loc[history["phase"] == "train", "train_accuracy"].to_numpy()


def convergence(histories):
    """Return {initialisation: measures}, "real" first, from {initialisation: {seed: history}}, one of them "real".

    levels: what to reach, by seed; by_seed: epochs, None where it is never reached. epochs and epochs_with_pretraining:
    means over seeds, None where one of them has none; the ratios are these over the epochs of "real", same seeds.
    Raises WrongInput where an initialisation has no seed together with "real".
    """
    levels = {seed: NEAR * training_accuracy(history).max() for seed, history in histories["real"].items()}
    order = sorted(histories, key=lambda name: (name != "real", name))
    return {name: _measures(histories[name], histories["real"], levels, name) for name in order}


def _measures(runs, real, levels, name):
    seeds = [seed for seed in runs if seed in levels]
    if not seeds:
        raise WrongInput(f"convergence of {name}: no seed of {[*runs]} is among those of real, {[*levels]}; train both")
    by_seed = {seed: epochs_to_converge(training_accuracy(runs[seed]), levels[seed]) for seed in seeds}
    baseline = _mean([epochs_to_converge(training_accuracy(real[seed]), levels[seed]) for seed in seeds])
    before = _mean([int((runs[seed]["phase"] == "pretrain").sum()) for seed in seeds])
    epochs = _mean(by_seed.values())
    with_pretraining = None if epochs is None else epochs + before
    return {
        "levels": {seed: float(levels[seed]) for seed in seeds},
        "by_seed": by_seed,
        "reached": sum(own is not None for own in by_seed.values()),
        "pretrain_epochs": before,
        "train_epochs": max(len(training_accuracy(runs[seed])) for seed in seeds),
        "epochs": epochs,
        "epochs_with_pretraining": with_pretraining,
        "ratio": None if epochs is None else epochs / baseline,
        "ratio_with_pretraining": None if epochs is None else with_pretraining / baseline,
    }


def _mean(values):
    # A mean over those seeds alone that converged would flatter a run that often does not.
    return None if None in values else float(np.mean([*values]))


def state_convergence(compared):
    """Return the claim as a dict of numbers, with its sentence; compared: {data set: (where in words, measures)}."""
    return {
        "section": "5.2.3",
        "claim": "Pretraining on generated images takes about half the epochs to converge, 60 % on RWTH.",
        "sentence": " ".join(f"{where}: {_sentence(measures)}" for where, measures in compared.values()),
        "near": NEAR,
        "datasets": {dataset: measures for dataset, (_, measures) in compared.items()},
    }


def _sentence(measures):
    real = measures["real"]
    others = [_says(name, own) for name, own in measures.items() if name != "real"]
    said = (
        f"real images alone reach {100 * NEAR:.0f} % of their highest training accuracy after"
        f" {_epochs(real['epochs'])}; {'; '.join(others)}."
    )
    if real["train_epochs"] < COARSE:
        said += f" Evidence is thin: only whole epochs count, and these trainings have {real['train_epochs']}."
    return said


def _says(name, own):
    if own["epochs"] is None:
        return f"pretrained on {name}, {own['reached']} of {len(own['by_seed'])} seeds reach it, so there is no ratio"
    return (
        f"pretrained on {name} after {_epochs(own['epochs'])}, {100 * own['ratio']:.0f} % of that, or"
        f" {100 * own['ratio_with_pretraining']:.0f} % with {_epochs(own['pretrain_epochs'])} of pretraining counted"
    )


def _epochs(number):
    return f"{number:.3g} epoch{'' if number == 1 else 's'}"
