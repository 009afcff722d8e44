"""How artifacts are named: subsets, cells and makers.

A recipe names what trains a classifier, as paths carry it: `real`, `reacgan-pretrain`, `reacgan-filtered-mixup`,
`spade_bones_from_hagrid-regularization` (a generator trained on HaGRID, fed with the target's poses). A rival uses no
generated image: `balanced`, or `copies-pretrain`, with copies of the real images in place of generated ones.
"""

from pipeline.classify.budget import RIVALS

STRATEGIES = ("pretrain", "mixup", "regularization")
CONDITIONS = ("reacgan", "spade_keypoints", "spade_bones")
# What the generators are called in tables and sentences.
METHODS = dict(zip(CONDITIONS, ("ReACGAN", "SPADE-keypoints", "SPADE-bones"), strict=True))
COPIES = "copies"  # the maker of image sets that hold nothing new
COPIES_RECIPES = tuple(f"{COPIES}-{strategy}" for strategy in STRATEGIES)


def subset_name(dataset, size, seed):
    """Return the name of a subset, with which the names of all that is made from it begin."""
    return f"{dataset}-n{size}-s{seed}"


def size_in_words(size):
    """Return the size of a subset, as paths carry it, in words."""
    return "all training images" if size == "all" else f"{size} training images per class"


def generator_of(subset, maker):
    """Return (subset, condition) of the generator behind a maker, whose images are made for `subset`.

    A multi-source generator has seen all of its own data set.
    """
    dataset, size, seed = subset
    condition, elsewhere, origin = maker.partition("_from_")
    return ((origin, "all", seed) if elsewhere else (dataset, size, seed)), condition


def condition_of(name):
    """Return what a generator is conditioned on; its name may go on with a variant: `reacgan_lambda1`."""
    return next(condition for condition in CONDITIONS if name == condition or name.startswith(f"{condition}_"))


def cell_name(dataset, size, seed, recipe):
    """Return the name that a cell's files carry."""
    return f"{subset_name(dataset, size, seed)}-{recipe}"


def classifier_folder(cell):
    """Return the folder of a cell's classifier: those of real images alone are a rule of their own."""
    return "real_classifiers" if cell.endswith("-real") else "classifiers"


def strategy_of(recipe):
    """Return the training strategy of a recipe."""
    return recipe.rsplit("-", 1)[-1]


def maker_of(recipe):
    """Return (maker, filtered) of a recipe whose strategy uses a second image set; None for `real` and RIVALS."""
    if recipe == "real" or recipe in RIVALS:
        return None
    maker = recipe.rsplit("-", 1)[0]
    return maker.removesuffix("-filtered"), maker.endswith("-filtered")


def is_generated(recipe):
    """True for a recipe with images of a generator; copies of real images are none."""
    made = maker_of(recipe)
    return made is not None and made[0] != COPIES
