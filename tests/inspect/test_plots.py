import numpy as np
import pytest

from pipeline.inspect import plots


def coloured(picture):
    """Mask (H, W) of pixels that are neither grey nor a soft edge of writing."""
    return np.ptp(picture.astype(int), axis=2) > 60


def test_rows_are_true_classes_and_columns_predictions():
    counts = np.array([[0, 5, 0], [0, 0, 0], [0, 0, 0]])
    (y, x), (y_swapped, x_swapped) = (
        np.argwhere(coloured(plots.confusion("title", shown, ["a", "b", "c"]))).mean(axis=0)
        for shown in (counts, counts.T)
    )
    assert x > x_swapped and y < y_swapped


def test_a_bar_is_as_long_as_its_count():
    picture = coloured(plots.bars("title", {"a": {"all": 40}, "b": {"all": 10}}))
    lengths = sorted({int(length) for length in picture[34:].sum(axis=1)} - {0})
    assert lengths[-1] == pytest.approx(4 * lengths[0], abs=4)


def test_epochs_without_a_measure_are_left_out():
    nothing, values = np.full(3, np.nan), np.array([1.0, np.nan, 0.5])
    for series in ({"train": values, "val": nothing}, {"train": nothing, "val": nothing}, {"train": values[:1]}):
        picture = plots.curves({"loss": series}, border=0)
        assert coloured(picture[40:]).any() == bool(np.isfinite(np.concatenate(list(series.values()))).any())


def test_a_long_name_stays_beside_its_bar():
    short, long = (plots.bars("title", {name: {"all": 3}}) for name in ("a", "a" * 80))
    assert np.array_equal(short[:, 190:], long[:, 190:])
