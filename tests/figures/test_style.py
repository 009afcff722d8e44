import itertools
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from matplotlib.colors import to_rgb

from pipeline.figures.diagrams import LOOKS
from pipeline.figures.style import FALL, LINES, RISE, TEST, TRAIN, in_words, new_figure, save_figure

DRAW = """
import sys
from pipeline.figures.style import LINES, RISE, new_figure, save_figure
figure = new_figure(2)
axes = figure.subplots()
axes.bar([1, 2], [3, 4], label="Größe", **RISE)
axes.plot([1, 2], [2, 1], label="real", **LINES["real"])
axes.text(1, 1, "$\\\\sigma$", parse_math=True)
axes.legend()
save_figure(figure, *sys.argv[1:])
"""


def lightness(colour):
    """Relative luminance of a colour, 0 to 1: what a grey printer leaves of it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_figure_drawn_again_is_the_same_file(tmp_path):
    for seed in ("1", "2"):
        names = [tmp_path / f"{seed}.{kind}" for kind in ("png", "pdf")]
        surroundings = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": seed}
        subprocess.run([sys.executable, "-c", DRAW, *names], check=True, env=surroundings)
    for kind in ("png", "pdf"):
        assert (tmp_path / f"1.{kind}").read_bytes() == (tmp_path / f"2.{kind}").read_bytes()


def test_fonts_are_inside_and_times_are_not(tmp_path):
    figure = new_figure(1)
    figure.text(0.1, 0.5, "text and $\\sigma$", parse_math=True)
    save_figure(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    fonts = len(re.findall(rb"/Type /FontDescriptor\b", content))
    assert fonts >= 2 and len(re.findall(rb"/FontFile2\b", content)) == fonts  # TrueType, not outlines of Type 3
    assert b"CreationDate" not in content and b"tIME" not in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize(("first", "second"), [(RISE, FALL), (TRAIN, TEST)])
def test_bars_that_stand_together_differ_in_grey(first, second):
    assert abs(lightness(first["facecolor"]) - lightness(second["facecolor"])) > 0.3
    assert first["hatch"] != second["hatch"]


def test_lines_that_stand_together_differ_in_dashes_and_in_marker():
    for key in ("color", "linestyle", "marker"):
        assert len({look[key] for look in LINES.values()}) == len(LINES)


def test_boxes_differ_in_grey_or_in_their_edge():
    for one, other in itertools.combinations(LOOKS.values(), 2):
        apart = abs(lightness(one["facecolor"]) - lightness(other["facecolor"]))
        assert apart > 0.03 or one.get("linestyle") != other.get("linestyle")


def test_makers_are_named_as_in_the_paper():
    assert in_words("reacgan") == "ReACGAN" and in_words("spade_keypoints") == "SPADE keypoints"
    assert in_words("spade_bones_from_open_hagrid") == "SPADE bones from open_hagrid"
