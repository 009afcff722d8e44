"""Macro-recall and accuracy of every recipe and seed, in points, for test groups counted any number of times."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.stage import WrongInput

MEASURES = ("macro_recall", "accuracy")


class Counts(NamedTuple):
    """Hits (R, S, G, C) and images (G, C), float64, of R recipes, S seeds, G groups and C classes of one test set.

    Recipes, seeds, groups and classes are sorted; every group and every class has an image. cells: the part of the
    measure that the images of one group and one class are, of all such that there are.
    """

    recipes: tuple
    seeds: tuple
    hits: np.ndarray
    images: np.ndarray
    cells: np.ndarray


def count_hits(predictions):
    """Return Counts of {(recipe, seed): table}, tables as results/predictions/*.csv hold them.

    Raises WrongInput where a recipe lacks a seed or a table tells of other images than the first.
    """
    recipes, seeds = (tuple(sorted(names)) for names in map(set, zip(*predictions, strict=True)))
    tables = {(recipe, seed): _table(predictions, recipe, seed) for recipe in recipes for seed in seeds}
    images = tables[recipes[0], seeds[0]][["file_name", "group", "label"]]
    for cell, table in tables.items():
        _check_images(images, table, "predictions of {!r}, seed {}".format(*cell))
    groups, classes = (pd.factorize(images[column], sort=True) for column in ("group", "label"))
    shape = len(groups[1]), len(classes[1])
    place = groups[0] * shape[1] + classes[0]
    right = [(table["label"] == table["predicted"]).to_numpy() for table in tables.values()]
    hits = np.stack([np.bincount(place, weights=own, minlength=shape[0] * shape[1]) for own in right])
    counted = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    return counts_of(recipes, seeds, hits.reshape(len(recipes), len(seeds), *shape), counted.astype(float))


def counts_of(recipes, seeds, hits, images):
    """Return the Counts whose measure is macro-recall."""
    return Counts(recipes, seeds, hits, images, (images / images.sum(0) / images.shape[1])[images > 0])


def _table(predictions, recipe, seed):
    if (recipe, seed) not in predictions:
        raise WrongInput(f"recipe {recipe!r} has no predictions of seed {seed}, expected as others have; make them")
    return predictions[recipe, seed].sort_values("file_name", ignore_index=True)


def _check_images(images, table, place):
    remedy = "as in other predictions; predict the same test images anew"
    if len(table) != len(images):
        raise WrongInput(f"{place}: found {len(table)} images, expected {len(images)} {remedy}")
    for column in images:
        differ = np.flatnonzero(images[column] != table[column])
        if len(differ):
            found, expected = table.loc[differ[0]], images.loc[differ[0]]
            where = f"{place}, image {found['file_name']!r}, {column}"
            raise WrongInput(f"{where}: found {found[column]}, expected {expected[column]} {remedy}")


def for_measure(counts, measure):
    """Return the Counts whose macro-recall is the measure: for accuracy, all images are of one class."""
    if measure == "macro_recall":
        return counts
    return counts._replace(
        hits=counts.hits.sum(3, keepdims=True),
        images=counts.images.sum(1, keepdims=True),
        cells=(counts.images / counts.images.sum())[counts.images > 0],
    )


def weighted_macro_recall(counts, weights):
    """Return the macro-recall (W, R, S) in points, where group g counts weights[w, g] times.

    The mean is over the classes that have an image left, for every recipe and seed the same; NaN where none has.
    """
    recipes, seeds, groups, classes = counts.hits.shape
    hits = (weights @ counts.hits.transpose(2, 0, 1, 3).reshape(groups, -1)).reshape(-1, recipes, seeds, classes)
    images = (weights @ counts.images)[:, None, None]
    recall = np.divide(hits, images, out=np.zeros_like(hits), where=images > 0)
    left = np.broadcast_to((images > 0).sum(3), hits.shape[:3])
    return 100 * np.divide(recall.sum(3), left, out=np.full(left.shape, np.nan), where=left > 0)
