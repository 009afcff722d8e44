import math

import pytest
import torch
import torch.nn.functional as F

from pipeline.gan.losses import d2d_cross_entropy, hinge_discriminator, hinge_generator


def test_hinge_by_hand():
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-2.0, 0.5, 0.0])
    assert hinge_discriminator(real, fake).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1.5 + 1) / 3)
    assert hinge_generator(fake).item() == pytest.approx(0.5)


# 3.4214287 is the released code's value, 3.4666088 the published formula's, on the same vectors.
@pytest.mark.parametrize(("shifted", "expected"), [(False, 3.4666088), (True, 3.4214287)])
def test_d2d_cross_entropy_golden_value(shifted, expected):
    torch.manual_seed(1)
    embeddings, proxies = F.normalize(torch.randn(6, 512), dim=1), F.normalize(torch.randn(6, 512), dim=1)
    labels = torch.tensor([0, 2, 4, 0, 2, 6])
    loss = d2d_cross_entropy(embeddings, proxies, labels, margin=0.98, temperature=0.5, shifted=shifted)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_d2d_cross_entropy_by_hand():
    # Two classes in the plane: embeddings 0 and 60 degrees apart, proxies at 0 and 90 degrees.
    embeddings = torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    proxies = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    loss = d2d_cross_entropy(embeddings, proxies, torch.tensor([0, 1]), margin=0.9, temperature=0.5)
    negative = math.exp((0.5 + 0.9 - 1) / 0.5)
    positives = [0.0, (0.9 - math.sqrt(0.75)) / 0.5]
    expected = sum(p + math.log(math.exp(-p) + negative) for p in positives) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_d2d_cross_entropy_leaves_its_own_class_alone():
    embeddings = F.normalize(torch.randn(4, 8, requires_grad=True), dim=1)
    loss = d2d_cross_entropy(embeddings, embeddings.detach(), torch.zeros(4, dtype=torch.long), 0.98, 0.5)
    assert loss.item() == pytest.approx(0)
