"""The networks of pipeline.gan written as their description reads: eager, layer by layer, without any saving.

Upsampling or averaging and the convolution beside it are two operations, attention is a softmax, and every layer has
torch's own spectral norm, turned at each of its forwards. Layers bear the names of the shipped networks, so that
load_state_dict takes the shipped training networks' weights, u and v as they are (strict). Initial weights are
therefore none of its business.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import spectral_norm

from pipeline.poses.render import NUM_POSE_MAPS


def _conv(in_channels, out_channels, size, bias=True):
    return spectral_norm(nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=bias), eps=1e-6)


def _linear(in_features, out_features, bias=True):
    return spectral_norm(nn.Linear(in_features, out_features, bias=bias), eps=1e-6)


class PlainAttention(nn.Module):
    """x plus gate times attention over the 2x2 maxima, without a scale (Zhang et al. 2019)."""

    def __init__(self, channels):
        super().__init__()
        self.query = _conv(channels, channels // 8, 1, bias=False)
        self.key = _conv(channels, channels // 8, 1, bias=False)
        self.value = _conv(channels, channels // 2, 1, bias=False)
        self.out = _conv(channels // 2, channels, 1, bias=False)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        batch_size, _, height, width = x.shape
        query = self.query(x).flatten(2)
        key = F.max_pool2d(self.key(x), 2).flatten(2)
        value = F.max_pool2d(self.value(x), 2).flatten(2)
        weights = torch.softmax(torch.bmm(query.transpose(1, 2), key), dim=2)
        read = torch.bmm(value, weights.transpose(1, 2)).view(batch_size, -1, height, width)
        return x + self.gate * self.out(read)


class PlainConditionalBatchNorm(nn.Module):
    """BN(x) (1 + W_g y) + W_b y."""

    def __init__(self, channels, condition_dim):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-4, affine=False)
        self.gain = _linear(condition_dim, channels, bias=False)
        self.bias = _linear(condition_dim, channels, bias=False)

    def forward(self, x, y):
        gain, bias = self.gain(y)[:, :, None, None], self.bias(y)[:, :, None, None]
        return self.norm(x) * (1 + gain) + bias


class PlainSpade(nn.Module):
    """BN(x) (1 + gain) + bias, convolved from the pose maps, which each layer brings to its size (Section 2.3.2)."""

    def __init__(self, channels, num_maps, hidden, resize):
        super().__init__()
        self.resize = resize
        self.norm = nn.BatchNorm2d(channels, eps=1e-4, affine=False)
        self.shared = _conv(num_maps, hidden, 3)
        self.gain = _conv(hidden, channels, 3, bias=False)
        self.bias = _conv(hidden, channels, 3, bias=False)

    def forward(self, x, pose_maps):
        seen = F.relu(self.shared(F.interpolate(pose_maps, size=x.shape[2:], mode=self.resize)))
        return self.norm(x) * (1 + self.gain(seen)) + self.bias(seen)


class PlainGeneratorBlock(nn.Module):
    """Residual block that upsamples on both of its paths before it convolves."""

    def __init__(self, in_channels, out_channels, make_norm):
        super().__init__()
        self.norm1 = make_norm(in_channels)
        self.conv1 = _conv(in_channels, out_channels, 3)
        self.norm2 = make_norm(out_channels)
        self.conv2 = _conv(out_channels, out_channels, 3)
        self.skip = _conv(in_channels, out_channels, 1)

    def forward(self, x, condition):
        main = F.interpolate(F.relu(self.norm1(x, condition)), scale_factor=2, mode="nearest")
        main = F.relu(self.norm2(self.conv1(main), condition))
        return self.conv2(main) + self.skip(F.interpolate(x, scale_factor=2, mode="nearest"))


class PlainGenerator(nn.Module):
    """The generator of Figure 4 (labels) or Figure 5 (pose maps)."""

    def __init__(self, condition, num_classes, options):
        super().__init__()
        channels, self.posed = options["channels"], condition != "reacgan"
        if self.posed:
            start_dim, hidden = options["z_dim"], channels * 4 // 3
            resize = "nearest" if "nearest_pose" in options["as_published"] else "area"

            def make_norm(channels):
                return PlainSpade(channels, NUM_POSE_MAPS[condition], hidden, resize)
        else:
            start_dim = options["z_dim"] // 5
            self.shared = nn.Embedding(num_classes, options["shared_dim"])

            def make_norm(channels):
                return PlainConditionalBatchNorm(channels, options["shared_dim"] + start_dim)

        widths = [channels * multiple for multiple in (16, 8, 4, 2, 1)]
        self.start = _linear(start_dim, widths[0] * 4 * 4)
        self.blocks = nn.ModuleList(
            PlainGeneratorBlock(wide, narrow, make_norm) for wide, narrow in itertools.pairwise(widths)
        )
        self.attention = PlainAttention(widths[2])
        self.last_norm = nn.BatchNorm2d(channels, eps=1e-4)
        self.to_rgb = _conv(channels, 3, 3)

    def forward(self, z, condition):
        """Return images (B, 3, 64, 64) in [-1, 1] from z (B, z_dim) and labels (B,) or pose maps (B, M, 64, 64)."""
        if self.posed:
            start, conditions = z, [condition.contiguous()] * 4
        else:
            start, *chunks = z.chunk(5, dim=1)
            conditions = [torch.cat([self.shared(condition), chunk], dim=1) for chunk in chunks]
        x = self.start(start).view(len(z), -1, 4, 4)
        for number, (block, seen) in enumerate(zip(self.blocks, conditions, strict=True)):
            x = block(x, seen)
            if number == 1:
                x = self.attention(x)
        return torch.tanh(self.to_rgb(F.relu(self.last_norm(x))))


class PlainStem(nn.Module):
    """First block of the discriminator: no activation before its first convolution."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels, 3)
        self.conv2 = _conv(out_channels, out_channels, 3)
        self.skip = _conv(in_channels, out_channels, 1)

    def forward(self, x):
        main = F.avg_pool2d(self.conv2(F.relu(self.conv1(x))), 2)
        return main + self.skip(F.avg_pool2d(x, 2))


