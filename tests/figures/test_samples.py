import numpy as np
import pandas as pd
import pytest
from figures.drawn import overlapping, texts_of

from pipeline.figures.samples import choose_labels, draw_samples, first_of_each


def rows_of(counts):
    return pd.DataFrame({"label": [label for label, count in enumerate(counts) for _ in range(count)]})


def test_classes_are_chosen_from_the_largest_to_the_smallest():
    assert choose_labels(rows_of([2, 5, 0, 3, 4, 1]), most=3) == [1, 3, 5]
    assert choose_labels(rows_of([2, 5, 0, 3]), most=10) == [1, 3, 0]
    assert choose_labels(rows_of([2]), most=10) == [0]


def test_one_image_of_each_class_is_decoded():
    assert first_of_each(pd.DataFrame({"label": [1, 1, 0, 1, 0]})).tolist() == [True, False, True, False, False]


def block(classes, makers, name="class"):
    grey = np.arange(classes)[:, None, None, None] + np.zeros((classes, 8, 8, 3), int)
    return [f"{name}{label}" for label in range(classes)], {
        f"row {number}": (grey + 20 * number).astype(np.uint8) for number in range(makers)
    }


def test_a_column_shows_one_class_in_every_row():
    figure = draw_samples({"signs": block(4, 3), "gestures": block(2, 2)})
    shown = [(axes.images[0].get_array()[0, 0, 0], *axes.get_position().bounds[:2]) for axes in figure.axes]
    assert [value for value, *_ in shown] == [0, 1, 2, 3, 20, 21, 22, 23, 40, 41, 42, 43, 0, 1, 20, 21]
    # Same class, same column; later rows and data sets further down.
    for first, second in ((0, 4), (4, 8), (1, 5), (8, 12)):
        assert shown[first][1] == pytest.approx(shown[second][1]) and shown[first][2] > shown[second][2]
    assert {"signs", "gestures", "row 0", "class3"} <= set(texts_of(figure))


@pytest.mark.parametrize("classes", [1, 2, 10])
def test_no_text_lies_on_another(classes):
    assert overlapping(draw_samples({"a": block(classes, 5, "a_rather_long_name_"), "b": block(1, 1)})) == []
