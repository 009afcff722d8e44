"""Macro-recall and accuracy of every recipe and seed, in points, for test groups counted any number of times."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.stage import WrongInput

MEASURES = ("macro_recall", "accuracy")


class Counts(NamedTuple):
    """Hits (R, S, G, C) and images (G, C), float64, of R recipes, S seeds, G groups and C classes of one test set.

    Every class has an image. Recipes and seeds are sorted.
    """

    recipes: tuple
    seeds: tuple
    hits: np.ndarray
    images: np.ndarray


def count_hits(predictions):
    """Return Counts of {(recipe, seed): table}, tables as results/predictions/*.csv hold them.

    Raises WrongInput where a recipe lacks a seed or a table tells of other images than the first.
    """
    recipes, seeds = (tuple(sorted(names)) for names in map(set, zip(*predictions, strict=True)))
    tables = {cell: predictions[cell].sort_values("file_name") for cell in sorted(predictions)}
    first = next(iter(tables.values()))[["file_name", "group", "label"]]
    group, label = (pd.factorize(first[column], sort=True)[0] for column in ("group", "label"))
    shape = group.max() + 1, label.max() + 1
    cell_of = group * shape[1] + label
    hits = np.empty((len(recipes), len(seeds), *shape))
    for row, recipe in enumerate(recipes):
        for column, seed in enumerate(seeds):
            if (recipe, seed) not in tables:
                raise WrongInput(f"recipe {recipe!r} has no predictions of seed {seed}, others have; make them")
            table = tables[recipe, seed]
            _check_images(first, table, f"predictions of {recipe!r}, seed {seed}")
            right = table["label"].to_numpy() == table["predicted"].to_numpy()
            hits[row, column] = np.bincount(cell_of[right], minlength=shape[0] * shape[1]).reshape(shape)
    return Counts(
        recipes, seeds, hits, np.bincount(cell_of, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    )


def _check_images(first, table, place):
    if len(table) != len(first):
        raise WrongInput(f"{place}: {len(table)} images, expected {len(first)}; predict the same test set anew")
    for column in first:
        other = np.flatnonzero(first[column].to_numpy() != table[column].to_numpy())
        if len(other):
            found, expected = table[column].iloc[other[0]], first[column].iloc[other[0]]
            raise WrongInput(
                f"{place}, image {table['file_name'].iloc[other[0]]!r}, {column}: found {found!r}, expected {expected!r}"
                " as in other predictions; predict the same test set anew"
            )


def for_measure(counts, measure):
    """Return the Counts whose macro-recall is the measure: accuracy has all images in one class."""
    if measure == "macro_recall":
        return counts
    return counts._replace(hits=counts.hits.sum(3, keepdims=True), images=counts.images.sum(1, keepdims=True))


def weighted_macro_recall(counts, weights):
    """Return the macro-recall (W, R, S) in points, group g counted weights[w, g] times.

    The mean is over the classes that have an image left: one that drops out does so for every recipe and seed alike.
    NaN where none is left.
    """
    recipes, seeds, groups, classes = counts.hits.shape
    hits = weights @ counts.hits.transpose(2, 0, 1, 3).reshape(groups, -1)
    images = (weights @ counts.images)[:, None, None]
    recall = np.divide(
        hits.reshape(len(weights), recipes, seeds, classes),
        images,
        out=np.zeros((len(weights), recipes, seeds, classes)),
        where=images > 0,
    )
    left = (images > 0).sum(3)
    return 100 * np.divide(recall.sum(3), left, out=np.full(recall.shape[:3], np.nan), where=left > 0)
