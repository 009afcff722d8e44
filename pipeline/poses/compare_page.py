"""The comparison of detectors as one web page: tables, and how many joints lie within how much of a hand."""

from pathlib import Path

import jinja2
import numpy as np

from pipeline.poses.known_hands import ROOM
from pipeline.poses.pck import NEAR

_TEMPLATE = Path(__file__).with_name("compare_page.html")
_STEPS = np.linspace(0, 0.5, 26)  # hands
_WIDTH, _HEIGHT = 400, 200  # of a drawing


def page(tables, rows_of):
    """Return the page as text: {title: table of measures}, {title: {detector: rows of `compared`}}."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    sections = [
        (
            title,
            lines.to_dict("records"),
            {name: polyline(shares_within(rows)) for name, rows in rows_of[title].items()},
        )
        for title, lines in tables.items()
    ]
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(sections=sections, near=NEAR, room=ROOM, width=_WIDTH, height=_HEIGHT, reach=_STEPS[-1])


def shares_within(rows):
    """Return the shares (26,) of known joints within 0, 0.02, ... 0.5 hands; those of hands not found never are."""
    off = np.concatenate([off for _, _, off in rows])
    return (off[:, None] <= _STEPS).mean(axis=0)


def polyline(shares):
    """Return the points "x,y x,y ..." of a curve from left to right, 1 at the drawing's top and 0 at its bottom."""
    points = zip(np.linspace(0, _WIDTH, len(shares)), _HEIGHT * (1 - shares), strict=True)
    return " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
