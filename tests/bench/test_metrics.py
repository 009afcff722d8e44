import pytest
from metrics.known import FAKE, REAL

from pipeline.bench.metrics import plain_frechet, plain_neighbours, side_by_side


def test_the_plain_forms_have_the_known_values():
    assert plain_frechet(REAL, FAKE) == pytest.approx(0.28995232893554, abs=1e-9)
    assert plain_neighbours(REAL, FAKE, 5) == pytest.approx((1.0, 0.984375, 1.1958333333333335, 1.0))
    assert plain_neighbours(REAL, FAKE, 3) == pytest.approx((1.0, 0.953125, 1.1875, 0.96875))


def test_both_forms_are_timed_and_must_agree():
    found = side_by_side(60, 20)
    assert found.keys() == {"frechet", "neighbours"}
    assert all(plain > 0 and ours > 0 for plain, ours in found.values())
