"""How artifacts are named: subsets, cells and makers.

A recipe names what trains a classifier, as paths carry it: `real`, `reacgan-pretrain`, `reacgan-filtered-mixup`,
`spade_bones_from_hagrid-regularization` (a generator trained on HaGRID, fed with the target's poses).
"""

STRATEGIES = ("pretrain", "mixup", "regularization")
CONDITIONS = ("reacgan", "spade_keypoints", "spade_bones")


def subset_name(dataset, size, seed):
    """Return the name of a subset, with which the names of all that is made from it begin."""
    return f"{dataset}-n{size}-s{seed}"


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
    """Return (maker, filtered) of a recipe whose strategy uses generated images; None for `real`."""
    if recipe == "real":
        return None
    maker = recipe.rsplit("-", 1)[0]
    return maker.removesuffix("-filtered"), maker.endswith("-filtered")
