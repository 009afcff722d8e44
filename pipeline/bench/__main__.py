"""Measure the GAN step as it ships against its plain form: in one run, one step of each in turn.

Ratios are shipped over plain. data_share is the part of a step in which it waits for batches, pose maps and draws of
the augmentation (on a GPU, in which the program starts these). matmul_share is the operations of the plain form per
second over those of a large matrix product of that precision, measured beside it; the operations are the same number
for both forms, so it tells how soon the same function is done, not how busy the machine is.
"""

import argparse
import functools
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from pipeline.bench.forms import make_form, noise_images
from pipeline.bench.measure import DTYPES, large_product, peak_memory, step_operations, timed
from pipeline.data.files import replacing
from pipeline.gan.generators import CONDITIONS
from pipeline.gan.history import LOSSES
from pipeline.stage import WrongInput, run_stage

WIDTHS = {"paper": "gan", "demo": "small_gan"}  # the name below `anchors` in params.yaml
_SEED = 0


def compare(image_set, options, precisions, repeats, device, threads):
    """Return a row (dict) of measured values for the plain form and for the shipped one in each precision."""
    kinds = [("plain", "float32"), *(("shipped", precision) for precision in precisions)]
    forms = [make_form(name, image_set, options | {"precision": precision}, device) for name, precision in kinds]
    train_seconds, data_shares, rates = train_in_turn(forms, repeats, device)
    draw_rates = draw_in_turn(forms, image_set, repeats, device)
    operations = step_operations(options, image_set) * options["batch_size"]
    rows = []
    for form, seconds, data_share, draw_rate in zip(forms, train_seconds, data_shares, draw_rates, strict=True):
        rate = rates[form.options["precision"]]
        row = {
            "form": form.name,
            "precision": form.options["precision"],
            "train_images_per_s": options["batch_size"] * options["discriminator_updates"] / seconds,
            "train_ratio": train_seconds[0] / seconds,
            "draw_images_per_s": draw_rate,
            "draw_ratio": draw_rate / draw_rates[0],
            "data_share": data_share,
            "peak_mb": peak_memory(form.name, form.options, device, threads) / 1e6,
            "matmul_share": operations / seconds / rate,
            "matmul_gflop_per_s": rate / 1e9,
        }
        rows.append(row)
    return rows


def train_in_turn(forms, repeats, device):
    """Return per form the seconds of a step and its share of waiting, and {precision: rate of a matrix product}.

    The product takes its turn as well. Each form has taken a step before, of one discriminator update.
    """
    updates = forms[0].options["discriminator_updates"]
    precisions = list(dict.fromkeys(form.options["precision"] for form in forms))
    multiply, operations = zip(*(large_product(precision, device) for precision in precisions), strict=True)
    for form in forms:
        form.train(1, discriminator_updates=1)
        form.batches.waited = 0.0
    for product in multiply:
        product()
    steps = [functools.partial(form.train, 1, updates) for form in forms]
    seconds = in_turn([*steps, *multiply], repeats, device)
    data_shares = [form.batches.waited for form in forms] / seconds[:, : len(forms)].sum(axis=0)
    medians = np.median(seconds, axis=0)
    rates = dict(zip(precisions, operations / medians[len(forms) :], strict=True))
    return medians[: len(forms)], data_shares, rates


def draw_in_turn(forms, image_set, repeats, device):
    """Return per form the images per second that its generator draws: one full pass of each of two classes."""
    drawers = [form.drawer(image_set, labels=(0, 1)) for form in forms]
    counts = [draw() for draw in drawers]
    return counts / np.median(in_turn(drawers, repeats, device), axis=0)


def in_turn(runs, repeats, device):
    """Return the seconds (repeats, runs); the runs alternate, so that a busy machine is busy for all of them."""
    return np.array([[timed(run, device) for run in runs] for _ in range(repeats)])


