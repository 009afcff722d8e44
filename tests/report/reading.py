"""What a browser makes of a page, as far as Python can tell."""

from html.parser import HTMLParser

VOID = {"circle", "img", "input", "link", "meta", "polyline"}


class Reading(HTMLParser):
    """elements: (tag, attributes, text inside it, of its descendants too); raises AssertionError on wrong nesting."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names), f"{tag}: an attribute twice"
        element = [tag, dict(attributes), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, f"</{tag}> inside {[element[0] for element in self.open]}"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, *tags):
        """Return the elements of these tags in order."""
        return [element for element in self.elements if element[0] in tags]

    def attributes(self, name):
        """Return every value of an attribute."""
        return [attributes[name] for _, attributes, _ in self.elements if name in attributes]

    @property
    def text(self):
        """The whole text, each run of white space as one space."""
        return " ".join(self.elements[0][2].split())
