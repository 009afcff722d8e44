import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from pipeline.budget import RIVALS
from pipeline.classify.rivals import (
    adjusted_loss,
    augment,
    balanced_order,
    class_counts,
    class_weights,
    criterion_of,
    effective_weights,
    val_criterion_of,
    weighted_loss,
)

from .toys import solid_colours

COUNTS = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
LOGITS = torch.tensor([[0.5, -1.0, 0.2], [2.0, 0.0, 1.0], [0.0, 0.3, -0.4], [1.0, 1.0, 0.0]])
LABELS = torch.tensor([0, 2, 2, 1])


def surprises():
    """Cross-entropy of each image, by hand."""
    rows = zip(LOGITS.tolist(), LABELS.tolist(), strict=True)
    return [math.log(sum(map(math.exp, row))) - row[label] for row, label in rows]


def test_images_are_counted_by_class_also_where_there_are_none():
    assert class_counts(torch.tensor([2, 0, 2]), 4).tolist() == [1, 0, 2, 0]


def test_class_weights_are_inverse_frequencies_with_mean_1_over_the_training_images():
    weights = class_weights(1 / COUNTS, COUNTS)
    # 8 images of 3 classes: 8 / (3 * 1), 8 / (3 * 2), 8 / (3 * 5)
    assert weights.tolist() == pytest.approx([8 / 3, 4 / 3, 8 / 15])


def test_the_effective_number_is_a_sum_over_images():
    counts = torch.tensor([3.0, 4000.0], dtype=torch.float64)
    # Cui et al.: 1 + β + β² + …, a term per image
    few, many = (sum(0.9999**i for i in range(int(n))) for n in counts)
    weights = effective_weights(counts).double()
    assert (weights[0] / weights[1]).item() == pytest.approx(many / few, rel=1e-5)
    assert ((weights * counts).sum() / counts.sum()).item() == pytest.approx(1, rel=1e-5)


def test_the_weighted_loss_is_a_mean_over_images_whatever_classes_a_batch_has():
    weights = torch.tensor([4.0, 2.0, 0.5])
    by_hand = np.mean(np.array([4.0, 0.5, 0.5, 2.0]) * surprises())
    assert weighted_loss(weights)(LOGITS, LABELS).item() == pytest.approx(by_hand, rel=1e-6)


def test_logits_are_adjusted_by_the_prior():
    prior = [1 / 8, 2 / 8, 5 / 8]
    by_hand = [
        -math.log(prior[label] * math.exp(row[label]) / sum(p * math.exp(f) for p, f in zip(prior, row, strict=True)))
        for row, label in zip(LOGITS.tolist(), LABELS.tolist(), strict=True)
    ]
    assert adjusted_loss(COUNTS)(LOGITS, LABELS).item() == pytest.approx(np.mean(by_hand), rel=1e-6)


@pytest.mark.parametrize("strategy", ["weighted", "logit_adjusted", "deferred"])
def test_a_class_without_an_image_spoils_no_gradient(strategy):
    logits = LOGITS.clone().requires_grad_()
    loss = criterion_of(strategy, torch.tensor([3.0, 0.0, 5.0], dtype=torch.float64), 1)(logits, LABELS.clamp(max=0))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("epochs, plain", [(100, 80), (5, 4), (3, 2)])
def test_deferred_weights_set_in_after_four_fifths_of_the_epochs(epochs, plain):
    losses = [criterion_of("deferred", COUNTS, (epoch + 1) / epochs)(LOGITS, LABELS) for epoch in range(epochs)]
    same = [loss == cross_entropy(LOGITS, LABELS) for loss in losses]
    assert same == [True] * plain + [False] * (epochs - plain)
    assert losses[-1] == weighted_loss(effective_weights(COUNTS))(LOGITS, LABELS)


@pytest.mark.parametrize("strategy", ["real", "pretrain", "longer", "real_mixup", "augmented"])
def test_without_a_remedy_in_the_loss_plain_cross_entropy_judges(strategy):
    assert val_criterion_of(strategy, COUNTS) is criterion_of(strategy, COUNTS, 0.1) is cross_entropy


def test_validation_images_are_weighed_as_the_strategy_weighs_classes_in_the_end():
    def judged(strategy):
        return val_criterion_of(strategy, COUNTS)(LOGITS, LABELS).item()

    inverse = weighted_loss(torch.tensor([8 / 3, 4 / 3, 8 / 15]))(LOGITS, LABELS).item()
    assert judged("balanced") == judged("weighted") == pytest.approx(inverse)
    assert judged("deferred") == weighted_loss(effective_weights(COUNTS))(LOGITS, LABELS).item()
    assert judged("logit_adjusted") == adjusted_loss(COUNTS)(LOGITS, LABELS).item()
    assert criterion_of("balanced", COUNTS, 1) is cross_entropy  # its draws are the remedy


def test_draws_are_of_all_classes_alike_and_of_a_class_in_rotation():
    labels = np.repeat([0, 2, 5], [1, 30, 2969])
    order = balanced_order(labels, np.random.default_rng(0))
    assert len(order) == len(labels) and order.dtype == np.int64
    drawn = np.bincount(labels[order], minlength=6)
    # 1000 of each, within 4 standard deviations of sqrt(3000 * 1/3 * 2/3) = 26
    assert drawn[[1, 3, 4]].tolist() == [0, 0, 0] and (abs(drawn[[0, 2, 5]] - 1000) < 104).all()
    times = np.bincount(order, minlength=len(labels))
    for label in (0, 2, 5):
        own = times[labels == label]
        assert own.max() - own.min() <= 1
    some = order[labels[order] == 2]
    assert sorted(some[:30]) == list(range(1, 31)) and some[:30].tolist() == some[30:60].tolist()


def test_an_image_is_augmented_alike_in_whatever_batch():
    images = torch.from_numpy(solid_colours(10, seed=1).images)
    whole = augment(images, np.arange(30), 0, "augment", 3)
    part = augment(images[[7, 20]], np.array([7, 20]), 0, "augment", 3)
    assert torch.equal(part, whole[[7, 20]])
    assert whole.dtype == torch.uint8 and whole.shape == images.shape
    changed = [not torch.equal(*pair) for pair in zip(whole, images, strict=True)]
    assert 15 < sum(changed) <= 30
    for address in ((0, "augment", 4), (1, "augment", 3)):
        other = augment(images, np.arange(30), *address)
        assert sum(not torch.equal(*pair) for pair in zip(whole, other, strict=True)) > 15


def test_augmentation_leaves_other_draws_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    images = torch.from_numpy(solid_colours(1).images)
    augment(images, np.arange(3), 0, "augment", 0)
    assert torch.equal(torch.rand(3), expected)


def test_a_rivals_name_is_no_other_recipes():
    assert len(set(RIVALS)) == len(RIVALS) and not any("-" in name for name in RIVALS)
