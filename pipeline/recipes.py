"""How artifacts are named: subsets, cells, makers and variants.

A recipe names what trains a classifier, as paths carry it: `real`, `reacgan-pretrain`, `reacgan-filtered-mixup`,
`spade_bones_from_hagrid-regularization` (a generator trained on HaGRID, fed with the target's poses). A rival uses no
generated image: `balanced`, or `copies-pretrain`, with copies of the real images in place of generated ones.

Two underscores and the name of a variant follow the part of a name whose stage does something as the released code
does: `all__unstratified` (a size), `spade_bones__test_poses` (generator or images), `filtered__inverted` (scores or
filter), `pretrain__permuted_labels` (classifier). What a part does not concern it does not carry, and so shares.
"""

STRATEGIES = ("pretrain", "mixup", "regularization")
CONDITIONS = ("reacgan", "spade_keypoints", "spade_bones")
# What the generators are called in tables and sentences.
METHODS = dict(zip(CONDITIONS, ("ReACGAN", "SPADE-keypoints", "SPADE-bones"), strict=True))
COPIES = "copies"  # the maker of image sets that hold nothing new
COPIES_RECIPES = tuple(f"{COPIES}-{strategy}" for strategy in STRATEGIES)

# What the released code does otherwise than the text or than makes sense, each under the stage that does it.
SWITCHES = {
    "subsets": ("unstratified_subsets",),
    "own_subsets": ("independent_subsets",),
    "generators": (
        "adc",
        "d2dce_shift",
        "density_keypoints",
        "nearest_pose",
        "relu_skip",
        "test_reference",
        "unmirrored_pose",
        "unmoved_pose",
    ),
    "images": ("truncation", "test_poses"),
    "scores": ("unscaled_scores", "permuted_scores"),
    "filtered": ("inverted_filter",),
    "classifiers": (
        "permuted_labels",
        "thousand_outputs",
        "mixup_everywhere",
        "dropped_last_batch",
        "test_flips",
        "no_imagenet",
        "default_weight",
    ),
}
_VARIANT, _OWN = "__", "__generator"


def subset_name(dataset, size, seed):
    """Return the name of a subset, with which the names of all that is made from it begin."""
    return f"{dataset}-n{size}-s{seed}"


def ordered(sizes):
    """Return sizes of subsets, numbers or texts, as paths carry them: from small to "all"."""
    return [str(size) for size in sorted(sizes, key=lambda size: float("inf") if size == "all" else int(size))]


def size_in_words(size):
    """Return the size of a subset, as paths carry it, in words."""
    return "all training images" if size == "all" else f"{size} training images per class"


def split_variant(part):
    """Return (name, variant) of a part of a name; without a variant it is ""."""
    name, _, variant = part.partition(_VARIANT)
    return name, variant


def owned(switches, *stages):
    """Return those of the switches that belong to these stages, in the order of SWITCHES."""
    return [switch for stage in stages for switch in SWITCHES[stage] if switch in switches]


def with_variant(part, variant, switches, *stages):
    """Return a part of a name, followed by the variant if one of its switches belongs to these stages."""
    return part + _VARIANT + variant if owned(switches, *stages) else part


def varied(size, recipe, variant, switches):
    """Return (size, recipe) of the cell in which each stage does what the variant's switches say of it."""
    *made, strategy = recipe.split("-")
    parts = [with_variant(strategy, variant, switches, "classifiers")]
    if "filtered" in made:
        parts.insert(0, with_variant("filtered", variant, switches, "scores", "filtered"))
    if made:
        parts.insert(0, with_variant(made[0], variant, switches, "own_subsets", "generators", "images"))
    return with_variant(size, variant, switches, "subsets"), "-".join(parts)


def own_size(size):
    """Return the size of a subset that a generator draws for itself (`independent_subsets`): `all__generator`."""
    return size + _OWN


def is_own(size):
    """Tell whether a subset of this size is a generator's own."""
    return size.endswith(_OWN)


def split_size(size):
    """Return (size, variant) of a subset's size: the first as params.yaml has it."""
    return split_variant(size.removesuffix(_OWN))


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
    return split_variant(recipe.rsplit("-", 1)[-1])[0]


def maker_of(recipe):
    """Return (maker, filtered) of a recipe whose strategy uses a second image set; None for `real` and RIVALS."""
    if "-" not in recipe:
        return None
    maker, *filters = recipe.split("-")[:-1]
    return maker, bool(filters)


def is_generated(recipe):
    """True for a recipe with images of a generator; copies of real images are none."""
    made = maker_of(recipe)
    return made is not None and made[0] != COPIES


def is_filtered(recipe):
    """True for a recipe with the best of a generator's images."""
    made = maker_of(recipe)
    return made is not None and made[1]


def kept_of(recipe):
    """Return the name of a filtered recipe's images: their maker, followed by the filter where it is a variant."""
    return recipe.rsplit("-", 1)[0].removesuffix("-filtered")


def split_kept(kept):
    """Return (maker, variant of the filter) of the name of filtered images."""
    maker, _, filtered = kept.partition("-")
    return maker, split_variant(filtered)[1]
