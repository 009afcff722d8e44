import numpy as np
import pytest
import torch
from metrics.known import FAKE, REAL, rotation

from pipeline.metrics import kernel_distance as module
from pipeline.metrics.kernel_distance import kernel_distance, subset_distances


def test_value_by_the_formula():
    assert kernel_distance(REAL, FAKE) == pytest.approx(-0.0016755420074958671, abs=1e-14)


def test_value_by_hand():
    # Kernel (xy + 1)³: 1 within either set, (1 + 1 + 1 + 27) / 4 across.
    assert kernel_distance([[0.0], [1.0]], [[0.0], [2.0]]) == pytest.approx(1 + 1 - 2 * 30 / 4)


def test_neither_blocks_nor_order_nor_a_rotation_nor_single_precision_matter(monkeypatch):
    expected, turn = kernel_distance(REAL, FAKE), rotation(8)
    assert kernel_distance(REAL[::-1].copy() @ turn, FAKE @ turn) == pytest.approx(expected, abs=1e-13)
    assert kernel_distance(FAKE, REAL) == pytest.approx(expected, abs=1e-13)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert kernel_distance(REAL, FAKE) == pytest.approx(expected, abs=1e-13)
    assert kernel_distance(*(torch.tensor(part).float() for part in (REAL, FAKE))) == pytest.approx(expected, abs=1e-6)


def test_subsets_of_any_size_have_the_same_expectation():
    everything = kernel_distance(REAL, FAKE)
    for size in (4, 12):
        found = subset_distances(REAL, FAKE, size, 1500, (0,))
        assert abs(found.mean - everything) < 4 * found.sd / 1500**0.5
        assert (found.subsets, found.real_size, found.fake_size) == (1500, size, size)


def test_of_smaller_sets_all_images_are_taken():
    found = subset_distances(REAL, FAKE, 1000, 3, (0,))
    assert found[:2] == pytest.approx((kernel_distance(REAL, FAKE), 0), abs=1e-13)
    assert found[2:] == (3, 64, 48)
    assert subset_distances(REAL, FAKE, 50, 3, (0,))[2:] == (3, 50, 48)
    assert subset_distances(FAKE, REAL, 50, 3, (0,))[2:] == (3, 48, 50)


def test_a_subset_is_drawn_by_its_address():
    first, again, elsewhere = (subset_distances(REAL, FAKE, 20, 1, address) for address in ((0,), (0,), (1,)))
    assert first == again and first.mean != elsewhere.mean
    both = subset_distances(REAL, FAKE, 20, 2, (0,))
    assert abs(first.mean - both.mean) == pytest.approx(both.sd)  # of two values, one is the first


@pytest.mark.parametrize("counts", [(1, 5), (5, 1)])
def test_a_single_image_is_refused(counts):
    with pytest.raises(ValueError, match=f"{counts[0]} and {counts[1]} images"):
        kernel_distance(REAL[: counts[0]], np.array(FAKE[: counts[1]]))
