"""Image sets that a tiny network learns in seconds: one solid colour per class."""

import colorsys

import numpy as np
import pandas as pd

from pipeline.data.archive import ImageSet

OPTIONS = {
    "backbone": "test_efficientnet",
    "weights": "none",
    "image_size": 32,
    "batch_size": 8,
    "epochs": 2,
    "pretrain_epochs": 1,
    "images_per_class": 5,
    "lr": 2e-3,
    "betas": [0, 0.999],
    "eps": 1e-6,
    "strategies": {
        "regularization": {"growing": False, "alpha": 0.5, "beta": 0.04},
        "mixup": {"growing": True, "alpha": 0.0, "beta": 0.04, "beta_distribution": 5.0},
    },
    "seed": 0,
    "as_published": [],
}


def solid_colours(per_class, num_classes=3, seed=0, size=32):
    """Return an ImageSet with per_class noisy images of each class, each class a hue of its own."""
    random = np.random.default_rng(seed)
    hues = [np.array(colorsys.hsv_to_rgb(c / num_classes, 0.9, 0.8)) * 255 for c in range(num_classes)]
    labels = np.tile(np.arange(num_classes), per_class)
    noise = random.normal(0, 12, (len(labels), size, size, 3))
    images = np.clip(np.array(hues)[labels][:, None, None] + noise, 0, 255).astype(np.uint8)
    class_names = [str(c) for c in range(num_classes)]
    names = [class_names[c] for c in labels]
    rows = pd.DataFrame(
        {
            "file_name": [f"{name}/{i:06d}.png" for i, name in enumerate(names)],
            "label": labels,
            "class": names,
            "group": [f"clip{i % 4}" for i in range(len(labels))],
            "keypoints": "",
        }
    )
    return ImageSet(images, rows, class_names)
