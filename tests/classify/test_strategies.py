import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from pipeline.classify.batches import Batch, Samples
from pipeline.classify.strategies import (
    batch_loss,
    gen_weight,
    mixed,
    mixup_loss,
    mixup_partner,
    regularized_loss,
)

from .toys import OPTIONS


class Recorder(torch.nn.Module):
    """A linear model that remembers what it was shown."""

    def __init__(self, num_classes=3):
        super().__init__()
        torch.manual_seed(0)
        self.head = torch.nn.Linear(3, num_classes)
        self.seen = []

    def forward(self, images):
        self.seen.append(images)
        return self.head(images.mean((2, 3)))


def batch(values, labels):
    images = torch.tensor(values, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 4, 4)
    return Batch(images.contiguous(), torch.tensor(labels))


def pool(count):
    """White generated images; no real image of these tests is white."""
    return Samples(torch.full((count, 4, 4, 3), 255, dtype=torch.uint8), torch.arange(count) % 3)


def test_weights_of_the_published_schedules():
    growing = [gen_weight(epoch, 0.0, 0.04, growing=True) for epoch in (0, 10, 50, 99)]
    assert growing == pytest.approx([0, 0.33, 0.865, 0.981], abs=5e-4)
    fading = [gen_weight(epoch, 0.5, 0.04, growing=False) for epoch in (0, 10, 50, 99)]
    assert fading == pytest.approx([0.5, 0.335, 0.068, 0.010], abs=5e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_both_schedules_start_at_alpha_and_end_at_their_limits(alpha):
    assert gen_weight(0, alpha, 0.04, True) == gen_weight(0, alpha, 0.04, False) == alpha
    assert gen_weight(5000, alpha, 0.04, True) == pytest.approx(1)
    assert gen_weight(5000, alpha, 0.04, False) == pytest.approx(0)


def test_mixing_images_by_hand():
    assert mixed(torch.tensor([1.0, 0.5]), torch.tensor([0.0, -0.5]), 0.25).tolist() == [0.25, -0.25]


def test_mixing_losses_is_mixing_labels():
    model, share = Recorder(), 0.3
    generated, real = batch([0.9, -0.2], [0, 2]), batch([-0.7, 0.4], [1, 1])
    loss, _ = mixup_loss(model, generated, real, share)
    # Equation 5: soft labels 0.3 for the generated class, 0.7 for the real one.
    soft = torch.tensor([[0.3, 0.7, 0.0], [0.0, 0.7, 0.3]])
    logits = model.head((0.3 * generated.images + 0.7 * real.images).mean((2, 3)))
    assert loss.item() == pytest.approx(cross_entropy(logits, soft).item(), rel=1e-6)
    assert torch.equal(model.seen[0], 0.3 * generated.images + (1 - 0.3) * real.images)


@pytest.mark.parametrize("share, hits", [(0.9, 2), (0.1, 0)])
def test_a_hit_in_mixup_is_the_label_with_more_weight(share, hits):
    model = Recorder()
    with torch.no_grad():
        model.head.bias += torch.tensor([100.0, 0, 0])
    assert mixup_loss(model, batch([0, 0], [0, 0]), batch([0, 0], [1, 2]), share)[1].item() == hits


@pytest.mark.parametrize("weight", [0.0, 0.33, 1.0])
def test_mixup_prefers_real_partners_with_probability_sigma(weight):
    real, counts = batch([0.1, 0.2], [0, 1]), 0
    for step in range(1000):
        partner = mixup_partner(real, pool(5), weight, 4, np.random.default_rng(step))
        assert partner.images.shape == real.images.shape
        counts += bool((partner.images < 0.9).all())
    assert counts / 1000 == pytest.approx(weight, abs=0.05)


def test_real_mixup_mixes_the_batch_with_itself_at_every_epoch():
    model, real = Recorder(4), batch([-0.9, -0.3, 0.3, 0.9], [0, 1, 2, 3])
    options = OPTIONS | {"strategy": "real_mixup", "image_size": 4}
    loss, _ = batch_loss(model, real, None, options, 0, np.random.default_rng(3))
    random = np.random.default_rng(3)
    order, share = random.permutation(4), random.beta(1.0, 1.0)  # Zhang et al. 2018, CIFAR
    soft = share * torch.eye(4)[order] + (1 - share) * torch.eye(4)
    images = share * real.images[order] + (1 - share) * real.images
    assert torch.allclose(model.seen[0], images) and not torch.allclose(images, real.images)
    assert loss.item() == pytest.approx(cross_entropy(model.head(images.mean((2, 3))), soft.float()).item(), rel=1e-5)


def test_a_real_partner_keeps_its_own_label():
    real = batch([0.0, 0.1, 0.2, 0.3], [0, 1, 2, 3])
    partner = mixup_partner(real, None, 1.0, 4, np.random.default_rng(1))
    assert torch.allclose(partner.images[:, 0, 0, 0], partner.labels / 10)
    assert sorted(partner.labels.tolist()) == [0, 1, 2, 3]


def test_regularization_adds_the_weighted_loss_of_generated_images():
    loss, hits = regularized_loss((torch.tensor(2.0), 3), (torch.tensor(10.0), 7), 0.25)
    assert loss.item() == 4.5 and hits == 3  # hits are of real images alone


@pytest.mark.parametrize("strategy, passes", [("real", 1), ("pretrain", 1), ("regularization", 2), ("mixup", 1)])
def test_each_strategy_shows_what_table_2_says(strategy, passes):
    model, real = Recorder(), batch([0.1, 0.2], [0, 1])
    # At epoch 0 σ grows from 0, so mixup takes generated partners.
    batch_loss(model, real, pool(5), OPTIONS | {"strategy": strategy, "image_size": 4}, 0, np.random.default_rng(0))
    assert len(model.seen) == passes
    if strategy == "mixup":
        assert (model.seen[0] > real.images).all() and (model.seen[0] < 1).all()
    else:
        assert torch.equal(model.seen[0], real.images)
    if strategy == "regularization":
        assert (model.seen[1] == 1).all()


@pytest.mark.parametrize("strategy, passes", [("real", 1), ("pretrain", 1), ("regularization", 2)])
def test_as_released_every_strategy_mixes_each_batch_with_itself(strategy, passes):
    model, real = Recorder(num_classes=8), batch([number / 10 for number in range(8)], list(range(8)))
    options = OPTIONS | {"strategy": strategy, "image_size": 4, "as_published": ["mixup_everywhere"]}
    batch_loss(model, real, pool(8), options, 0, np.random.default_rng(0))
    assert len(model.seen) == passes
    mixed_images = model.seen[0]
    assert not torch.equal(mixed_images, real.images)
    # One share for the batch, and each image twice: the mean of the batch stays.
    assert mixed_images.mean().item() == pytest.approx(real.images.mean().item())
    assert (mixed_images - real.images).abs().max() < 0.7
    if strategy == "regularization":
        assert (model.seen[1] == 1).all()
