import pandas as pd
import pytest
from figures.drawn import overlapping

from pipeline.figures.class_counts import count_classes, draw_class_counts


def counts(train, test):
    names = [f"handshape_{number}" for number in range(len(train))]
    return pd.DataFrame({"train": train, "test": test}, index=names)


def test_photographs_that_neither_train_nor_test_do_not_count():
    parts = {"b": "train train test", "a": "train train train", "gone": "none none", "c": "train none"}
    rows = [(name, part) for name, own in parts.items() for part in own.split()]
    counted = count_classes(pd.DataFrame(rows, columns=["class", "part"]))
    assert counted.index.tolist() == ["a", "b", "c"]
    assert counted["train"].tolist() == [3, 2, 1] and counted["test"].tolist() == [0, 1, 0]


def test_every_class_has_two_bars_and_every_data_set_a_panel():
    figure = draw_class_counts({"signs": counts([101, 30, 9], [5, 0, 1]), "gestures": counts([7], [2])})
    assert [len(axes.patches) for axes in figure.axes] == [6, 2]
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == [101, 30, 9, 5, 0, 1]
    title = figure.axes[0].get_title(loc="left")
    assert title == "signs: 3 classes\n1 with more than 100 training images, 1 with fewer than 10"


@pytest.mark.parametrize(("least", "scale"), [(3, "log"), (100, "linear")])
def test_a_wide_range_gets_a_logarithmic_axis(least, scale):
    assert draw_class_counts({"signs": counts([300, least], [1, 1])}).axes[0].get_yscale() == scale


@pytest.mark.parametrize("classes", [1, 6, 12, 13, 40])
def test_no_text_lies_on_another(classes):
    train = list(range(1000, 1000 - 25 * classes, -25))
    assert (
        overlapping(draw_class_counts({"a_data_set_with_a_name": counts(train, train), "b": counts(train, train)}))
        == []
    )
