"""What tests read from a drawn figure."""

import itertools

from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text


def texts_of(figure):
    """Return every text that is drawn, as it was given."""
    return [text.get_text() for text in shown_texts(figure)]


def shown_texts(figure):
    """Return the Text artists that are drawn and not empty."""
    figure.draw_without_rendering()
    hidden = {text for axes in figure.axes for text in _undrawn(axes)}
    return [
        text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible() and text not in hidden
    ]


def _undrawn(axes):
    """Yield labels of ticks beyond the end of their axis, and of axes that are switched off."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not axes.axison or not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def overlapping(figure):
    """Return pairs of texts whose boxes overlap by more than a pixel, or that leave the figure."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown_texts(figure)]
    page = figure.bbox
    outside = [
        (text, "the page")
        for text, box in boxes
        if box.x0 < page.x0 - 1 or box.y0 < page.y0 - 1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1
    ]
    return outside + [
        (one, other)
        for (one, first), (other, second) in itertools.combinations(boxes, 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 1
    ]


def crossing(figure):
    """Return texts that lie partly in a box and partly outside of it."""
    boxes = [patch.get_window_extent() for patch in figure.findobj(FancyBboxPatch)]
    texts = [(text.get_text(), text.get_window_extent()) for text in shown_texts(figure)]
    return [
        text
        for text, own in texts
        for box in boxes
        if own.overlaps(box)
        and not (box.x0 <= own.x0 and own.x1 <= box.x1 and box.y0 - 1 <= own.y0 and own.y1 <= box.y1 + 1)
    ]
