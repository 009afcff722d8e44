import numpy as np
import pytest
import torch
from metrics.known import features

from pipeline.metrics.frechet import frechet_distance


def test_value_on_which_pytorch_fid_clean_fid_and_torchmetrics_agree():
    real, fake = features(64, 8), features(48, 8, 0.15, 0.9)
    assert real.sum() == pytest.approx(153.34065204865686) and fake.sum() == pytest.approx(162.13312019138965)
    assert frechet_distance(real, fake) == pytest.approx(0.28995232893554, abs=1e-13)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-13)


def test_exact_where_there_are_fewer_images_than_dimensions():
    # The nuclear norm of the product of the two matrix roots; libraries that take roots of round-off are 2e-7 off.
    few, others = features(20, 64), features(30, 64, 0.1, 1.1)
    assert frechet_distance(few, others) == pytest.approx(10.232846932422987, rel=1e-12)


def test_closed_forms():
    shift = np.arange(4.0)
    assert frechet_distance(features(50, 4), features(50, 4) + shift) == pytest.approx((shift**2).sum())
    # Commuting diagonal covariances: |m1 - m2|^2 + the sum of (s1 - s2)^2.
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3 / 4)  # covariance I
    assert frechet_distance(signs * [1, 2], signs * [4, 3] + [0, 5]) == pytest.approx(9 + 1 + 25)


def test_takes_float32_tensors_and_refuses_single_images():
    real = torch.tensor(features(64, 8), dtype=torch.float32)
    assert frechet_distance(real, real + 1) == pytest.approx(8, rel=1e-6)
    with pytest.raises(ValueError, match="64 and 1 images"):
        frechet_distance(real, real[:1])
