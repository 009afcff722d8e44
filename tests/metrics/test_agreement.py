import numpy as np
import pytest

from pipeline.metrics.agreement import krippendorff_alpha

_ = np.nan


def test_alpha_of_the_published_example_with_gaps():
    # Krippendorff 2011, example C: 4 observers, 12 units; alpha for interval data 0.849.
    ratings = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
    alpha, pairs = krippendorff_alpha(np.array(ratings))
    assert alpha == pytest.approx(0.849, abs=5e-4)
    assert pairs == 8 * 6 + 2 * 3 + 1


def test_alpha_by_hand():
    # Observed (1 + 1) * 2 / 4 = 1; expected 2 (1 + 4 + 9 + 1 + 4 + 1) / (4 * 3) = 10 / 3.
    assert krippendorff_alpha(np.array([[1.0, 3.0], [2.0, 4.0]])) == (pytest.approx(0.7), 2)


def test_full_agreement_is_1_and_opposition_is_negative():
    agreed = np.tile([1.0, 4.0, 5.0], (3, 1))
    assert krippendorff_alpha(agreed) == (1, 9)
    assert krippendorff_alpha(np.array([[1.0, 5.0], [5.0, 1.0]]))[0] == pytest.approx(1 - 16 / (32 / 3))


def test_independent_ratings_agree_as_chance_does():
    ratings = np.random.default_rng(0).integers(1, 6, (4, 3000)).astype(float)
    assert krippendorff_alpha(ratings)[0] == pytest.approx(0, abs=0.03)


def test_what_one_person_alone_rated_changes_nothing():
    ratings = np.array([[1.0, 3.0], [2.0, 4.0]])
    alone = np.array([[5.0], [_]])
    silent = np.full((1, 3), _)
    assert krippendorff_alpha(np.vstack([np.hstack([ratings, alone]), silent])) == krippendorff_alpha(ratings)


@pytest.mark.parametrize(("ratings", "pairs"), [(np.zeros((0, 5)), 0), (np.ones((1, 5)), 0), (np.ones((2, 5)), 5)])
def test_there_is_no_agreement_to_tell_without_pairs_or_differences(ratings, pairs):
    assert krippendorff_alpha(ratings) == (None, pairs)
