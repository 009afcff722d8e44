"""What may be done about imbalance without generated images: losses that weigh or shift classes, and augmentation."""

import contextlib
import functools

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from pipeline.chance import seed_of

BETA = 0.9999  # of Cui et al. 2019, and of Cao et al. 2019
DEFERRED_FROM = 0.8  # of the epochs: 160 of 200 in Cao et al. 2019
TAU = 1.0  # of Menon et al. 2021, where adjusted logits are consistent for the mean recall


def class_counts(labels, num_classes):
    """Return the images of each class (num_classes,) float64, on the device of labels (N,) int64."""
    return torch.bincount(labels, minlength=num_classes).double()


def criterion_of(strategy, counts, share):
    """Return loss(logits (B, K), labels (B,)) that a strategy learns by, with this share of its epochs behind it.

    counts: images that train, by class. share: in (0, 1], the epoch itself included.
    """
    if strategy == "weighted":
        return weighted_loss(class_weights(1 / counts, counts))
    if strategy == "logit_adjusted":
        return adjusted_loss(counts)
    if strategy == "deferred" and share > DEFERRED_FROM:
        return weighted_loss(effective_weights(counts))
    return cross_entropy


def val_criterion_of(strategy, counts):
    """Return the loss that judges every epoch on validation images: the one that the strategy ends with.

    Validation images are as unbalanced as those that train. Plain cross-entropy would choose the epochs in which a
    remedy has done least, of `deferred` never one after its turn. Balanced sampling is weighing by inverse frequency.
    """
    return criterion_of("weighted" if strategy == "balanced" else strategy, counts, 1)


def class_weights(weights, counts):
    """Return weights (K,) float32 in proportion to those given, their mean over the training images 1.

    So an epoch's steps are as large as without weights. A class without an image has no part in it, and weight 0.
    """
    weights = torch.where(counts > 0, weights, 0)
    return (weights * counts.sum() / (weights * counts).sum()).float()


def effective_weights(counts):
    """Return class weights by the effective number of images, (1 - β^n) / (1 - β) (Cui et al. 2019, Equation 2)."""
    return class_weights((1 - BETA) / (1 - BETA**counts), counts)


def weighted_loss(weights):
    """Return the loss: the mean over images of cross-entropy times the weight of the image's class.

    torch's own weighted mean divides by the weights in the batch, so that a batch of common classes would count double.
    """

    def loss(logits, labels):
        return (weights[labels] * cross_entropy(logits, labels, reduction="none")).mean()

    return loss


def adjusted_loss(counts):
    """Return cross-entropy of logits + τ log prior (Menon et al. 2021, Equation 10), prior the share of each class.

    The network's own logits, which predict, are then those of balanced classes. A class without an image is shut out.
    """
    shift = (TAU * (counts / counts.sum()).log()).float()

    def loss(logits, labels):
        return cross_entropy(logits + shift, labels)

    return loss


def balanced_order(labels, random):
    """Return positions (N,): N draws, each of a class drawn uniformly of those in labels (N,), its images in rotation.

    random: a numpy Generator, which also draws the order of the rotation.
    """
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = random.integers(len(classes), size=len(labels))
    order = np.empty(len(labels), np.int64)
    for number, own in enumerate(classes):
        places = drawn == number
        order[places] = np.resize(random.permutation(own), places.sum())
    return order


def augment(images, positions, *address):
    """Return uint8 images (B, H, W, 3), each changed by TrivialAugmentWide (Müller and Hutter 2021).

    What is done to an image follows from the address and its position in the set, whatever batch it is in.
    """
    change = _trivial_augment()
    changed = torch.empty_like(images)
    with _own_draws() as seed:
        for number, position in enumerate(positions):
            seed(seed_of(*address, position))
            changed[number] = change(images[number].permute(2, 0, 1)).permute(1, 2, 0)
    return changed


@functools.cache
def _trivial_augment():
    from torchvision.transforms import TrivialAugmentWide  # a second: only for those who augment

    return TrivialAugmentWide()


@contextlib.contextmanager
def _own_draws():
    """Yield a function that seeds torch's generator of the CPU; put it back in the end, for dropout draws from it."""
    before = torch.get_rng_state()
    try:
        yield torch.default_generator.manual_seed
    finally:
        torch.set_rng_state(before)
