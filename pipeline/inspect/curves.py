"""Training curves, a DataFrame with a row per epoch or evaluation: where they begin and are best, and how they look."""

from pipeline.inspect import plots
from pipeline.inspect.contents import Contents, listed

MEASURES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
GENERATOR_MEASURES = ("loss_d", "hinge_d", "loss_g", "frechet", "spread")
MAY_BE_EMPTY = (*MEASURES, "frechet")


def read(frame):
    """Return the Contents of a training curve."""
    return Contents(
        "training curve",
        f"{len(frame)} epochs, {best_of(frame)}",
        lines=lambda: lines_of(frame),
        draw=lambda: draw(frame),
    )


def lines_of(history):
    """Return the first, last and best epoch of a history (one row per epoch) in words."""
    if history.empty:
        return ["no epoch finished yet"]
    phases = ", ".join(f"{phase} {count}" for phase, count in history["phase"].value_counts(sort=False).items())
    told = {name: _epoch(history.iloc[place]) for name, place in (("first", 0), ("last", -1))}
    return [f"{len(history)} epochs: {phases}", *listed(told), best_of(history)]


def _epoch(row):
    measured = [f"{name.replace('_', ' ')} {row[name]:.4f}" for name in MEASURES]
    return f"{row['phase']} epoch {int(row['epoch']) + 1}: {', '.join(measured)}"


def best_of(history):
    """Return in words which epoch has the lowest validation loss."""
    # Only epochs on real images may be kept (pipeline.classify.train).
    losses = history.loc[history["phase"] == "train", "val_loss"].dropna()
    if losses.empty:
        return "no validation loss"
    best = history.loc[losses.idxmin()]
    return f"lowest validation loss {best['val_loss']:.4f}, in epoch {int(best['epoch']) + 1} of phase train"


def draw(history):
    """Draw losses and accuracies of a history over its epochs, a line between its phases."""
    border = int((history["phase"] == "pretrain").sum())
    panels = {
        f"{measure} per epoch": {part: history[f"{part}_{measure}"].to_numpy(float) for part in ("train", "val")}
        for measure in ("loss", "accuracy")
    }
    return plots.curves(panels, border if border < len(history) else 0)


def read_generator(frame):
    """Return the Contents of a generator's training: a row per evaluation."""
    reached = f"{len(frame)} evaluations, the last after step {int(frame['step'].iloc[-1])}"
    return Contents(
        "training of a generator",
        reached,
        lines=lambda: [reached, *listed({f"step {int(row['step'])}": _evaluation(row) for _, row in frame.iterrows()})],
        draw=lambda: draw_generator(frame),
    )


def _evaluation(row):
    measured = ", ".join(f"{name} {row[name]:.3f}" for name in GENERATOR_MEASURES)
    return measured + (f", COLLAPSED: {row['collapse']}" if row["collapse"] else "")


def draw_generator(frame):
    """Draw the losses and the scores of a generator over its evaluations."""
    panels = {
        "loss per evaluation": {name: frame[name].to_numpy(float) for name in ("loss_d", "loss_g")},
        "distance to the training images": {"frechet": frame["frechet"].to_numpy(float)},
    }
    return plots.curves(panels, border=0)
