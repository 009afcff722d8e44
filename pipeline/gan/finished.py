"""From a training to the generator that draws: averaged weights, spectral norm folded in, batch statistics fixed."""

import torch

from pipeline.gan.generators import build_generator
from pipeline.gan.spectral import fold_spectral_norm
from pipeline.gan.state import with_spectral_norm

CALIBRATION_BATCHES = 16


def finished_generator(training, batches, options):
    """Return the averaged generator as a plain module: spectral norm folded in, batch statistics fixed.

    The statistics are those of the averaged weights themselves, over addressed batches like the training's; the
    released code generates with running averages that its own averaging of weights lags behind.
    """
    generator = with_spectral_norm(build_generator(options["condition"], batches.num_classes, options))
    generator.to(batches.device).load_state_dict({**training.generator.state_dict(), **training.average})
    fold_spectral_norm(generator)
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    with torch.no_grad():
        for number in range(CALIBRATION_BATCHES):
            z, fake = batches.fake(number, "calibration")
            generator.train()(z, fake.condition)
    return generator.eval()
