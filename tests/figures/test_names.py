"""Figures with classes whose names a formula would be read from."""

import numpy as np
import pandas as pd
import pytest
from figures.drawn import texts_of

from pipeline.data.archive import ImageSet, keypoints_json
from pipeline.figures.class_changes import draw_class_changes
from pipeline.figures.class_counts import draw_class_counts
from pipeline.figures.poses import draw_poses
from pipeline.figures.samples import draw_samples
from pipeline.figures.style import new_figure, save_figure

CLASS = r"$5 \or $"
IMAGES = np.zeros((1, 64, 64, 3), np.uint8)


def counts():
    return draw_class_counts({"signs": pd.DataFrame({"train": [30], "test": [5]}, index=[CLASS])})


def poses():
    pose = keypoints_json(np.linspace([5, 10], [58, 50], 21))
    return draw_poses(ImageSet(IMAGES, pd.DataFrame({"label": [0], "keypoints": [pose]}), [CLASS]), heatmap_sigma=2.0)


def samples():
    return draw_samples({"signs": ([CLASS], {"real": IMAGES})})


def changes():
    row = {"class": [CLASS], "train_images": [5.0], "test_images": [3], "change": [1.0]}
    return draw_class_changes(pd.DataFrame(row), f"Only {CLASS} rose.")


@pytest.mark.parametrize("draw", [counts, poses, samples, changes])
def test_a_class_is_written_as_it_is_called(draw, tmp_path):
    figure = draw()
    save_figure(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    assert CLASS in texts_of(figure)


def test_two_dollars_begin_no_formula(tmp_path):
    """Both are drawn as wide as they are: a formula would be set without the signs, and in italics."""
    widths = []
    for text in ("$a$", "$a"):
        figure = new_figure(1)
        drawn = figure.text(0.1, 0.5, text)
        figure.draw_without_rendering()
        widths.append(drawn.get_window_extent().width)
    assert widths[0] > widths[1]
