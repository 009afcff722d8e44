import numpy as np
import pandas as pd
import pytest
from figures.drawn import overlapping, texts_of

from pipeline.figures.harm_map import draw_harm_map

COLUMNS = ["macro_recall_to_real", "macro_recall_to_real_low", "macro_recall_to_real_high"]


def verdict_table(rows, seeds=3):
    """Rows (size, recipe, gain, low, high) as the verdict's table has them, best first and without order of sizes."""
    return pd.DataFrame(rows, columns=["size", "recipe", *COLUMNS]).assign(seeds=seeds)


TABLE = verdict_table(
    [
        ("all", "reacgan-pretrain", 4.0, 1.0, 7.0),
        ("all", "copies-mixup", -2.0, -3.5, -0.5),
        ("20", "reacgan-pretrain", -5.0, -9.0, 30.0),
        ("5", "reacgan-pretrain", -8.0, -25.0, -6.0),
        ("5", "balanced", 50.0, 40.0, 60.0),
        ("all", "real", np.nan, np.nan, np.nan),
        ("all", "reacgan-filtered-pretrain", 70.0, 60.0, 80.0),
    ]
)


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes}


def test_a_panel_per_maker_shows_gains_with_their_intervals_from_few_images_to_all():
    drawn = panels(draw_harm_map("signs", TABLE))
    assert set(drawn) == {"ReACGAN", "copies"}
    line, _, (bars,) = drawn["ReACGAN"].containers[0]
    assert [label.get_text() for label in drawn["ReACGAN"].get_xticklabels()] == ["5", "20", "all"]
    assert line.get_ydata().tolist() == [-8, -5, 4]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[-25, -6], [-9, 30], [1, 7]]
    # Copies were compared at one size: that point stands where its size is.
    assert drawn["copies"].containers[0][0].get_xdata().round() == [2]


def test_every_interval_is_in_sight_and_doing_without_is_the_hatched_half():
    axes = panels(draw_harm_map("signs", TABLE))["ReACGAN"]
    low, high = axes.get_ylim()
    assert low < -25 and 30 < high < 60
    (harm,) = axes.patches
    assert harm.get_hatch() and harm.get_y() + harm.get_height() == 0


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_seed_is_told(seeds):
    said = " ".join(texts_of(draw_harm_map("signs", TABLE.assign(seeds=seeds))))
    assert ("One seed" in said) == (seeds == 1)


def test_no_text_lies_on_another():
    makers = ("copies", "reacgan", "spade_bones", "spade_bones_from_open_hagrid")
    sizes = ("1", "2", "5", "10", "20", "50", "all")
    rows = [(size, f"{maker}-{way}", 1, 0, 2) for size in sizes for maker in makers for way in ("pretrain", "mixup")]
    assert overlapping(draw_harm_map("rwth_22x32", verdict_table(rows, seeds=1))) == []
