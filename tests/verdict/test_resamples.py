import numpy as np
import pytest
from verdict.simulated import long_tail, predict

from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import counts_of
from pipeline.verdict.resamples import bootstrap_intervals


def simulated(seed=0, groups=200, seeds=12):
    draw = np.random.default_rng(seed)
    group, label = long_tail(draw, groups, 6, 6)
    return predict(draw, group, label, np.array([[0.5] * 6, [0.7] * 6]), seeds)


def test_with_many_groups_and_seeds_it_agrees_with_the_formula():
    counts = simulated()
    low, high = (end[1] for end in bootstrap_intervals(counts, 0))
    pair = differences(spread(counts), [1], [0])
    ends = [end[0, 0] for end in pair.interval(0.025)]
    assert low < pair.value[0, 0] < high
    assert high - low == pytest.approx(ends[1] - ends[0], rel=0.25)


def test_recipes_are_paired_in_every_resample():
    counts = simulated(groups=20, seeds=3)
    twice = counts._replace(recipes=(0, 1), hits=counts.hits[[1, 1]])
    assert np.ptp(bootstrap_intervals(twice, 0)) == 0
    own, other = bootstrap_intervals(counts, 0), bootstrap_intervals(counts, 1)
    assert own[0][1] == pytest.approx(-other[1][0])


def test_groups_are_drawn_whole():
    # Two groups of one class: a resample has the one, the other, or both, whatever the images in them.
    hits = np.array([[[[50.0], [0.0]]], [[[0.0], [0.0]]]])
    counts = counts_of((0, 1), (0,), hits, np.array([[50.0], [50.0]]))
    low, high = (end[0] for end in bootstrap_intervals(counts, 1))
    assert (low, high) == (0, 100)
