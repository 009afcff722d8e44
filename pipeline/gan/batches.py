"""What each update of a training sees: every draw has an address (seed, purpose, step, update)."""

import copy
import functools
import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.chance import stream
from pipeline.gan.augment import draw_augmentation
from pipeline.gan.extra import WithExtra
from pipeline.gan.generators import IMAGE_SIZE
from pipeline.metrics.features import to_range
from pipeline.poses.render import pose_maps
from pipeline.poses.skeleton import flip_keypoints


@dataclass(frozen=True)
class Batch:
    """Images (B, 3, 64, 64) in [-1, 1] or None if not drawn yet; labels (B,); pose maps (B, M, 64, 64) or None."""

    images: torch.Tensor | None
    labels: torch.Tensor
    maps: torch.Tensor | None

    @property
    def condition(self):
        """What the generator is conditioned on: pose maps where there are some, else labels."""
        return self.labels if self.maps is None else self.maps


class TrainingBatches:
    """Real batches, and latents and conditions for generated ones, drawn from an ImageSet of 64x64 crops.

    step counts generator updates; update is the number of a discriminator update within the step, or "generator".
    Real batches run through one random order of the whole set after the other, across batch borders, so that every
    image is seen equally often at any batch size; the released code drops up to a batch of images.
    rows: the slice of every batch that is wanted; what is drawn does not depend on it.
    extra: ExtraImages that are drawn like those of the ImageSet, or None.
    """

    def __init__(self, image_set, options, device, rows=slice(None), extra=None):
        self.options, self.device, self.rows = options, device, rows
        self.num_classes = len(image_set.class_names)
        self.images = torch.tensor(image_set.images, device=device)
        self.labels = torch.tensor(image_set.labels, device=device)
        self.posed = options["condition"] != "reacgan"
        self.keypoints = torch.tensor(image_set.keypoints, device=device) if self.posed else None
        if extra is not None:
            self.images = WithExtra(self.images, extra)
            self.labels = torch.cat([self.labels, torch.tensor(extra.labels, device=device)])
            if self.posed:
                self.keypoints = torch.cat([self.keypoints, torch.tensor(extra.keypoints, device=device)])

    def __len__(self):
        return len(self.labels)

    def of_all_rows(self):
        """Return the same draws with all rows of every batch."""
        batches = copy.copy(self)
        batches.rows = slice(None)
        return batches

    def real(self, step, update):
        """Return a Batch of training images, each mirrored with its pose by a coin."""
        number = step * self.options["discriminator_updates"] + update
        size = self.options["batch_size"]
        positions = self.positions("order", number * size, size)
        mirrored = self._coins("mirror", step, update)
        images = to_range(self.images[positions])
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
        return Batch(images, self.labels[positions], self._maps(positions, mirrored))

    def like_real(self, number):
        """Return latents and a Batch without images whose labels and poses are as frequent as in the training set."""
        size = self.options["batch_size"]
        positions = self.positions("evaluation", number * size, size)
        mirrored = self._coins("mirror evaluation", number, 0)
        z = self._latents("evaluation latents", number, 0, size)
        return z, Batch(None, self.labels[positions], self._maps(positions, mirrored))

    def shown(self, count):
        """Return latents (count, z_dim) and a Batch without images: classes in turn, or training poses."""
        labels, positions = torch.arange(count) % self.num_classes, self.positions("shown", 0, count)
        mirrored = torch.zeros(count, dtype=torch.bool, device=self.device)
        z = self._latents("shown latents", 0, 0, count)
        return z, Batch(None, labels.to(self.device), self._maps(positions, mirrored))

    def fake(self, step, update):
        """Return latents (B, z_dim) and a Batch without images: uniform labels, poses drawn from the training set."""
        size = self.options["batch_size"]
        z = self._latents("latents", step, update, size)
        labels = self._stream("labels", step, update).integers(0, self.num_classes, size)
        positions = self._tensor(self._stream("poses", step, update).integers(0, len(self), size))
        maps = self._maps(positions, self._coins("mirror pose", step, update))
        return z, Batch(None, self._tensor(labels), maps)

    def augmentation(self, step, update, purpose):
        """Draw the augmentation of the "real" or "fake" batch of this update."""
        chance = self._stream("augment " + purpose, step, update)
        return draw_augmentation(chance, self.options["batch_size"], IMAGE_SIZE, self.rows)

    def positions(self, purpose, start, number):
        """Return positions (number,) of training images: a part of one random order of all of them after the other."""
        count, draws = len(self), np.arange(start, start + number)
        epochs, places = draws // count, draws % count
        orders = {epoch: _order(self.options["seed"], purpose, epoch, count) for epoch in np.unique(epochs)}
        return self._tensor(np.array([orders[epoch][place] for epoch, place in zip(epochs, places, strict=True)]))

    def _maps(self, positions, mirrored):
        if not self.posed:
            return None
        keypoints = self.keypoints[positions]
        # The released code mirrors images and never poses, so that half of its pairs contradict each other.
        if "unmirrored_pose" not in self.options["as_published"]:
            keypoints = torch.where(mirrored[:, None, None], flip_keypoints(keypoints, IMAGE_SIZE), keypoints)
        return condition_maps(keypoints, self.options)

    def _latents(self, purpose, step, update, count):
        shape = (count, self.options["z_dim"])
        return self._tensor(self._stream(purpose, step, update).standard_normal(shape, dtype=np.float32))

    def _coins(self, purpose, step, update):
        return self._tensor(self._stream(purpose, step, update).integers(0, 2, self.options["batch_size"])).bool()

    def _stream(self, purpose, step, update):
        return stream(self.options["seed"], "gan", purpose, step, update)

    def _tensor(self, array):
        return torch.from_numpy(array[self.rows]).to(self.device)


@functools.lru_cache(maxsize=4)
def _order(seed, purpose, epoch, count):
    return stream(seed, "gan", purpose, epoch).permutation(count)


def condition_maps(keypoints, options):
    """Return the pose maps (N, M, 64, 64) that a generator of these options sees of keypoints (N, 21, 2)."""
    as_density = "density_keypoints" in options["as_published"]
    return pose_maps(options["condition"], keypoints, IMAGE_SIZE, options["heatmap_sigma"], as_density)


def to_uint8(images):
    """Round images (B, 3, H, W) in [-1, 1] to uint8 (B, H, W, 3)."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def with_pose(image_set):
    """Return the images whose pose is known, in their order."""
    return image_set.select(np.flatnonzero(image_set.rows["keypoints"] != ""))


def fingerprint(image_set):
    """Return a hash of everything in an image set that a training can depend on."""
    parts = (image_set.images.tobytes(), image_set.labels.tobytes(), "\n".join(image_set.rows["keypoints"]).encode())
    return hashlib.sha256(b"\x1f".join((*parts, repr(list(image_set.class_names)).encode()))).hexdigest()
