"""How long a classifier learns: rivals of generated images get the updates that PRETRAIN has.

No torch here: every dry run asks.
"""

# Ways to train on real images alone: longer, and the usual remedies for imbalance.
RIVALS = ("longer", "weighted", "balanced", "logit_adjusted", "deferred", "real_mixup", "augmented")


def num_batches(images, batch_size):
    """Return the batches of an epoch: the last may be smaller, but a single image joins the batch before it."""
    return -(-images // batch_size) - (images > batch_size and images % batch_size == 1)


def num_epochs(options, images, num_classes):
    """Return the epochs on so many real images, for a rival whole epochs with no fewer updates than PRETRAIN has."""
    if options["strategy"] not in RIVALS:
        return options["epochs"]
    generated = options["images_per_class"] * num_classes
    pretraining = options["pretrain_epochs"] * num_batches(generated, options["batch_size"])
    return options["epochs"] + -(-pretraining // num_batches(images, options["batch_size"]))
