"""Test sets and predictions drawn from a model whose true macro-recalls are known.

An image is recognised where a sum of normal effects is positive: of its group (a clip is hard for all), of the image,
of group and recipe, of image and recipe, of recipe and seed (a training succeeds), of all three, and of chance.
A probit of normal effects has the mean that its threshold was made for, so the recall of each class is exact.
"""

import numpy as np
from scipy.special import ndtri

from pipeline.verdict.measures import counts_of

EFFECTS = {"group": 0.7, "image": 0.7, "group_recipe": 0.25, "image_recipe": 0.3, "training": 0.05, "interplay": 0.3}


def long_tail(draw, groups, classes, frames):
    """Return group and class (N,) of clips of one class each and about `frames` images; each class has a clip."""
    share = np.arange(1, classes + 1) ** -1.2
    clips = 1 + draw.multinomial(groups - classes, share / share.sum())
    sizes = 1 + draw.poisson(frames - 1, groups)
    return np.repeat(np.arange(groups), sizes), np.repeat(np.repeat(np.arange(classes), clips), sizes)


def predict(draw, group, label, recalls, seeds, training=EFFECTS["training"]):
    """Return Counts of recipes whose true recalls (R, C) are given, named by their numbers.

    training: sd of the effect of recipe and seed.
    """
    effects = EFFECTS | {"training": training}
    recipes, images, groups = len(recalls), len(label), group.max() + 1

    def normal(name, *shape):
        return effects[name] * draw.standard_normal(shape)

    total = np.sqrt(1 + sum(sd**2 for sd in effects.values()))
    fixed = ndtri(recalls)[:, label] * total + normal("group", groups)[group] + normal("image", images)
    fixed = fixed + normal("group_recipe", recipes, groups)[:, group] + normal("image_recipe", recipes, images)
    by_seed = normal("training", recipes, seeds, 1) + normal("interplay", recipes, seeds, groups)[:, :, group]
    noise = draw.standard_normal((recipes, seeds, images), dtype=np.float32)
    return counted(fixed[:, None] + by_seed + noise > 0, group, label)


def counted(right, group, label):
    """Return Counts of hits (R, S, N), with numbers for names."""
    recipes, seeds, _ = right.shape
    shape = group.max() + 1, label.max() + 1
    place = group * shape[1] + label
    cells, trials = shape[0] * shape[1], recipes * seeds
    places = np.arange(trials)[:, None] * cells + place
    hits = np.bincount(places.ravel(), weights=right.ravel(), minlength=trials * cells).reshape(recipes, seeds, *shape)
    found = np.bincount(place, minlength=cells).reshape(shape).astype(float)
    return counts_of(tuple(range(recipes)), tuple(range(seeds)), hits, found)
