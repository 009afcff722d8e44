import numpy as np
import pytest
import torch
from metrics.known import FAKE, REAL, rotation

from pipeline.metrics import kernel_distance as module
from pipeline.metrics.kernel_distance import kernel_distance


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


@pytest.mark.parametrize("size", [4, 12])
def test_subsets_of_any_size_have_the_same_expectation(size):
    draw = np.random.default_rng(0)
    chosen = [[draw.choice(len(part), size, replace=False) for part in (REAL, FAKE)] for _ in range(1500)]
    found = [kernel_distance(REAL[real], FAKE[fake]) for real, fake in chosen]
    assert abs(np.mean(found) - kernel_distance(REAL, FAKE)) < 4 * np.std(found) / 1500**0.5


@pytest.mark.parametrize("counts", [(1, 5), (5, 1)])
def test_a_single_image_is_refused(counts):
    with pytest.raises(ValueError, match=f"{counts[0]} and {counts[1]} images"):
        kernel_distance(REAL[: counts[0]], np.array(FAKE[: counts[1]]))
