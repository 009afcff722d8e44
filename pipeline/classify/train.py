"""Train a hand shape classifier on real images: by one strategy of Table 2, or by a rival of generated images."""

import functools
import math
import time

import pandas as pd
import torch

from pipeline.budget import RIVALS, num_epochs
from pipeline.chance import seed_of, stream
from pipeline.classify.batches import balanced_batches, coins, epoch_batches, predict, take, to_samples
from pipeline.classify.folder_order import read_back
from pipeline.classify.model import check_classes, save_classifier
from pipeline.classify.rivals import augment, class_counts, criterion_of, val_criterion_of
from pipeline.classify.state import Training, identity_of
from pipeline.classify.strategies import STRATEGIES, batch_loss, lone_loss
from pipeline.data.archive import read_image_set
from pipeline.data.files import discard, replacing
from pipeline.data.subset import read_subset
from pipeline.stage import WrongInput, run_stage, stage_arguments

SECONDS_BETWEEN_STATES = 30
SECONDS_BETWEEN_LINES = 5


def train_classifier(fit, val, generated, options, state_path, seconds_between_states=SECONDS_BETWEEN_STATES):
    """Return the finished Training of one strategy, with .best (epoch from 0, val_loss, weights) and .history.

    fit, val, generated: ImageSets; val may be empty, generated is None for REAL and rivals. options: the classifier's,
    with "strategy" and "seed". The best epoch has the lowest validation loss; without validation images it is the last.
    The state at state_path is resumed if it is this run's, written at most every seconds_between_states at the end
    of an epoch, and left for the caller to remove. Raises WrongInput where the best epoch diverged.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    fit_samples, val_samples = to_samples(fit, device), to_samples(val, device)
    pool = to_samples(generated, device) if generated is not None else None
    training = Training(options, len(fit.class_names), device)
    identity = identity_of(options, fit.class_names, fit_samples, val_samples, pool)
    training.resume(state_path, identity)

    num_classes = len(fit.class_names)
    counts = class_counts(fit_samples.labels, num_classes)
    judged_by = val_criterion_of(options["strategy"], counts.cpu())
    real_epochs = num_epochs(options, len(fit), num_classes)
    epochs = schedule(options, real_epochs)
    progress = Progress(epochs, {"pretrain": len(pool or ()), "train": len(fit)}, training.epochs_done)
    saved = time.monotonic()
    for phase, epoch in epochs[training.epochs_done :]:
        if epoch == 0:
            training.renew_optimizer()
        samples = pool if phase == "pretrain" else fit_samples
        loss = criterion_of(options["strategy"], counts, (epoch + 1) / real_epochs)
        row = {"epoch": epoch, "phase": phase} | train_epoch(training, phase, epoch, samples, pool, loss, progress)
        row |= validate(training.model, val_samples, options, judged_by, phase, epoch)
        finish_epoch(training, row)
        if time.monotonic() - saved >= seconds_between_states:
            training.save(state_path, identity)
            saved = time.monotonic()
    expect_converged(training)
    return training


def schedule(options, real_epochs):
    """Return [(phase, epoch)]: PRETRAIN begins with epochs on generated images alone, everything ends with `train`."""
    pretrain = options["pretrain_epochs"] if options["strategy"] == "pretrain" else 0
    phases = [("pretrain", pretrain), ("train", real_epochs)]
    return [(phase, epoch) for phase, count in phases for epoch in range(count)]


def train_epoch(training, phase, epoch, samples, pool, criterion, progress):
    """Train on every sample once (`balanced`: on as many); return {"train_loss", "train_accuracy"}.

    Both are means over the samples while they changed. With `dropped_last_batch` the last images, which fill no batch,
    are left out. Accuracy counts the real batch (in MIXUP: the label with more weight); the loss is the strategy's
    whole loss, of which criterion(logits, labels) is the part for real images.
    """
    options, model = training.options, training.model
    # Dropout and stochastic depth draw from torch: an epoch's draws must not depend on the epochs before it.
    torch.manual_seed(seed_of(options["seed"], "dropout", phase, epoch))
    model.train()
    totals = torch.zeros(2, device=samples.labels.device)
    change = functools.partial(_augmented, options, epoch) if options["strategy"] == "augmented" else None
    batches = _batches(samples, phase, epoch, options)
    if not batches:
        raise WrongInput(
            f"batch_size {options['batch_size']}: more than the {len(samples)} images of an epoch; lower it"
        )
    for step, (positions, flips) in enumerate(batches):
        batch = take(samples, positions, flips, options["image_size"], change)
        if phase == "pretrain":
            loss, hits = lone_loss(model, batch, options, stream(options["seed"], "pretrain", epoch, step))
        else:
            random = stream(options["seed"], "generated", epoch, step)
            loss, hits = batch_loss(model, batch, pool, options, epoch, random, criterion)
        training.optimizer.zero_grad()
        loss.backward()
        training.optimizer.step()
        totals += torch.stack([loss.detach() * len(positions), hits])
        progress.report(phase, epoch, len(positions), loss)
    train_loss, train_accuracy = (totals / sum(len(positions) for positions, _ in batches)).tolist()
    return {"train_loss": train_loss, "train_accuracy": train_accuracy}


def _batches(samples, phase, epoch, options):
    address = options["seed"], "batches", phase, epoch
    if options["strategy"] == "balanced":
        return balanced_batches(samples.labels.cpu().numpy(), options["batch_size"], *address)
    drop_last = "dropped_last_batch" in options["as_published"]
    return epoch_batches(len(samples), options["batch_size"], *address, drop_last=drop_last)


def _augmented(options, epoch, images, positions):
    return augment(images, positions, options["seed"], "augment", epoch)


def validate(model, val, options, criterion, phase, epoch):
    """Return {"val_loss", "val_accuracy"} over real validation images, NaN without any.

    val_loss is by criterion(logits, labels), val_accuracy by the logits as they are. The released code mirrors half of
    the images, others every epoch (`test_flips`), and leaves out the last ones that fill no batch
    (`dropped_last_batch`).
    """
    published, batch_size = options["as_published"], options["batch_size"]
    count = len(val) // batch_size * batch_size if "dropped_last_batch" in published else len(val)
    if count == 0:
        return {"val_loss": math.nan, "val_accuracy": math.nan}
    address = (options["seed"], "flips of validation", phase, epoch)
    flips = coins(count, *address) if "test_flips" in published else None
    logits = predict(model, val.images[:count], batch_size, options["image_size"], flips)
    labels = val.labels[:count].cpu()
    hits = (logits.argmax(1) == labels).double().mean()
    return {"val_loss": criterion(logits, labels).item(), "val_accuracy": hits.item()}


def finish_epoch(training, row):
    """Record an epoch; of the `train` phase keep the weights with the lowest validation loss.

    Pretraining ends with its last weights, as released: what they are good for shows only on real images.
    """
    training.history.append(row)
    training.epochs_done += 1
    if row["phase"] == "train" and _is_best(row["val_loss"], training.best):
        training.remember_best(row["epoch"], row["val_loss"])


def _is_best(val_loss, best):
    # A loss of NaN, from no validation image or a diverged epoch, never outlasts the epoch after it.
    return best is None or math.isnan(best["val_loss"]) or val_loss < best["val_loss"]


def expect_converged(training):
    """Raise WrongInput where the loss or a weight of the best epoch is not a finite number: its answers are none."""
    epoch, weights = training.best["epoch"], training.best["weights"]
    (loss,) = (row["train_loss"] for row in training.history if (row["phase"], row["epoch"]) == ("train", epoch))
    # An epoch's losses come before its last update, which may be the one that breaks the weights.
    broken = sum(not tensor.isfinite().all() for tensor in weights.values())
    if broken or not math.isfinite(loss):
        raise WrongInput(
            f"classifier {training.options['strategy']}: epoch {epoch + 1}, the one to keep, diverged (training loss"
            f" {loss}, {broken} of {len(weights)} tensors not finite); lower the classifier's lr in params.yaml"
        )


class Progress:
    """A line every few seconds: the epoch, images per second, the loss, and the time left."""

    def __init__(self, epochs, samples, epochs_done):
        self.lengths = {phase: sum(1 for name, _ in epochs if name == phase) for phase in samples}
        self.left = sum(samples[phase] for phase, _ in epochs[epochs_done:])
        self.started = self.spoke = time.monotonic()
        self.images = 0

    def report(self, phase, epoch, images, loss):
        """Count a batch; print if it is time."""
        self.images += images
        self.left -= images
        now = time.monotonic()
        if now - self.spoke < SECONDS_BETWEEN_LINES:
            return
        self.spoke = now
        speed = self.images / (now - self.started)
        print(
            f"{phase} epoch {epoch + 1}/{self.lengths[phase]}: {speed:.0f} images/s, loss {loss.item():.3f}, "
            f"{self.left / speed:.0f} s left",
            flush=True,
        )


def read_generated(path, strategy, class_names):
    """Return the second ImageSet at `path`, None for REAL and rivals; WrongInput if path and strategy disagree."""
    if strategy not in (*STRATEGIES, *RIVALS):
        raise WrongInput(f"strategy {strategy!r} is unknown; choose one of {', '.join((*STRATEGIES, *RIVALS))}")
    if strategy == "real" or strategy in RIVALS:
        if path is not None:
            raise WrongInput(f"--generated {path}: strategy {strategy!r} uses no generated images; leave it out")
        return None
    if path is None:
        raise WrongInput(f"strategy {strategy!r} needs generated images; name them with --generated")
    generated = read_image_set(path)
    check_classes(path, generated.class_names, class_names)
    if len(generated) == 0:
        raise WrongInput(f"{path}: no images; expected at least one; delete it and run Snakemake again")
    return generated


def write_history(path, history):
    """Write one row per epoch: epoch (from 0), phase, train_loss, train_accuracy, val_loss, val_accuracy."""
    with replacing(path) as beside:
        pd.DataFrame(history).to_csv(beside, index=False)


def main():
    args = stage_arguments(
        __doc__, inputs=("crops", "subset", "state"), outputs=("out", "history"), optional=("generated",)
    ).parse_args()
    torch.set_num_threads(args.threads)
    fit, val = (read_subset(args.crops, args.subset, part) for part in ("fit", "val"))
    if len(fit) == 0:
        raise WrongInput(f"{args.subset}: no row with part 'fit'; expected images to train on; make the subset larger")
    generated = read_generated(args.generated, args.options["strategy"], fit.class_names)
    if generated is not None and "permuted_labels" in args.options["as_published"]:
        generated = read_back(generated)
    print(
        f"{args.options['strategy']}: {len(fit)} real images, {len(val)} to validate, {len(generated or ())} generated"
    )

    training = train_classifier(fit, val, generated, args.options, args.state)
    save_classifier(args.out, training.best["weights"], args.options, fit.class_names, training.best["epoch"])
    write_history(args.history, training.history)
    discard(args.state)
    reason = f"lowest validation loss, {training.best['val_loss']:.4f}" if len(val) else "the last, no validation image"
    print(f"kept epoch {training.best['epoch'] + 1} of {training.history[-1]['epoch'] + 1}: {reason}")


if __name__ == "__main__":
    run_stage(main)
