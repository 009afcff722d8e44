"""The two generators of the paper (Figures 4 and 5) at 64x64: one residual backbone, conditioned on labels or poses.

Sizes are those of the released configuration at channels = 96; `channels` scales every width.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.gan.layers import (
    BATCH_NORM_EPS,
    ConditionalBatchNorm,
    GeneratorBlock,
    SelfAttention,
    Spade,
)
from pipeline.poses.render import NUM_POSE_MAPS

IMAGE_SIZE = 64
CONDITIONS = ("reacgan", *NUM_POSE_MAPS)
_START = 4  # side of the first feature map
_MULTIPLES = (16, 8, 4, 2, 1)
_ATTENTION_AFTER = 1  # the block that ends at 16x16


class Generator(nn.Module):
    """The backbone: a linear start, four blocks that double the size, attention at 16x16, tanh."""

    def __init__(self, start_dim, channels, make_norm):
        super().__init__()
        widths = [multiple * channels for multiple in _MULTIPLES]
        self.start = nn.Linear(start_dim, widths[0] * _START**2)
        self.blocks = nn.ModuleList(
            GeneratorBlock(wide, narrow, make_norm) for wide, narrow in itertools.pairwise(widths)
        )
        self.attention = SelfAttention(widths[_ATTENTION_AFTER + 1])
        self.last_norm = nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS)
        self.to_rgb = nn.Conv2d(channels, 3, 3, padding=1)

    def draw(self, start, conditions):
        """Return images (B, 3, 64, 64) in [-1, 1] from start (B, start_dim) and what each block is conditioned on."""
        x = self.start(start).unflatten(1, (-1, _START, _START)).contiguous(memory_format=torch.channels_last)
        for index, (block, condition) in enumerate(zip(self.blocks, conditions, strict=True)):
            x = block(x, condition)
            if index == _ATTENTION_AFTER:
                x = self.attention(x)
        return torch.tanh(self.to_rgb(F.relu(self.last_norm(x))))


class ReacganGenerator(Generator):
    """Images of labels (B,): a fifth of z starts the image, the others join the class embedding in each block."""

    def __init__(self, num_classes, options):
        self.num_chunks = len(_MULTIPLES)
        chunk = options["z_dim"] // self.num_chunks
        condition_dim = options["shared_dim"] + chunk
        super().__init__(chunk, options["channels"], lambda channels: ConditionalBatchNorm(channels, condition_dim))
        self.shared = nn.Embedding(num_classes, options["shared_dim"])

    def forward(self, z, labels):
        start, *chunks = z.chunk(self.num_chunks, dim=1)
        shared = self.shared(labels)
        return self.draw(start, [torch.cat([shared, chunk], dim=1) for chunk in chunks])


class SpadeGenerator(Generator):
    """Images of pose maps (B, num_maps, 64, 64), which every normalisation sees at its own size.

    The convolutions that read the maps have the paper's 128 channels at channels = 96 and shrink with it.
    """

    def __init__(self, num_maps, options):
        hidden = options["channels"] * 4 // 3
        super().__init__(options["z_dim"], options["channels"], lambda channels: Spade(channels, num_maps, hidden))
        self.nearest_pose = "nearest_pose" in options["as_published"]

    def forward(self, z, pose_maps):
        return self.draw(z, [self._pyramid(pose_maps)] * len(self.blocks))

    def _pyramid(self, pose_maps):
        """Return {size: pose maps of this size}, 4 to 64.

        The text does not say how poses are resized. The released code takes the nearest pixel, which loses most of
        a thin line at 4x4 and 8x8; here every pixel is the average of what it covers.
        """
        pose_maps = pose_maps.contiguous(memory_format=torch.channels_last)
        sizes = [_START * 2**level for level in range(len(_MULTIPLES))]
        if self.nearest_pose:
            return {size: F.interpolate(pose_maps, size=(size, size)) for size in sizes}
        return {size: F.avg_pool2d(pose_maps, IMAGE_SIZE // size) for size in sizes}


def build_generator(condition, num_classes, options):
    """Return the generator of "reacgan", "spade_keypoints" or "spade_bones", a plain module, its weights torch's own.

    It takes (z (B, z_dim), labels (B,) or pose maps (B, num_maps, 64, 64)).
    """
    if condition == "reacgan":
        generator = ReacganGenerator(num_classes, options)
    else:
        generator = SpadeGenerator(NUM_POSE_MAPS[condition], options)
    return generator.to(memory_format=torch.channels_last)
