"""How good a generator is while it trains, judged against the images it learns from; no other image is looked at.

The released code chooses among its checkpoints by FID to the images that the classifiers are tested on; with
`test_reference` the batches are of these.
"""

import functools
import math

import torch

from pipeline.gan.batches import to_uint8
from pipeline.metrics.features import described
from pipeline.metrics.frechet import frechet_distance
from pipeline.metrics.lite0 import Lite0Network

SAMPLE_COLUMNS = 16
# Of the spread of real images: below, the generator draws the same image whatever it is asked for.
_CONSTANT = 0.05
# The hinge loss of a discriminator that errs on nothing is 0; one that learns something has 0.5 to 2.
_BLIND = 0.01


class Evaluation:
    """Scores generators of one training; draws are addressed, so every one is asked for the same images.

    options: "features" names the backbone behind the Fréchet distance ("lite0", or None for none), "images" says how
    many images are compared, at most (all of a smaller training set).
    """

    def __init__(self, batches, options):
        self.batches, self.features = batches, options["features"]
        self.count = min(options["images"], len(batches))
        self._known_features = None

    def __call__(self, generator, between):
        """Return {"frechet", "spread"} of a finished generator; between() is called between two batches.

        frechet: NaN without features or with a single image. spread: how much the images differ, as a share of how much
        real ones do.
        """
        images = []
        for number in range(-(-self.count // self.batches.options["batch_size"])):
            between()
            z, fake = self.batches.like_real(number)
            images.append(_drawn(generator, z, fake.condition))
        images, real = torch.cat(images)[: self.count], self.real_images
        spread = _spread(images) / max(_spread(real), 1)
        if self.features is None or self.count < 2:
            return {"frechet": math.nan, "spread": spread}
        drawn, expected = self._features_of(images, between), self._real_features(between)
        return {"frechet": frechet_distance(expected, drawn), "spread": spread}

    def samples(self, generator):
        """Return images uint8 (SAMPLE_COLUMNS, 64, 64, 3) of latents and conditions that stay the same."""
        z, fake = self.batches.shown(SAMPLE_COLUMNS)
        return _drawn(generator, z, fake.condition).cpu()

    def poses(self):
        """Return the poses of the samples as pictures uint8 (SAMPLE_COLUMNS, 64, 64): the maximum over their maps."""
        maps = self.batches.shown(SAMPLE_COLUMNS)[1].maps
        return (maps.amax(dim=1) / maps.max() * 255).byte().cpu()

    @property
    def real_images(self):
        """The real images that are compared, uint8 (count, 64, 64, 3)."""
        return self.batches.images[self.batches.positions("evaluation", 0, self.count)]

    def _real_features(self, between):
        if self._known_features is None:
            self._known_features = self._features_of(self.real_images, between)
        return self._known_features

    @functools.cached_property
    def _network(self):
        return Lite0Network().to(self.batches.device)

    def _features_of(self, images, between):
        return described(images, self._network, between).features


@torch.no_grad()
def _drawn(generator, z, condition):
    return to_uint8(generator(z, condition))


def _spread(images):
    """Return the standard deviation over images, in grey levels, as the mean over pixels and colours."""
    return images.float().std(dim=0, correction=0).mean().item()


def collapse(evaluation):
    """Return what is wrong with a generator of these scores and mean losses, in a few words, or ""."""
    if evaluation["spread"] < _CONSTANT:
        return "constant output"
    if evaluation["hinge_d"] < _BLIND:
        return "discriminator at zero loss"
    return ""
