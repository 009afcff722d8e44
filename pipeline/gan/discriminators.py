"""The discriminator of the paper's Figures 4 and 5 at 64x64: with a class head (ReACGAN), or seeing poses (SPADE)."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.gan.layers import DiscriminatorBlock, DiscriminatorStem, SelfAttention
from pipeline.poses.render import NUM_POSE_MAPS


class Discriminator(nn.Module):
    """The backbone: image channels (B, in_channels, 64, 64) to features (B, 16 channels) and logits (B,)."""

    def __init__(self, in_channels, channels, relu_skip):
        super().__init__()
        widths = [multiple * channels for multiple in (1, 2, 4, 8, 16)]
        self.stem = DiscriminatorStem(in_channels, widths[0])
        self.attention = SelfAttention(widths[0])
        self.blocks = nn.ModuleList(
            DiscriminatorBlock(narrow, wide, downsample=wide != widths[-1], relu_skip=relu_skip)
            for narrow, wide in itertools.pairwise(widths)
        )
        self.adversarial = nn.Linear(widths[-1], 1)

    def features(self, x):
        x = self.attention(self.stem(x.contiguous(memory_format=torch.channels_last)))
        for block in self.blocks:
            x = block(x)
        return F.relu(x).sum(dim=(2, 3))


class ReacganDiscriminator(Discriminator):
    """Also places each image on the unit sphere, where the proxies of the classes live."""

    def __init__(self, num_classes, options):
        super().__init__(3, options["channels"], "relu_skip" in options["as_published"])
        # The released code's ADC doubles the classes: 2y for real, 2y + 1 for generated images of class y.
        num_proxies = 2 * num_classes if "adc" in options["as_published"] else num_classes
        self.embed = nn.Linear(self.adversarial.in_features, options["embed_dim"])
        self.proxy = nn.Embedding(num_proxies, options["embed_dim"])

    def forward(self, images):
        """Return logits (B,) and embeddings (B, embed_dim) of length 1."""
        features = self.features(images)
        return self.adversarial(features).squeeze(1), F.normalize(self.embed(features), dim=1)

    def proxies(self, labels):
        """Return the proxies (B, embed_dim) of these labels, of length 1."""
        return F.normalize(self.proxy(labels), dim=1)


class SpadeDiscriminator(Discriminator):
    """Sees the image and its pose maps side by side; there is no class head."""

    def __init__(self, num_maps, options):
        super().__init__(3 + num_maps, options["channels"], "relu_skip" in options["as_published"])

    def forward(self, images, pose_maps):
        """Return logits (B,)."""
        return self.adversarial(self.features(torch.cat([images, pose_maps], dim=1))).squeeze(1)


def build_discriminator(condition, num_classes, options):
    """Return the discriminator that belongs to this generator, a plain module, its weights torch's own."""
    if condition == "reacgan":
        discriminator = ReacganDiscriminator(num_classes, options)
    else:
        discriminator = SpadeDiscriminator(NUM_POSE_MAPS[condition], options)
    return discriminator.to(memory_format=torch.channels_last)
