import numpy as np
import pandas as pd
import pytest
from figures.drawn import overlapping, texts_of
from matplotlib.colors import to_rgba

from pipeline.figures.class_changes import draw_class_changes
from pipeline.figures.style import BLUE, GREEN, VERMILLION

SENTENCE = "Of 40 classes some rose and some fell, and this sentence is as long as those that studies say. " * 4


def classes(changes, train):
    count = len(changes)
    return pd.DataFrame(
        {
            "class": [f"handshape_{number}" for number in range(count)],
            "train_images": train,
            "test_images": np.arange(count) + 100,
            "change": changes,
        }
    )


def test_bars_stand_in_the_order_of_training_images_and_show_their_sign():
    figure = draw_class_changes(classes([50.0, -20.0, 0.0, np.nan, 10.0], [120.0, 5.0, 50, 9.5, 100]), SENTENCE)
    axes = figure.axes[0]
    bars = sorted(axes.patches, key=lambda bar: bar.get_x())
    assert [bar.get_height() for bar in bars] == [-20, 10, 50]
    assert [bar.get_edgecolor() for bar in bars] == [to_rgba(VERMILLION), to_rgba(BLUE), to_rgba(BLUE)]
    assert [bool(bar.get_hatch()) for bar in bars] == [True, False, False]
    assert {"rose: 2", "fell: 1", "stayed: 1", "no test image: 1"} <= set(texts_of(figure))
    labels = axes.get_xticklabels()
    assert [label.get_text() for label in labels] == ["5 (101)", "9.5 (103)", "50 (102)", "100 (104)", "120 (100)"]
    looks = [(label.get_color(), label.get_style(), label.get_weight()) for label in labels]
    plain = ("black", "normal", "normal")
    few, many = (GREEN, "italic", "normal"), (VERMILLION, "normal", "bold")
    assert looks == [few, few, plain, plain, many]
    assert " ".join(" ".join(text.split()) for text in texts_of(figure)).count(" ".join(SENTENCE.split())) == 1


@pytest.mark.parametrize("count", [1, 2, 12, 13, 40])
def test_no_text_lies_on_another(count):
    changes = np.linspace(-100, 100, count)
    figure = draw_class_changes(classes(changes, np.linspace(1, 1234, count).round()), SENTENCE)
    assert overlapping(figure) == []


def test_a_study_in_which_nothing_moves_is_drawn():
    figure = draw_class_changes(classes([0.0, 0.0], [5.0, 50.0]), SENTENCE)
    assert not figure.axes[0].patches and "stayed: 2" in texts_of(figure)
