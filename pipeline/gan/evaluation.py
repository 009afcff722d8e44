"""How good a generator is while it trains, judged against the images it learns from; no other image is looked at.

The released code chooses among its checkpoints by FID to the images that the classifiers are tested on.
"""

import torch

from pipeline.gan.batches import to_range, to_uint8
from pipeline.metrics.frechet import frechet_distance
from pipeline.metrics.lite0 import lite0_backbone

SAMPLE_COLUMNS = 16
_PASS = 64  # images per pass of the backbone
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
        self.batches = batches
        self.count = min(options["images"], len(batches))
        compared = options["features"] and self.count > 1
        self.backbone = lite0_backbone().to(batches.device) if compared else None
        real = batches.images[batches.positions("evaluation", 0, self.count)]
        self.real_spread, self.real_features = max(_spread(real), 1), self._features(real)

    def __call__(self, generator, between):
        """Return {"frechet", "spread"} of a finished generator; between() is called between two batches.

        frechet: NaN without features. spread: how much the images differ, as a share of how much real ones do.
        """
        images = []
        for number in range(-(-self.count // self.batches.options["batch_size"])):
            between()
            z, fake = self.batches.like_real(number)
            images.append(_drawn(generator, z, fake.condition))
        images = torch.cat(images)[: self.count]
        distance = frechet_distance(self.real_features, self._features(images)) if self.backbone else float("nan")
        return {"frechet": distance, "spread": _spread(images) / self.real_spread}

    def samples(self, generator):
        """Return images uint8 (SAMPLE_COLUMNS, 64, 64, 3) of latents and conditions that stay the same."""
        z, fake = self.batches.shown(SAMPLE_COLUMNS)
        return _drawn(generator, z, fake.condition).cpu()

    def poses(self):
        """Return the poses of the samples as pictures uint8 (SAMPLE_COLUMNS, 64, 64): the maximum over their maps."""
        maps = self.batches.shown(SAMPLE_COLUMNS)[1].maps
        return (maps.amax(dim=1) / maps.max() * 255).byte().cpu()

    @torch.no_grad()
    def _features(self, images):
        if self.backbone is None:
            return None
        return torch.cat([self.backbone(to_range(part)).cpu() for part in images.split(_PASS)])


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