class PlainDiscriminatorBlock(nn.Module):
    """Residual block that convolves on both of its paths before it averages."""

    def __init__(self, in_channels, out_channels, downsample, relu_skip):
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels, 3)
        self.conv2 = _conv(out_channels, out_channels, 3)
        self.skip = _conv(in_channels, out_channels, 1)
        self.downsample, self.relu_skip = downsample, relu_skip

    def forward(self, x):
        # As published, the ReLU overwrites the block's input.
        active = F.relu(x, inplace=self.relu_skip)
        main, skipped = self.conv2(F.relu(self.conv1(active))), self.skip(x)
        if self.downsample:
            main, skipped = F.avg_pool2d(main, 2), F.avg_pool2d(skipped, 2)
        return main + skipped


class PlainDiscriminator(nn.Module):
    """The discriminator of Figure 4 (with proxies of the classes) or Figure 5 (seeing pose maps)."""

    def __init__(self, condition, num_classes, options):
        super().__init__()
        self.posed = condition != "reacgan"
        widths = [options["channels"] * multiple for multiple in (1, 2, 4, 8, 16)]
        self.stem = PlainStem(3 + NUM_POSE_MAPS[condition] if self.posed else 3, widths[0])
        self.attention = PlainAttention(widths[0])
        relu_skip = "relu_skip" in options["as_published"]
        self.blocks = nn.ModuleList(
            PlainDiscriminatorBlock(narrow, wide, narrow != widths[3], relu_skip)
            for narrow, wide in itertools.pairwise(widths)
        )
        self.adversarial = _linear(widths[-1], 1)
        if not self.posed:
            num_proxies = num_classes * (2 if "adc" in options["as_published"] else 1)
            self.embed = _linear(widths[-1], options["embed_dim"])
            self.proxy = spectral_norm(nn.Embedding(num_proxies, options["embed_dim"]), eps=1e-6)

    def forward(self, images, condition):
        """Return logits (B,), and for labels (B,) as condition also embeddings and proxies (B, embed_dim) of length 1.

        With pose maps as condition the latter are None.
        """
        x = torch.cat([images, condition], dim=1) if self.posed else images
        x = self.attention(self.stem(x.contiguous()))
        for block in self.blocks:
            x = block(x)
        features = F.relu(x).sum(dim=(2, 3))
        logits = self.adversarial(features).squeeze(1)
        if self.posed:
            return logits, None, None
        return logits, F.normalize(self.embed(features), dim=1), F.normalize(self.proxy(condition), dim=1)