def compare_losses(image_set, options, precisions, steps, device):
    """Return rows: how far the losses of the shipped step are from the plain one's, in its standard deviations.

    Both go on from the same weights with the same draws, and both turn the discriminator's spectral vectors once per
    update; what remains is rounding, which grows from step to step.
    """
    plain = _losses("plain", image_set, options | {"precision": "float32"}, steps, device)
    rows = []
    for precision in precisions:
        shipped = _losses("shipped", image_set, options | {"precision": precision}, steps, device)
        for name, expected, found in zip(("discriminator", "generator"), plain.T, shipped.T, strict=True):
            away = (found - expected).abs() / expected.std()
            rows.append(
                {"precision": precision, "loss": name, "largest": away.max().item(), "mean": away.mean().item()}
            )
    return rows


def _losses(name, image_set, options, steps, device):
    form = make_form(name, image_set, options, device, turn_once=True)
    form.train(steps, options["discriminator_updates"])
    places = [LOSSES.index("loss_d"), LOSSES.index("loss_g")]
    return form.training.history.losses[:steps, places].double().cpu()


def _options(args, width, condition, device):
    """Return the options of this width in params.yaml, changed as the command line asks."""
    options = yaml.safe_load(args.params.read_text())["anchors"][WIDTHS[width]]
    options |= {"condition": condition, "seed": _SEED}
    if width == "paper":
        options["batch_size"] = 128 if device == "cuda" else 16
    if args.quick:
        options |= {"batch_size": 2, "discriminator_updates": 1}
    if args.batch is not None:
        options["batch_size"] = args.batch
    return options


def _repeats(args, width, device):
    if args.steps is not None:
        return args.steps
    if args.quick:
        return 1
    return 2 if width == "paper" and device == "cpu" else 20


def main():
    parser = argparse.ArgumentParser(prog="python -m pipeline.bench", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--width", nargs="+", choices=WIDTHS, default=list(WIDTHS))
    parser.add_argument("--condition", nargs="+", choices=CONDITIONS, default=["reacgan"])
    parser.add_argument("--precision", nargs="+", choices=DTYPES, default=["float32"], help="of the shipped form")
    parser.add_argument("--batch", type=int, metavar="N", help="images per batch (paper: 16, on a GPU 128)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, metavar="N", help="timed steps of each form, after one that is not")
    parser.add_argument("--quick", action="store_true", help="one step of one discriminator update and 2 images")
    parser.add_argument("--losses", type=int, metavar="STEPS", help="compare so many losses instead of speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows, one JSON object a line")
    args = parser.parse_args()
    if any(number is not None and number < least for number, least in _least(args)):
        raise WrongInput("--batch, --losses: expected at least 2; --steps, --threads: at least 1; give a larger number")
    torch.set_num_threads(args.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    image_set, rows = noise_images(_SEED), []
    for width in args.width:
        for condition in args.condition:
            options = _options(args, width, condition, device)
            if args.losses is None:
                repeats = _repeats(args, width, device)
                measured = compare(image_set, options, args.precision, repeats, device, args.threads)
            else:
                measured = compare_losses(image_set, options, args.precision, args.losses, device)
            circumstances = {"width": width, "condition": condition, "batch": options["batch_size"]}
            rows += [circumstances | row for row in measured]
    table, machine = pd.DataFrame(rows), _machine(device, args.threads)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(table.to_string(index=False, float_format="{:.3g}".format))
    if args.json:
        with replacing(args.json) as beside:
            table.assign(**machine).to_json(beside, orient="records", lines=True)


def _least(args):
    """Return (number, its least value): batch norm needs two images at 1x1, and a spread two losses."""
    return [(args.batch, 2), (args.losses, 2), (args.steps, 1), (args.threads, 1)]


def _machine(device, threads):
    name = torch.cuda.get_device_name() if device == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"device": device, "model": name, "threads": threads, "torch": torch.__version__}


if __name__ == "__main__":
    run_stage(main)
