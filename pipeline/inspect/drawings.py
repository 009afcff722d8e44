"""Figures as PDF: their size, and whether they are whole."""

import re

from pipeline.inspect.contents import Contents
from pipeline.stage import WrongInput

_PAGE = re.compile(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]")


def read(path):
    """Return the Contents of a PDF of one page; raise WrongInput where it has no page or no end."""
    content = path.read_bytes()
    page = _PAGE.search(content)
    if page is None or not content.rstrip().endswith(b"%%EOF"):
        raise WrongInput(f"{path}: no complete PDF; expected a page and an end; delete it and run Snakemake again")
    width, height = (float(points) / 72 for points in page.groups())
    size = f"{width:.2g} x {height:.2g} inches"
    return Contents("drawing", size, lines=lambda: [size, "open it in any viewer"])
