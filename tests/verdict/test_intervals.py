import numpy as np
import pytest
from scipy.stats import t as student
from verdict.simulated import counted, long_tail, predict

from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import for_measure


def pair(counts):
    return differences(spread(counts), [0], [1])


def one_class(*means, seeds=2):
    """Counts of two recipes on groups of four images of one class: the second is always wrong, the first as told."""
    right = np.zeros((2, seeds, 4 * len(means)), bool)
    for group, hits in enumerate(means):
        right[0, :, 4 * group : 4 * group + hits] = True
    return counted(right, np.repeat(np.arange(len(means)), 4), np.zeros(4 * len(means), int))


def test_groups_of_one_size_have_the_standard_error_of_their_mean():
    found = pair(one_class(*[4, 3, 2, 2, 1] * 4))
    assert found.value.item() == pytest.approx(60)
    # Recalls of 100, 75, 50, 50 and 25, four times each: squares of 3250 about 60, four times.
    assert found.group_variance.item() == pytest.approx(4 * 3250 / 19 / 20)
    assert found.seed_variance.item() == 0


def test_copies_of_an_image_in_its_group_teach_nothing():
    clips = one_class(*[4, 3, 2, 2, 1] * 4)
    copied = clips._replace(hits=3 * clips.hits, images=3 * clips.images)
    assert pair(copied).half_width(0.025) == pytest.approx(pair(clips).half_width(0.025))


def test_training_that_varies_on_every_image_alike_is_seen_by_the_seeds():
    right = np.zeros((2, 3, 40), bool)
    for seed, hits in enumerate((20, 24, 28)):  # groups of ten, in each of which 5, 6 and 7 are right
        right[0, seed] = np.tile(np.arange(10) < hits // 4, 4)
    found = pair(counted(right, np.repeat(np.arange(4), 10), np.zeros(40, int)))
    assert found.seed_variance.item() == pytest.approx(np.var([50, 60, 70], ddof=1) / 3)
    # No group differs from another, so what one of four, answered otherwise, would do is assumed.
    least, (of_groups, of_seeds) = 100**2 / 4**2, student.ppf(0.975, [3, 2])
    expected = (of_groups * least + of_seeds * 100 / 3) / (least + 100 / 3) ** 0.5
    assert found.half_width(0.025).item() == pytest.approx(expected)


def test_a_class_of_a_single_group_is_not_taken_as_certain():
    group, label = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 1, 1])
    right = np.zeros((2, 2, 6), bool)
    right[0, :, 4:] = True  # recalls 0 and 100: the second class has one group and no spread
    found = pair(counted(right, group, label))
    assert found.group_variance.item() >= 25**2  # its distance of 50 points from the mean, with weight 1/2


@pytest.mark.parametrize("right", [0, 1])
def test_equal_predictions_leave_doubt(right):
    draw = np.random.default_rng(0)
    group, label = long_tail(draw, 20, 5, 4)
    counts = counted(np.full((2, 3, len(group)), bool(right)), group, label)
    for measure in ("macro_recall", "accuracy"):
        low, high = pair(for_measure(counts, measure)).interval(0.025)
        assert -100 < low.item() < -5 and low == -high  # 3 of 20 groups is what seeing none leaves possible


def test_one_group_tells_nothing():
    low, high = pair(one_class(3)).interval(0.025)
    assert (low.item(), high.item()) == (-100, 100)


def test_one_seed_has_no_freedom_and_no_variance():
    found = pair(one_class(4, 3, 2, 2, 1, seeds=1))
    assert (found.seed_freedom, found.seed_variance.item()) == (0, 0)
    assert np.isfinite(found.half_width(0.025)).all()


def test_exchanged_recipes_mirror_the_interval():
    draw = np.random.default_rng(1)
    counts = predict(draw, *long_tail(draw, 30, 8, 4), draw.uniform(0.3, 0.9, (2, 8)), 3)
    found = differences(spread(counts), [0, 1], [0, 1])
    low, high = found.interval(0.025)
    assert low[0, 1] == pytest.approx(-high[1, 0]) and found.value[0, 1] == pytest.approx(-found.value[1, 0])


def test_pooling_never_lowers_a_seed_variance_and_pools_the_freedom_of_all_recipes():
    draw = np.random.default_rng(2)
    counts = predict(draw, *long_tail(draw, 30, 8, 4), np.full((5, 8), 0.6), 3, training=0.4)
    found = differences(spread(counts), [0, 1, 2], [3, 4])
    pooled = found.pooled()
    assert (pooled.seed_variance >= found.seed_variance).all() and pooled.seed_freedom == 8  # 4 recipes beside, 2 seeds
    assert pooled.seed_variance.min() == pytest.approx(found.seed_variance.mean())
    alone = differences(spread(counts), [0], [3])
    assert alone.pooled().half_width(0.025) == pytest.approx(alone.half_width(0.025))


@pytest.mark.parametrize("seeds, groups, classes, training", [(3, 30, 10, 0.3), (3, 60, 30, 0.05), (5, 60, 30, 0.3)])
def test_intervals_hold_the_true_difference(seeds, groups, classes, training):
    draw, covered, widths = np.random.default_rng(3), 0, []
    for _ in range(100):
        group, label = long_tail(draw, groups, classes, 5)
        recalls = draw.uniform(0.3, 0.9, (2, classes))
        found = pair(predict(draw, group, label, recalls, seeds, training))
        low, high = found.interval(0.025)
        covered += (low <= 100 * (recalls[0] - recalls[1]).mean() <= high).item()
        widths.append((high - low).item())
    assert covered >= 93
    assert np.median(widths) < 60  # not by saying nothing


@pytest.mark.parametrize("measure", ["macro_recall", "accuracy"])
@pytest.mark.parametrize("signers", [3, 9])
def test_groups_of_many_classes_hold_the_true_difference_in_either_measure(measure, signers):
    """Signers who show each of 20 classes four times: classes of one size, so that both measures have one truth."""
    draw, covered, widths = np.random.default_rng(4), 0, []
    group = np.repeat(np.arange(signers), 80)
    label = np.tile(np.repeat(np.arange(20), 4), signers)
    for _ in range(100):
        recalls = draw.uniform(0.2, 0.8, (2, 20))
        found = pair(for_measure(predict(draw, group, label, recalls, 3, training=0.1), measure))
        low, high = found.interval(0.025)
        covered += (low <= 100 * (recalls[0] - recalls[1]).mean() <= high).item()
        widths.append((high - low).item())
    assert covered >= 93
    assert np.median(widths) < 100  # half of what nothing would leave
