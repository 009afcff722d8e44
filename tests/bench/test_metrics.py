import pytest
from metrics.known import FAKE, REAL

from pipeline.bench import metrics
from pipeline.bench.metrics import plain_frechet, plain_neighbours, side_by_side


def test_the_plain_forms_have_the_known_values():
    assert plain_frechet(REAL, FAKE) == pytest.approx(0.28995232893554, abs=1e-9)
    assert plain_neighbours(REAL, FAKE, 5) == pytest.approx((1.0, 0.984375, 1.1958333333333335, 1.0))
    assert plain_neighbours(REAL, FAKE, 3) == pytest.approx((1.0, 0.953125, 1.1875, 0.96875))


def test_both_forms_are_timed():
    assert side_by_side(60, 20).keys() == {"frechet", "neighbours"}


@pytest.mark.parametrize("ours, value", [("frechet_distance", 1.0), ("neighbour_scores", (1.0, 1.0, 1.0, 0.5))])
def test_a_form_that_does_not_agree_is_not_timed(monkeypatch, ours, value):
    monkeypatch.setattr(metrics, ours, lambda *_: value)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        side_by_side(60, 20)
