import numpy as np
import pandas as pd
from figures.drawn import overlapping, texts_of
from matplotlib.colors import to_hex

from pipeline.claims.convergence import convergence
from pipeline.figures.convergence import draw_convergence
from pipeline.figures.style import LINES


def panel(curves, pretraining=0):
    def history(accuracies, before):
        rows = [("pretrain", 0.5)] * before + [("train", own) for own in accuracies]
        return pd.DataFrame(rows, columns=["phase", "train_accuracy"])

    runs = {
        name: {seed: history(own, 0 if name == "real" else pretraining) for seed, own in seeds.items()}
        for name, seeds in curves.items()
    }
    return {name: {seed: np.array(own) for seed, own in seeds.items()} for name, seeds in curves.items()}, convergence(
        runs
    )


TWO = {
    "real": {"0": [0.2, 0.4, 0.8], "1": [0.2, 0.8, 0.8]},
    "ReACGAN": {"0": [0.9, 0.9, 0.9], "1": [0.7, 0.9, 0.9]},
    "SPADE": {"0": [0.1, 0.1, 0.1], "1": [0.9, 0.9, 0.9]},
}
ONE = {name: {"0": seeds["0"]} for name, seeds in TWO.items()}


def labelled(axes):
    return {line.get_label().split(":")[0]: line for line in axes.get_lines() if not line.get_label().startswith("_")}


def test_each_start_has_a_mean_over_seeds_in_a_look_of_its_own():
    axes = draw_convergence({"signs": panel(TWO)}).axes[0]
    lines = labelled(axes)
    np.testing.assert_allclose(lines["real"].get_ydata(), [20, 60, 80])
    assert lines["real"].get_xdata().tolist() == [1, 2, 3]
    for name, look in LINES.items():
        assert to_hex(lines[name].get_color()).upper() == look["color"]
        assert (lines[name].get_linestyle(), lines[name].get_marker()) == (look["linestyle"], look["marker"])
    # 3 means, 2 seeds of each, the level, and a marker for each start that converged.
    assert len(axes.get_lines()) == 3 + 6 + 1 + 2


def test_epochs_to_converge_are_marked_where_they_are_and_nowhere_else():
    figure = draw_convergence({"signs": panel(TWO, pretraining=4)})
    # Levels are 0.76: real takes 3 and 2 epochs, ReACGAN 1 and 2.
    marks = {
        line.get_marker(): line.get_xdata()[0] for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 1
    }
    assert marks == {"o": 2.5, "s": 1.5}
    legend = [text for text in texts_of(figure) if ":" in text]
    assert {"real: 2.5", "ReACGAN: 1.5 (5.5 with pretraining)", "SPADE: reached by 1 of 2 seeds"} <= set(legend)


def test_one_seed_needs_no_thin_lines_and_data_sets_stand_side_by_side():
    figure = draw_convergence({"gestures": panel(ONE), "signs": panel(TWO)})
    assert [axes.get_title() for axes in figure.axes] == ["gestures", "signs"]
    assert len(figure.axes[0].get_lines()) == 3 + 1 + 2
    left, right = (axes.get_position() for axes in figure.axes)
    assert left.x1 < right.x0


def test_no_text_lies_on_another():
    long = {name: {"0": np.linspace(0.1, 1, 100)} for name in TWO}
    for curves in (ONE, long, {name: {"0": [0.5]} for name in TWO}):
        assert overlapping(draw_convergence({"gestures": panel(curves, 25), "signs": panel(curves, 25)})) == []
