"""Image sets of clips: every clip a scene of its own, its frames alike but for noise and a pixel's move."""

import cv2
import numpy as np
import pandas as pd
import torch

from pipeline.data.archive import ImageSet


class Patches(torch.nn.Module):
    """A network of no weights worth the name: the means of 8x8 patches."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, images):
        features = 10 * torch.nn.functional.avg_pool2d(images, 8).flatten(1)
        return features, features[:, :1]


def scene(number, frame):
    """Return one frame uint8 (64, 64, 3) of a clip."""
    drawn = np.random.default_rng([number])
    coarse = cv2.resize(drawn.uniform(20, 220, (7, 7, 3)), (68, 68), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng([number, frame]).normal(0, 2, (64, 64, 3))
    left = 2 + frame % 2
    return np.clip(coarse[2:66, left : left + 64] + noise, 0, 255).astype(np.uint8)


def clip_set(clips, frames=3):
    """Return the ImageSet of clips (their numbers) with so many frames each; classes by turns."""
    pairs = [(clip, frame) for clip in clips for frame in range(frames)]
    names = [f"{clip:03d}-{frame}" for clip, frame in pairs]
    rows = pd.DataFrame(
        {
            "file_name": [f"{name}.png" for name in names],
            "label": [clip % 2 for clip, _ in pairs],
            "class": ["ab"[clip % 2] for clip, _ in pairs],
            "group": [f"clip{clip:03d}" for clip, _ in pairs],
            "keypoints": "",
            "name": names,
        }
    )
    return ImageSet(np.stack([scene(*pair) for pair in pairs]), rows, ["a", "b"])


def with_images(image_set, images):
    """Return a set with its first images replaced by these, their rows kept."""
    return ImageSet(np.concatenate([np.stack(images), image_set.images[len(images) :]]), image_set.rows, ["a", "b"])
