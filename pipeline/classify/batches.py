"""From stored images to batches: what a network sees in training, and in evaluation."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn.functional import interpolate

from pipeline.budget import num_batches
from pipeline.chance import stream
from pipeline.classify.rivals import balanced_order


class Batch(NamedTuple):
    """Images float32 (B, 3, H, W) in [-1, 1] and labels int64 (B,)."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class Samples:
    """A whole set on its device: images uint8 (N, H, W, 3), a quarter of the size of floats; labels int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)


def to_samples(image_set, device):
    """Return the Samples of an ImageSet."""
    return Samples(torch.tensor(image_set.images, device=device), torch.tensor(image_set.labels, device=device))


def to_input(images, image_size):
    """Scale uint8 (B, H, W, 3) to float32 (B, 3, image_size, image_size) in [-1, 1], in channels-last order."""
    scaled = images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    if scaled.shape[-2:] == (image_size, image_size):
        return scaled
    return interpolate(scaled, (image_size, image_size), mode="bilinear", antialias=True)


def as_stored(images, image_size):
    """Return uint8 (B, H, W, 3) as float32 (B, 3, H, W) of 0 to 255, as the released code scores generated images."""
    return to_input(images, image_size).add_(1).mul_(127.5)


def take(samples, positions, flips, image_size, change=None):
    """Return the Batch at these positions, mirrored left to right where flips (B,) bool says so.

    change(images, positions), where it is given, alters the uint8 images before.
    """
    places = torch.from_numpy(positions).to(samples.labels.device)
    images = samples.images[places]
    if change is not None:
        images = change(images, positions)
    return Batch(to_input(_mirrored(images, flips), image_size), samples.labels[places])


def _mirrored(images, flips):
    flips = torch.from_numpy(flips).to(images.device)
    return torch.where(flips[:, None, None, None], images.flip(2), images)


def coins(count, *address):
    """Return which of `count` images are mirrored, (count,) bool: half of them, as the address has it."""
    return stream(*address).random(count) < 0.5


def epoch_batches(count, batch_size, *address, drop_last=False):
    """Return one epoch as a list of (positions, flips): every image once, in an order that the address alone sets.

    The last batch may be smaller; drop_last leaves it out, as the released code does. A single image left over joins
    the batch before it, because batch normalisation learns nothing from one image. A flip belongs to the image, not to
    its place.
    """
    random = stream(*address)
    order, flips = random.permutation(count), random.random(count) < 0.5
    if drop_last:
        order = order[: count // batch_size * batch_size]
    return _cut(order, flips[order], batch_size)


def balanced_batches(labels, batch_size, *address):
    """Return one epoch as epoch_batches does, of as many draws from labels (N,), balanced as balanced_order draws them.

    An image that comes several times is mirrored or not each time anew.
    """
    random = stream(*address)
    order = balanced_order(labels, random)
    return _cut(order, random.random(len(order)) < 0.5, batch_size)


def _cut(order, flips, batch_size):
    starts = [batch_size * number for number in range(num_batches(len(order), batch_size))]
    ends = [*starts[1:], len(order)][: len(starts)]
    return [(order[start:end], flips[start:end]) for start, end in zip(starts, ends, strict=True)]


def draw(samples, count, image_size, random):
    """Return a Batch of `count` random samples, mirrored at random; none comes twice unless there are too few."""
    positions = random.choice(len(samples), count, replace=count > len(samples))
    return take(samples, positions, random.random(count) < 0.5, image_size)


@torch.inference_mode()
def predict(model, images, batch_size, image_size, flips=None, prepare=to_input):
    """Return logits (N, K) float32 on the CPU for uint8 images (N, H, W, 3): each once, in order.

    None is mirrored, unless flips (N,) bool says so; prepare(images, image_size) makes them what the model sees.
    """
    model.eval()
    device = next(model.parameters()).device
    images = images if flips is None else _mirrored(images, flips)
    batches = (images[start : start + batch_size].to(device) for start in range(0, len(images), batch_size))
    return torch.cat([model(prepare(batch, image_size)).float().cpu() for batch in batches])
