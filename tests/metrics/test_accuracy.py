import numpy as np
import pytest

from pipeline.metrics.accuracy import accuracy, class_accuracy, macro_recall, printed_accuracy

# Class 0: 3 of 4 right. Class 1: 0 of 1. Class 2: no image. Class 3: 1 of 1.
LABELS = np.array([0, 0, 0, 0, 1, 3])
PREDICTED = np.array([0, 0, 0, 3, 2, 3])


def test_accuracy_by_hand():
    assert accuracy(LABELS, PREDICTED) == pytest.approx(4 / 6)
    np.testing.assert_allclose(class_accuracy(LABELS, PREDICTED, 5), [0.75, 0, np.nan, 1, np.nan])


def test_absent_classes_leave_the_macro_recall_alone():
    assert macro_recall(LABELS, PREDICTED) == pytest.approx((0.75 + 0 + 1) / 3)


def test_a_constant_answer_gains_nothing_from_imbalance():
    labels = np.array([0] * 97 + [1] * 2 + [2])
    assert accuracy(labels, np.zeros(100, int)) == pytest.approx(0.97)
    assert macro_recall(labels, np.zeros(100, int)) == pytest.approx(1 / 3)


def test_a_wrong_answer_does_not_count_for_the_class_it_names():
    assert class_accuracy([0, 1], [1, 1], 2).tolist() == [0, 1]


@pytest.mark.parametrize("labels, predicted", [([0, 1], [0]), ([], [])])
def test_what_cannot_be_compared_is_refused(labels, predicted):
    with pytest.raises(ValueError, match="expected equally many"):
        accuracy(labels, predicted)


def test_a_perfect_model_is_printed_with_less_than_everything():
    labels = np.arange(1037) % 39
    assert accuracy(labels, labels) == 1
    assert printed_accuracy(labels, labels, 128) == 1024 / 1037 == pytest.approx(0.98746, abs=5e-6)
    assert printed_accuracy(labels[:1024], labels[:1024], 128) == 1
    # What the last images get does not matter.
    assert printed_accuracy(labels, np.where(np.arange(1037) < 1024, labels, -1), 128) == 1024 / 1037
