"""How generated images take part in training: the losses of Table 2, and those of rivals that are built like them."""

import math

import torch
from torch.nn.functional import cross_entropy

from pipeline.classify.batches import Batch, draw

STRATEGIES = ("real", "pretrain", "regularization", "mixup")
_MIXING = ("regularization", "mixup", "real_mixup")
_ALPHA = 1.0  # of Zhang et al. 2018 for CIFAR, whose images are as small
_EVERYWHERE = 5.0  # both parameters of the beta distribution with which the released code mixes, whatever the strategy


def gen_weight(epoch, alpha, beta, growing):
    """Weight σ of the generated samples at an epoch counted from 0 (Equations 2 and 3)."""
    decay = math.exp(-beta * epoch)
    return alpha + (1 - alpha) * (1 - decay) if growing else alpha * decay


def batch_loss(model, real, generated, options, epoch, random, criterion=cross_entropy):
    """Return (train loss of Table 2 or of a rival, hits in the real batch), both scalars on the model's device.

    real: Batch. generated: Samples to draw from, or None. random: the numpy Generator of this step. criterion: the
    loss of logits and labels, where nothing is mixed or added.
    """
    strategy = options["strategy"]
    if strategy not in _MIXING:
        return lone_loss(model, real, options, random, criterion)
    if strategy == "real_mixup":
        # Zhang et al. 2018: the mixup of two real batches, at every step.
        return mixup_loss(model, reordered(real, random), real, random.beta(_ALPHA, _ALPHA))
    settings = options["strategies"][strategy]
    weight = gen_weight(epoch, settings["alpha"], settings["beta"], settings["growing"])
    if strategy == "regularization":
        drawn = draw(generated, len(real.labels), options["image_size"], random)
        return regularized_loss(*(lone_loss(model, batch, options, random) for batch in (real, drawn)), weight)
    # One λ per batch, from a symmetric beta distribution, as released; the text says only that it is in [0, 1].
    share = random.beta(settings["beta_distribution"], settings["beta_distribution"])
    return mixup_loss(model, mixup_partner(real, generated, weight, options["image_size"], random), real, share)


def lone_loss(model, batch, options, random, criterion=cross_entropy):
    """Return (loss, hits) of a batch by itself: plain, or with `mixup_everywhere` mixed with itself."""
    # The released code mixes its batches in every strategy and phase; the text, followed here, only in MIXUP.
    if "mixup_everywhere" not in options["as_published"]:
        return plain_loss(model, batch, criterion)
    return mixup_loss(model, reordered(batch, random), batch, random.beta(_EVERYWHERE, _EVERYWHERE))


def plain_loss(model, batch, criterion=cross_entropy):
    """Loss of one batch, L(S): cross-entropy in the rows REAL and PRETRAIN, a rival's own criterion in its row."""
    logits = model(batch.images)
    return criterion(logits, batch.labels), _hits(logits, batch.labels)


def regularized_loss(real, generated, weight):
    """L(S_r) + σ L(S_g) (Equation 1) of two (loss, hits), with the hits of the real batch.

    Two passes, as released: real images are normalised among themselves.
    """
    return real[0] + weight * generated[0], real[1]


def mixup_partner(real, generated, weight, image_size, random):
    """Return what to mix with the real batch: real images if U(0, 1) < σ, generated ones otherwise (Table 2).

    The real images are the batch itself in another order, as in the released code.
    """
    if random.random() < weight:
        return reordered(real, random)
    return draw(generated, len(real.labels), image_size, random)


def reordered(batch, random):
    """Return the batch in a drawn order."""
    order = torch.from_numpy(random.permutation(len(batch.labels))).to(batch.labels.device)
    return Batch(batch.images[order], batch.labels[order])


def mixup_loss(model, partner, real, share):
    """Loss of λ·partner + (1 - λ)·real, images and labels (Equations 4 and 5; `share` is λ).

    Cross-entropy is linear in the target, so mixing labels is mixing losses. A hit is the label with more weight; the
    released code counts either label, which flatters its training accuracy.
    """
    logits = model(mixed(partner.images, real.images, share))
    loss = share * cross_entropy(logits, partner.labels) + (1 - share) * cross_entropy(logits, real.labels)
    return loss, _hits(logits, partner.labels if share > 0.5 else real.labels)


def mixed(images, real_images, share):
    """λ x + (1 - λ) x_r (Equation 4)."""
    return share * images + (1 - share) * real_images


def _hits(logits, labels):
    return (logits.detach().argmax(1) == labels).sum()
