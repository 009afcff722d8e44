"""The two forms of the GAN step, made to be run in turn on the same draws: "plain" and "shipped"."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from pipeline.bench.plain_step import draw_plainly, plain_training, train_plainly
from pipeline.chance import stream
from pipeline.data.archive import ImageSet, keypoints_json
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.finished import finished_generator
from pipeline.gan.generators import IMAGE_SIZE
from pipeline.gan.state import new_training
from pipeline.gan.train import train
from pipeline.generate.sample import class_poses, draw_chunk

NUM_CLASSES = 39  # of RWTH in the paper; more than one batch of images of each are not needed
_IMAGES_PER_CLASS = 8
_MOST_STEPS = 10_000
_GENERATION = {"as_published": [], "seed": 0}


class TimedBatches(TrainingBatches):
    """TrainingBatches that adds up the seconds that its caller waits for draws."""

    waited = 0.0

    def real(self, *address):
        return self._timed(super().real, *address)

    def fake(self, *address):
        return self._timed(super().fake, *address)

    def augmentation(self, *address):
        return self._timed(super().augmentation, *address)

    def _timed(self, draw, *address):
        start = time.perf_counter()
        drawn = draw(*address)
        self.waited += time.perf_counter() - start
        return drawn


@dataclass
class Form:
    """A training in one form; `name` is "plain" or "shipped", training a PlainTraining or a Training."""

    name: str
    options: dict
    batches: TimedBatches
    training: Any

    def train(self, steps, discriminator_updates):
        """Go so many steps on."""
        options = self.options | {
            "steps": self.training.step + steps,
            "discriminator_updates": discriminator_updates,
        }
        train_in_form = train_plainly if self.name == "plain" else train
        train_in_form(self.training, self.batches, options, lambda: None)

    def drawer(self, target, labels):
        """Return a function that draws a full pass of images of each of these classes and returns how many it drew."""
        poses = None if self.options["condition"] == "reacgan" else class_poses(target)
        if self.name == "plain":
            generator = self.training.generator
            return lambda: sum(len(draw_plainly(generator, self.options, _GENERATION, poses, n)) for n in labels)
        generator = finished_generator(self.training, self.batches, self.options)
        own = {label: None if poses is None else poses[label] for label in labels}
        description = {"options": self.options}
        return lambda: sum(len(draw_chunk(generator, description, own[n], _GENERATION, n, 0)) for n in labels)


def make_form(name, image_set, options, device, turn_once=False):
    """Return a new Form; the weights depend on options["seed"] alone, not on its name."""
    options = options | {"steps": _MOST_STEPS}
    batches = TimedBatches(image_set, options, device)
    training = new_training(batches.num_classes, options, device)
    if name == "plain":
        training = plain_training(training, batches.num_classes, options, turn_once)
    return Form(name, options, batches, training)


def noise_images(seed):
    """Return an ImageSet of noise around a colour for each of NUM_CLASSES classes, each image with a random pose."""
    noise = stream(seed, "bench", "images")
    labels = np.repeat(np.arange(NUM_CLASSES), _IMAGES_PER_CLASS)
    colours = noise.integers(40, 216, (NUM_CLASSES, 1, 1, 3))[labels]
    images = (colours + noise.integers(-40, 40, (len(labels), IMAGE_SIZE, IMAGE_SIZE, 3))).astype(np.uint8)
    names = [f"class{label:02d}" for label in range(NUM_CLASSES)]
    poses = noise.uniform(8, IMAGE_SIZE - 8, (len(labels), 21, 2))
    rows = pd.DataFrame(
        {
            "file_name": [f"{names[label]}/{number}.png" for number, label in enumerate(labels)],
            "label": labels,
            "class": [names[label] for label in labels],
            "keypoints": [keypoints_json(pose) for pose in poses],
        }
    )
    return ImageSet(images, rows, names)


def synchronise(device):
    """Wait until the device has done all that it was told to."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
