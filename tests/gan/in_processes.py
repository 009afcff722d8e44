"""What tests/gan/test_parallel.py runs by torchrun: trainings in several processes, and what each has of them."""

import json
import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

import torch
from gan.small import OPTIONS, DoubleBatches, colour_set

from pipeline.gan import supervision
from pipeline.gan import train as train_module
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.finished import finished_generator
from pipeline.gan.generators import build_generator
from pipeline.gan.parallel import join_processes, leave_processes, own_rows, share_batch_norm
from pipeline.gan.state import new_training
from pipeline.gan.train import train, train_generator

# Batches of 5 are shared unequally; images of 6 go through several orders.
CASES = {
    "reacgan": {"condition": "reacgan"},
    "reacgan adc shift": {"condition": "reacgan", "as_published": ["adc", "d2dce_shift"]},
    "spade_bones": {"condition": "spade_bones"},
}
DOUBLE = {**OPTIONS, "steps": 3, "batch_size": 5, "ema_start": 2}
STOPPED = {**OPTIONS, "steps": 4, "checkpoint_every": 100}


def double_training(case):
    """Train a case in double precision; return (losses, {name: every tensor of the training})."""
    options = {**DOUBLE, **CASES[case]}
    batches = DoubleBatches(colour_set(), options, "cpu", own_rows(options["batch_size"]))
    training = new_double_training(2, options, "cpu")
    share_batch_norm(training.generator)
    train(training, batches, options, lambda: None)
    return training.history.losses, tensors_of(training)


def new_double_training(*arguments):
    """Return the training of new_training in double precision."""
    training = new_training(*arguments)
    training.average = {name: tensor.double() for name, tensor in training.average.items()}
    training.generator.double()
    training.discriminator.double()
    training.history.losses = training.history.losses.double()
    return training


def trained_to_the_end(state, number=None):
    """Train in double precision, from a state file on; return all tensors.

    Where the last process gets the signal `number` in the second step: its exit status and the steps that it began.
    """
    ordinary, begun, trainings = train_module.generator_loss, [], []

    def new(*arguments):
        trainings.append(new_double_training(*arguments))
        return trainings[-1]

    def interrupted(training, batches, step, options):
        begun.append(step)
        if step == 1 and number and own_rows(4).stop == 4:
            os.kill(os.getpid(), number)
        return ordinary(training, batches, step, options)

    replaced = {
        "new_training": new,
        "TrainingBatches": DoubleBatches,
        "generator_loss": interrupted,
    }
    # Finished generators draw in single precision, and are compared elsewhere.
    unfinished = {
        "finished_generator": lambda *_: build_generator("reacgan", 2, STOPPED),
        "Evaluation": lambda *_: Unjudged(),
    }
    with patch.multiple(train_module, **replaced), patch.multiple(supervision, **unfinished):
        try:
            train_generator(colour_set(), STOPPED, state)
        except SystemExit as end:
            return end.code, begun
    return tensors_of(trainings[0])


class Unjudged:
    """Takes every generator for as good as any other."""

    def __call__(self, generator, between):
        return {"frechet": 1.0, "spread": 1.0}

    def samples(self, generator):
        return torch.zeros(1, 64, 64, 3, dtype=torch.uint8)


def tensors_of(training):
    """Return every tensor that a training keeps, by name."""
    found = {f"average {name}": tensor for name, tensor in training.average.items()}
    for network in ("generator", "discriminator"):
        found |= {f"{network} {name}": tensor for name, tensor in getattr(training, network).state_dict().items()}
        for number, kept in getattr(training, network + "_optimiser").state_dict()["state"].items():
            found |= {f"{network} Adam {number} {name}": tensor for name, tensor in kept.items()}
    return found


def calibrated():
    """Return the tensors of a finished generator, whose batch statistics are those of whole batches."""
    options = {**OPTIONS, "batch_size": 5}
    batches = TrainingBatches(colour_set(), options, "cpu", own_rows(5))
    return finished_generator(new_training(2, options, "cpu"), batches.of_all_rows(), options).state_dict()


def loss_that_is_no_number(state):
    """Train at a learning rate that ends in NaN; return what each process says of it."""
    try:
        train_generator(colour_set(), {**STOPPED, "lr": 1e30}, state)
    except train_module.WrongInput as wrong:
        return str(wrong)


def main(folder):
    join_processes(1)
    trained = {case: double_training(case) for case in CASES}
    seen = {"trained": trained, "calibrated": calibrated()}
    seen["stopped"] = trained_to_the_end(folder / "stopped.pt", signal.SIGTERM)
    seen["goes on"] = trained_to_the_end(folder / "of one process.pt")
    seen["no number"] = loss_that_is_no_number(folder / "no number.pt")
    torch.save(seen, folder / f"process{os.environ['RANK']}.pt")
    print(json.dumps({"rows": str(own_rows(5))}))
    leave_processes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
