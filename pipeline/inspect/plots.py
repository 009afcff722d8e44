"""Plain plots for a person to look at: bars, ranges, curves and a confusion matrix, uint8 (H, W, 3) RGB.

Drawn with Pillow, which the project has anyway.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_PAPER, _INK, _FAINT = (255, 255, 255), (40, 40, 40), (225, 225, 225)
# Colour-blind safe, by Okabe and Ito.
_COLOURS = [(0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)]
_LONGEST = 60  # characters of a name
_TITLE_HEIGHT, _ROW, _LABELS, _LENGTH, _MARGIN = 34, 20, 190, 460, 60


def bars(title, rows):
    """Draw {class: {series: count}}, one line per class, its series stacked from the left."""
    series = list(next(iter(rows.values())))
    largest = max(sum(counts.values()) for counts in rows.values()) or 1
    image, draw = _page(len(rows), title, series)
    for y, (name, counts) in zip(_lines(rows), rows.items(), strict=True):
        _label(draw, name, y)
        left = _LABELS
        for colour, count in zip(_COLOURS, counts.values(), strict=False):
            right = left + count / largest * _LENGTH
            draw.rectangle((left, y + 3, right, y + _ROW - 3), fill=colour)
            left = right
        draw.text((left + 6, y + 3), " + ".join(map(str, counts.values())), _INK, _font(12))
    return np.asarray(image)


def ranges(title, rows):
    """Draw {class: (lowest, lower quartile, median, upper quartile, highest)}, values in 0..1."""
    image, draw = _page(len(rows), title, [])
    for y, (name, quantiles) in zip(_lines(rows), rows.items(), strict=True):
        _label(draw, name, y)
        lowest, lower, median, upper, highest = (_LABELS + value * _LENGTH for value in quantiles)
        middle = y + _ROW // 2
        draw.line((_LABELS, middle, _LABELS + _LENGTH, middle), _FAINT)
        draw.line((lowest, middle, highest, middle), _COLOURS[0], 2)
        draw.rectangle((lower, y + 4, upper, y + _ROW - 4), fill=_COLOURS[0])
        draw.line((median, y + 2, median, y + _ROW - 2), _COLOURS[1], 3)
    return np.asarray(image)


def curves(panels, border):
    """Draw {title: {series: values per epoch}}, a panel each; a line stands before epoch number `border` (from 0)."""
    width, height = 560, 240
    image = Image.new("RGB", (width + 120, (height + 60) * len(panels)), _PAPER)
    draw = ImageDraw.Draw(image)
    for number, (title, series) in enumerate(panels.items()):
        top = number * (height + 60) + 40
        _legend(draw, title, list(series), top - 32)
        _panel(draw, series, border, (70, top, 70 + width, top + height))
    return np.asarray(image)


def confusion(title, counts, names):
    """Draw counts (K, K) of true class (rows) by predicted class (columns), each row shaded by its share."""
    cell = 30
    size = cell * len(names)
    width = max(_LABELS + size, int(_font(15).getlength(title))) + _MARGIN
    image = Image.new("RGB", (width, _TITLE_HEIGHT + _ROW + size + 10), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((8, 8), title, _INK, _font(15))
    for row, name in enumerate(names):
        y = _TITLE_HEIGHT + _ROW + row * cell
        _label(draw, f"{name}  [{row}]", y + 5)
        draw.text((_LABELS + row * cell + cell / 2, y - row * cell - 4), f"[{row}]", _INK, _font(11), anchor="ms")
        total = max(int(counts[row].sum()), 1)
        for column, count in enumerate(counts[row].tolist()):
            x, share = _LABELS + column * cell, count / total
            shade = tuple(round(255 + share * (part - 255)) for part in _COLOURS[0])
            draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=shade, outline=_FAINT)
            if count:
                ink = _PAPER if share > 0.5 else _INK
                draw.text((x + cell / 2, y + cell / 2), str(count), ink, _font(11), anchor="mm")
    return np.asarray(image)


def _font(size):
    return ImageFont.load_default(size)


def _page(num_rows, title, series):
    image = Image.new("RGB", (_LABELS + _LENGTH + 2 * _MARGIN, _TITLE_HEIGHT + _ROW * num_rows + 10), _PAPER)
    draw = ImageDraw.Draw(image)
    _legend(draw, title, series, 0)
    return image, draw


def _lines(rows):
    return [_TITLE_HEIGHT + _ROW * number for number in range(len(rows))]


def _legend(draw, title, series, top):
    draw.text((8, top + 8), title, _INK, _font(15))
    left = 24 + draw.textlength(title, _font(15))
    for colour, name in zip(_COLOURS, series, strict=False):
        draw.rectangle((left, top + 11, left + 11, top + 22), fill=colour)
        draw.text((left + 16, top + 9), _in_one_line(name), _INK, _font(13))
        left += 34 + draw.textlength(_in_one_line(name), _font(13))


def _in_one_line(name):
    """Return the beginning of a name, which in a damaged table may be of any length."""
    return " ".join(str(name).split())[:_LONGEST]


def _label(draw, text, y):
    text, font = _in_one_line(text), _font(13)
    while draw.textlength(text, font) > _LABELS - 16:
        text = text[:-2] + "…"
    draw.text((_LABELS - 8, y + _ROW / 2), text, _INK, font, anchor="rm")


def _panel(draw, series, border, frame):
    left, top, right, bottom = frame
    values = np.array(list(series.values()), float)
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    span, steps = (high - low) or 1.0, max(values.shape[1] - 1, 1)
    draw.rectangle(frame, outline=_FAINT)
    for text, y in ((f"{high:.3g}", top), (f"{low:.3g}", bottom)):
        draw.text((left - 6, y), text, _INK, _font(12), anchor="rm")
    for number in {0, values.shape[1] - 1}:
        draw.text((left + number / steps * (right - left), bottom + 4), str(number + 1), _INK, _font(12), anchor="ma")
    if border:
        x = left + (border - 0.5) / steps * (right - left)
        draw.line((x, top, x, bottom), _INK)
    for colour, line in zip(_COLOURS, values, strict=False):
        points = [
            (left + number / steps * (right - left), bottom - (value - low) / span * (bottom - top))
            for number, value in enumerate(line)
            if np.isfinite(value)
        ]
        draw.line(points, colour, 2)
        for x, y in points:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
