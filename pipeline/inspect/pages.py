"""Web pages, which a browser shows better than words: their title, and how many pictures they carry."""

import html
import re

from pipeline.inspect.contents import Contents
from pipeline.stage import WrongInput

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


def read(path):
    """Return the Contents of a page; raise WrongInput where it has no title or no end."""
    text = path.read_text(encoding="utf-8", errors="replace")
    title = _TITLE.search(text)
    if title is None or not text.rstrip().endswith("</html>"):
        raise WrongInput(f"{path}: not a whole web page; delete it and run Snakemake again")
    brief = f"{' '.join(html.unescape(title[1]).split())} ({text.count('data:image/')} pictures)"
    return Contents("page", brief, lines=lambda: [brief, "open it in a browser"])
