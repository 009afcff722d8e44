"""A generator training small enough for tests, on solid colours that stand for classes."""

import dataclasses

import numpy as np
import pandas as pd
import torch

from pipeline.data.archive import ImageSet, keypoints_json
from pipeline.gan.batches import TrainingBatches

torch.set_num_threads(1)  # many small operations: more threads only wait for each other

OPTIONS = {
    "channels": 8,
    "z_dim": 20,
    "shared_dim": 8,
    "embed_dim": 16,
    "batch_size": 4,
    "steps": 2,
    "lr": 2.83e-4,
    "betas": [0.5, 0.999],
    "eps": 1e-6,
    "discriminator_updates": 1,
    "lambda_cond": 0.5,
    "margin": 0.98,
    "temperature": 0.5,
    "ema_decay": 0.9,
    "ema_start": 1,
    "checkpoint_every": 1,
    "evaluation": {"every": 100, "images": 8, "features": None},
    "precision": "float32",
    "heatmap_sigma": 2.0,
    "as_published": [],
    "condition": "reacgan",
    "seed": 0,
}
ALL_CONDITIONS = ("reacgan", "spade_keypoints", "spade_bones")


def colour_set(per_class=3, colours=((220, 40, 40), (40, 40, 220))):
    """Return an ImageSet of solid 64x64 images, one colour per class, every image with a random pose."""
    noise = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(colours)), per_class)
    images = np.broadcast_to(np.array(colours, np.uint8)[labels][:, None, None], (len(labels), 64, 64, 3)).copy()
    names = [f"colour{label}" for label in range(len(colours))]
    rows = pd.DataFrame(
        {
            "file_name": [f"{names[label]}/{number}.png" for number, label in enumerate(labels)],
            "label": labels,
            "class": [names[label] for label in labels],
            "group": "",
            "keypoints": [keypoints_json(noise.uniform(8, 56, (21, 2))) for _ in labels],
        }
    )
    return ImageSet(images, rows, names)


class DoubleBatches(TrainingBatches):
    """The same draws in float64."""

    def real(self, step, update):
        return doubled(super().real(step, update))

    def fake(self, step, update):
        z, batch = super().fake(step, update)
        return z.double(), doubled(batch)

    def augmentation(self, step, update, purpose):
        return doubled(super().augmentation(step, update, purpose))


def doubled(draw):
    parts = {name: part.double() for name, part in vars(draw).items() if part is not None and part.is_floating_point()}
    return dataclasses.replace(draw, **parts)
