import numpy as np
import pytest
from metrics.known import features

from pipeline.metrics.inception_score import inception_score

LOGITS = 3 * features(40, 10)
SURE = 200 * np.tile(np.eye(10), (4, 1))  # 40 images, each class as often


def test_values_by_the_formula():
    assert inception_score(LOGITS, 1).mean == pytest.approx(2.5124910539327683, rel=1e-13)
    assert inception_score(LOGITS, 4)[:2] == pytest.approx((2.489397987036738, 0.11510830019826504), rel=1e-12)


def test_the_score_lies_between_one_and_the_number_of_classes():
    assert inception_score(np.zeros((40, 10)), 1).mean == pytest.approx(1, abs=1e-15)
    assert inception_score(SURE, 1).mean == pytest.approx(10, rel=1e-14)


def test_splits_are_consecutive():
    by_class = SURE[np.argsort(SURE.argmax(axis=1), kind="stable")]
    assert inception_score(by_class, 10) == pytest.approx((1, 0, 10))  # one class in each
    assert inception_score(SURE, 4) == pytest.approx((10, 0, 4))


def test_splits_of_unequal_sizes_use_every_image_once():
    # Two images of one class, then three of three classes.
    assert inception_score(SURE[[0, 0, 0, 1, 2]], 2).mean == pytest.approx((1 + 3) / 2)


def test_logits_beyond_the_range_of_exp_stay_finite():
    assert inception_score(SURE * 1e4, 1).mean == pytest.approx(10, rel=1e-14)


@pytest.mark.parametrize("splits", [0, 41])
def test_an_empty_split_is_refused(splits):
    with pytest.raises(ValueError, match="40 images"):
        inception_score(LOGITS, splits)
