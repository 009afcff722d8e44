"""What a form of the GAN step costs: operations, seconds, bytes, and the machine's own rate to compare with."""

import concurrent.futures
import multiprocessing
import re
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.bench.forms import TimedBatches, make_form, noise_images, synchronise
from pipeline.bench.plain import PlainDiscriminator, PlainGenerator
from pipeline.bench.plain_step import PlainTraining, plain_discriminator_loss, plain_generator_loss

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_COUNTED_BATCH = 2  # operations grow in proportion to the batch


def step_operations(options, image_set):
    """Return the floating-point operations of one plain step (2 per multiplication with addition), no memory used."""
    options = options | {"batch_size": _COUNTED_BATCH}
    batches = TimedBatches(image_set, options, "meta")
    with torch.device("meta"):
        networks = [
            network(options["condition"], batches.num_classes, options)
            for network in (PlainGenerator, PlainDiscriminator)
        ]
    training = PlainTraining(*networks, {}, None, None, turn_once=False, history=None)
    with FlopCounterMode(display=False) as of_discriminator:
        plain_discriminator_loss(training, batches, 0, 0, options)[0].backward()
    training.discriminator.requires_grad_(False)
    with FlopCounterMode(display=False) as of_generator:
        plain_generator_loss(training, batches, 0, options).backward()
    counted = options["discriminator_updates"] * of_discriminator.get_total_flops() + of_generator.get_total_flops()
    return counted / _COUNTED_BATCH


def large_product(precision, device):
    """Return (a function that multiplies two large square matrices, its operations).

    On a GPU convolutions of float32 numbers use TF32 unless told otherwise, and so does the product.
    """
    side = 8192 if torch.device(device).type == "cuda" else 2048
    a, b = torch.randn(2, side, side, device=device).to(DTYPES[precision])

    def multiply():
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
        a @ b
        torch.backends.cuda.matmul.allow_tf32 = before

    return multiply, 2 * side**3


def timed(run, device):
    """Return the seconds that run() takes, the device's work included."""
    synchronise(device)
    start = time.perf_counter()
    run()
    synchronise(device)
    return time.perf_counter() - start


def peak_memory(name, options, device, threads):
    """Return the most bytes that a training of this form ever holds, measured in a process of its own.

    On a CPU the resident set beyond that of a process with the libraries loaded; on a GPU what torch allocates there.
    """
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as child:
        return child.submit(_step_and_look, name, options, device, threads).result()


def _step_and_look(name, options, device, threads):
    torch.set_num_threads(threads)
    before = _resident("VmRSS")
    form = make_form(name, noise_images(options["seed"]), options, device)
    form.train(1, discriminator_updates=1)
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _resident("VmHWM") - before


def _resident(field):
    """Return bytes of this very process; getrusage would also remember the process it was started from."""
    return 1024 * int(re.search(rf"{field}:\s*(\d+) kB", Path("/proc/self/status").read_text())[1])
