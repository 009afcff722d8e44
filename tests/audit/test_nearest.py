import numpy as np
import pytest
import torch

from pipeline.audit import nearest as module
from pipeline.audit.nearest import nearest

GENERATOR = torch.Generator().manual_seed(0)
QUERIES, CANDIDATES = torch.randn(2, 23, 6, generator=GENERATOR), torch.randn(31, 6, generator=GENERATOR)


def by_hand(allowed):
    distances = np.square(QUERIES[:, :, None].numpy() - CANDIDATES.numpy()).sum(axis=3).min(axis=0)
    distances[~allowed] = np.inf
    return distances.min(axis=1), distances.argmin(axis=1)


@pytest.mark.parametrize("size", [5, 1000])
def test_blocks_find_what_the_whole_matrix_has(size, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", size)
    monkeypatch.setattr(module, "_COLUMNS", size + 2)
    found, expected = nearest(QUERIES, CANDIDATES), by_hand(np.ones((23, 31), bool))
    np.testing.assert_allclose(found.squared, expected[0], rtol=1e-5)
    assert (found.number == expected[1]).all()

    own, other = np.arange(23) % 4, np.arange(31) % 4
    found, expected = nearest(QUERIES, CANDIDATES, own, other), by_hand(own[:, None] != other)
    np.testing.assert_allclose(found.squared, expected[0], rtol=1e-5)
    assert (found.number == expected[1]).all()


def test_an_equal_image_is_at_no_distance_however_long_its_vector():
    far = (1000 * CANDIDATES).half()
    assert (nearest(far[None], far).squared == 0).all()


def test_who_has_no_candidate_is_infinitely_far():
    assert np.isinf(nearest(QUERIES, CANDIDATES, np.zeros(23), np.zeros(31)).squared).all()
    assert len(nearest(QUERIES[:, :0], CANDIDATES).squared) == 0
