"""What all figures share: one style, looks that differ also in grey print, and files that are the same when redrawn."""

import matplotlib
from matplotlib.figure import Figure

from pipeline.data.files import replacing
from pipeline.stage import stage_arguments

WIDTH = 7.0  # inches: both columns of the paper
SMALL, TINY = 6.5, 5.5  # points
_LETTERS = 90  # small and bold ones, as many as the width of a figure holds

# Okabe and Ito, safe for the colour-blind.
BLACK, ORANGE, GREEN, BLUE, VERMILLION = "#000000", "#E69F00", "#009E73", "#0072B2", "#D55E00"
GREY = "#767676"

# Lines and bars that stand together differ by these as well, for print without colour.
LINES = {
    "real": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "ReACGAN": {"color": VERMILLION, "linestyle": "--", "marker": "s"},
    "SPADE": {"color": GREEN, "linestyle": ":", "marker": "^"},
}
RISE = {"facecolor": BLUE, "edgecolor": BLUE, "hatch": ""}
FALL = {"facecolor": "#FFFFFF", "edgecolor": VERMILLION, "hatch": "//////"}
TRAIN = {"facecolor": BLUE, "edgecolor": BLUE, "hatch": ""}
TEST = {"facecolor": "#FFFFFF", "edgecolor": ORANGE, "hatch": "//////"}

matplotlib.rcdefaults()  # whatever a matplotlibrc of this machine says
matplotlib.rcParams.update(
    {
        "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws the same letters
        "font.size": 8,
        "text.parse_math": False,  # classes are named by people; a diagram's own words ask for it
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "lines.linewidth": 1.4,
        "lines.markersize": 4,
        "hatch.linewidth": 0.6,
        "savefig.dpi": 300,
        "pdf.fonttype": 42,  # fonts as TrueType: text can be searched, and journals accept it
    }
)


def new_figure(height, width=WIDTH):
    """Return an empty figure of this size in inches, which arranges its axes so that no text overlaps another's."""
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure, png, pdf):
    """Write the figure as PNG and PDF without the time of day."""
    for path, kind, metadata in ((png, "png", None), (pdf, "pdf", {"CreationDate": None})):
        with replacing(path) as beside:
            figure.savefig(beside, format=kind, metadata=metadata)


def figure_arguments(description, inputs=()):
    """Return the parser of a figure's command: --options, --png, --pdf, and one or more paths of each input."""
    parser = stage_arguments(description, outputs=("png", "pdf"))
    for name in inputs:
        parser.add_argument(f"--{name}", nargs="+", required=True)
    return parser


def rotation_of(labels):
    """Return by how many degrees to turn the labels of an axis as wide as a figure: not at all where they fit."""
    return 90 if len(labels) * (1 + max(map(len, labels))) > _LETTERS else 0


def in_words(maker):
    """Return a maker of images as figures name it: "spade_bones_from_hagrid" is "SPADE bones from hagrid"."""
    return maker.replace("reacgan", "ReACGAN").replace("spade_", "SPADE ").replace("_from_", " from ")
