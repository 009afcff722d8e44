"""Web pages: their title and headings; a browser shows the rest."""

from html.parser import HTMLParser

from pipeline.inspect.contents import Contents
from pipeline.stage import WrongInput

_TOLD = ("title", "h1", "h2", "h3")


class _Headings(HTMLParser):
    """Collects (tag, text) of title and headings, and notes whether the page has its end."""

    def __init__(self):
        super().__init__()
        self.found, self.inside, self.ended = [], None, False

    def handle_starttag(self, tag, attributes):
        if tag in _TOLD:
            self.inside = tag
            self.found.append((tag, ""))

    def handle_data(self, data):
        if self.inside:
            tag, text = self.found[-1]
            self.found[-1] = (tag, text + data)

    def handle_endtag(self, tag):
        self.inside = None if tag == self.inside else self.inside
        self.ended = self.ended or tag == "html"


def read(path):
    """Return the Contents of a report on a study; raise WrongInput for another page, or one that was cut off."""
    headings = _Headings()
    headings.feed(path.read_text(encoding="utf-8", errors="replace"))
    found = [(tag, " ".join(text.split())) for tag, text in headings.found]
    title = next((text for tag, text in found if tag == "title"), "")
    if not headings.ended or not title.startswith("Balanced hand shapes: study "):
        raise WrongInput(f"{path}: not a whole report on a study; delete it and run Snakemake again")
    lines = [f"{'  ' * _TOLD.index(tag)}{text}" for tag, text in found if tag != "title"]
    return Contents("report on a study", title, lines=lambda: [title, *lines, "open it in a browser"])
