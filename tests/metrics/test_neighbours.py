import numpy as np
import pytest
import torch
from metrics.known import FAKE, REAL, features, rotation

from pipeline.metrics.neighbours import neighbour_scores


def scores(real, fake, k, **block):
    """Precision, recall, density, coverage."""
    return neighbour_scores(real, fake, k, **block)[:4]


def by_the_definition(real, fake, k):
    """The same of small sets, from all distances at once."""

    def squares(first, second):
        return np.square(first[:, None] - second[None]).sum(axis=2)

    real_radii, fake_radii = (np.sort(squares(one, one), axis=1)[:, k] for one in (real, fake))
    distances = squares(real, fake)
    in_real, in_fake = distances < real_radii[:, None], distances < fake_radii
    return in_real.any(axis=0).mean(), in_fake.any(axis=1).mean(), in_real.mean() * len(real) / k, in_real.any(1).mean()


def test_values_on_which_the_prdc_package_agrees():
    assert scores(REAL, FAKE, 5) == pytest.approx((1, 0.984375, 1.1958333333333333, 1), rel=1e-15)
    assert scores(REAL, FAKE, 3) == pytest.approx((1, 0.953125, 1.1875, 0.96875), rel=1e-15)


def test_a_neighbour_at_exactly_the_radius_is_outside():
    # Radii of the real images 1, 1, 2. The fake image 2 is within that of 3 alone, -1 within none.
    real, fake = np.array([[0.0], [1], [3]]), np.array([[2.0], [-1]])
    assert scores(real, fake, 1) == pytest.approx((1 / 2, 1, 1 / 2, 1 / 3))


def test_a_set_against_itself_has_ones_exactly():
    assert scores(REAL, REAL, 5) == (1, 1, 1, 1)
    wide = torch.from_numpy(features(300, 512)).float()
    moved = np.roll(np.arange(300)[::-1], 77)
    for block in (300, 64, 7):  # a pair stands elsewhere in a block, and in blocks of other shapes
        assert scores(wide, wide[moved.copy()], 5, block=block) == (1, 1, 1, 1)
        assert scores(wide + 1e3, wide[moved.copy()] + 1e3, 3, block=block) == (1, 1, 1, 1)


def test_copies_of_one_image_are_precise_and_recall_nothing():
    assert scores(REAL, np.repeat(REAL[:1], 48, axis=0), 5) == pytest.approx((1, 0, 0.6, 3 / 64), rel=1e-15)
    assert scores(np.ones((64, 8)), np.ones((64, 8)), 3) == (0, 0, 0, 0)


def test_a_collapsed_generator_is_precise_but_recalls_little():
    draw = np.random.default_rng(0)
    real = draw.normal(size=(300, 8)) + 20 * (np.arange(300) % 3 == 0)[:, None]
    precision, recall, _, coverage = scores(real, draw.normal(size=(200, 8)) * 0.7, 5)
    assert precision > 0.95 and recall < 0.6 and coverage < 0.7


def test_recall_is_precision_with_the_sets_exchanged():
    one, other = scores(REAL, FAKE, 5), scores(FAKE, REAL, 5)
    assert one[:2] == other[1::-1] and one[0] != one[1]


@pytest.mark.parametrize("side, columns", [(3, 3), (6, 4), (2, 1)])
def test_ties_and_copies_by_the_definition(side, columns):
    draw = np.random.default_rng(side)
    real, fake = (draw.integers(side, size=(count, columns)).astype(float) for count in (150, 110))
    for k in (1, 5, 40):
        for block in (1000, 13):
            assert scores(real, fake, k, block=block) == pytest.approx(by_the_definition(real, fake, k), rel=1e-13)


def test_distances_closer_than_the_rounding_of_products_by_the_definition():
    # 60 images around another, each 1e-10 farther; both far from their mirror images, so that products round by 1e-8.
    around = np.eye(60) * np.sqrt(1 + 1e-10 * ((7 * np.arange(60)) % 60))
    cluster = np.concatenate([np.zeros((1, 60)), around]) + 1000
    real = np.concatenate([cluster, -cluster])
    for k in (1, 5, 30):
        assert scores(real, real[::-1].copy(), k) == pytest.approx(by_the_definition(real, real[::-1], k), rel=1e-13)
        assert scores(real, cluster, k) == pytest.approx(by_the_definition(real, cluster, k), rel=1e-13)


@pytest.mark.parametrize("block", [5, 48, 1024])
def test_neither_blocks_nor_order_nor_the_frame_of_reference_matter(block):
    expected = neighbour_scores(REAL, FAKE, 3)
    turn, shift = rotation(8), np.arange(8.0)
    assert neighbour_scores(REAL, FAKE, 3, block) == expected
    assert neighbour_scores(REAL[::-1].copy(), np.roll(FAKE, 7, axis=0), 3, block) == expected
    assert neighbour_scores(REAL @ turn + shift, FAKE @ turn + shift, 3, block) == expected
    assert neighbour_scores(torch.tensor(REAL), torch.tensor(FAKE), 3, block) == expected


def test_a_set_of_no_more_than_k_images_has_radii_to_its_farthest():
    five, three = (neighbour_scores(REAL[:4], FAKE, k) for k in (5, 3))
    assert five._replace(recall=three.recall, fake_k=3) == three
    found = neighbour_scores(REAL[:5], FAKE[:6], 5)
    assert (found.real_k, found.fake_k) == (4, 5)


def test_a_single_image_has_no_radius():
    alone = neighbour_scores(REAL[:1], FAKE, 5)
    assert np.isnan([alone.precision, alone.density, alone.coverage]).all() and alone.real_k == 0
    assert alone.recall in (0, 1)
    alone = neighbour_scores(REAL, FAKE[:1], 5)
    assert np.isnan(alone.recall) and np.isfinite([alone.precision, alone.density, alone.coverage]).all()


@pytest.mark.parametrize(
    "real, fake, k, reason",
    [
        (REAL, FAKE[:0], 5, "expected images"),
        (REAL, FAKE[:, :5], 5, "equal columns"),
        (REAL, FAKE, 0, "at least 1"),
        (REAL, np.full((3, 8), np.nan), 5, "not finite"),
    ],
)
def test_what_has_no_neighbours_is_refused(real, fake, k, reason):
    with pytest.raises(ValueError, match=reason):
        neighbour_scores(real, fake, k)
