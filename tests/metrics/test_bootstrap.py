import numpy as np
import pytest
from metrics.known import FAKE, REAL

from pipeline.metrics.bootstrap import bootstrap_intervals
from pipeline.metrics.frechet import frechet_distance

COUNTS = len(REAL), len(FAKE)


def shift(real, fake):
    return fake[:, 0].mean() - real[:, 0].mean()


def interval(score, resamples, level, address):
    """The interval of one score of REAL and FAKE."""

    def scores(real, fake):
        return {"score": score(REAL[real], FAKE[fake])}

    return bootstrap_intervals(scores, COUNTS, resamples, level, address)["score"]


def test_spread_and_interval_of_a_difference_of_means():
    found = interval(shift, 2000, 0.95, (0,))
    expected = (REAL[:, 0].var() / 64 + FAKE[:, 0].var() / 48) ** 0.5
    assert found.value == shift(REAL, FAKE)
    assert found.sd == pytest.approx(expected, rel=0.05)
    assert abs(found.bias) < 4 * expected / 2000**0.5
    # The mean of many draws is nearly normal.
    assert (found.low, found.high) == pytest.approx(
        found.value + np.array([-1.96, 1.96]) * expected, abs=0.15 * expected
    )


def test_a_wider_level_has_a_wider_interval():
    narrow, wide = (interval(shift, 200, level, (0,)) for level in (0.5, 0.9))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_the_upward_bias_of_a_resampled_distance_is_told_and_taken_off():
    found = interval(frechet_distance, 200, 0.9, (0,))
    assert found.bias > 0
    assert found.low < found.value < found.high
    assert found.low + found.bias > found.value  # plain percentiles would leave the value out


@pytest.mark.parametrize("score", [lambda real, fake: real[0, 0], lambda real, fake: fake[0, 0]])
def test_both_sets_are_resampled(score):
    assert interval(score, 50, 0.9, (0,)).sd > 0.1


def test_draws_depend_on_the_address_alone():
    first, again, elsewhere = (interval(shift, 20, 0.9, (seed, "fid")) for seed in (0, 0, 1))
    assert first == again and first.sd != elsewhere.sd


@pytest.mark.parametrize("resamples, level", [(1, 0.9), (100, 1), (100, 95)])
def test_no_interval_of_one_resample_or_in_percent(resamples, level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval(shift, resamples, level, (0,))


def test_scores_of_one_resample_come_from_the_same_images():
    def scores(real, fake):
        first = REAL[real, 0].mean()
        return {"mean": first, "twice": 2 * first, "images": len(fake)}

    found = bootstrap_intervals(scores, COUNTS, 20, 0.9, (0,))
    assert found["twice"] == pytest.approx([2 * number for number in found["mean"]])
    assert found["images"] == (48, 48, 48, 0, 0)
