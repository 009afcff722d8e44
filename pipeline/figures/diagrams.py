"""Boxes and arrows in inches, for figures that are drawn and not plotted."""

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from pipeline.figures.style import BLACK, SMALL, TINY, WIDTH, new_figure

_LEADING = 1.35 / 72  # inches from line to line, per point of the letters
# Fill and edge of what a box is; the kinds differ in lightness, or in the dashes of the edge.
LOOKS = {
    "data": {"facecolor": "#FFFFFF", "edgecolor": BLACK},
    "layer": {"facecolor": "#D6E8F5", "edgecolor": BLACK},
    "attention": {"facecolor": "#F6D9A0", "edgecolor": BLACK},
    "condition": {"facecolor": "#FFFFFF", "edgecolor": BLACK, "linestyle": "--"},
    "loss": {"facecolor": "#C8C8C8", "edgecolor": BLACK},
}


def new_diagram(height):
    """Return (figure, axes) of this height, whose coordinates are inches from the lower left corner."""
    figure = new_figure(height)
    figure.set_layout_engine("none")
    axes = figure.add_axes([0, 0, 1, 1])
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def draw_box(axes, left, bottom, width, height, kind, title, details=()):
    """Draw a box with a title and smaller lines below it, all centred; what stands between two $ is a formula."""
    shape = FancyBboxPatch(
        (left, bottom), width, height, boxstyle="round,pad=0,rounding_size=0.04", linewidth=0.7, **LOOKS[kind]
    )
    axes.add_patch(shape)
    sizes = [SMALL] + [TINY] * len(details)
    top = bottom + height / 2 + sum(sizes) * _LEADING / 2
    for text, size in zip([title, *details], sizes, strict=True):
        top -= size * _LEADING
        place = (left + width / 2, top + size * _LEADING / 2)
        weight = "bold" if size == SMALL else "normal"
        axes.text(*place, text, ha="center", va="center", fontsize=size, weight=weight, parse_math=True)


def draw_arrow(axes, *points):
    """Draw a line through the points that ends in an arrow."""
    if len(points) > 2:
        axes.add_patch(Polygon(points[:-1], closed=False, fill=False, linewidth=0.8, edgecolor=BLACK))
    head = {"arrowstyle": "-|>", "mutation_scale": 6, "linewidth": 0.8, "color": BLACK, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(*points[-2:], **head))
