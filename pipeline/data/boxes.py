"""The boxes of hands in a table of labels, whose columns have one of several names that are in use."""

import re

from pipeline.stage import WrongInput

# Left and top come first; then the size, or right and bottom.
_BY_SIZE = [("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height")]
_BY_CORNERS = [("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("left", "top", "right", "bottom")]
# Columns that are of no other use: `width` may be the photograph's, and `left` a hand.
_TELLING = {"x", "y", "xmin", "ymin", "xmax", "ymax", "x1", "y1", "x2", "y2"}


class BoxColumns:
    """Which columns of a table hold a box, in the table's own words; none where `names` is empty."""

    def __init__(self, listing, columns):
        """Find them, whatever their case, `_` or a `bbox` before them; raise WrongInput where some are missing."""
        plain = {re.sub(r"^b?box_?|_", "", column.lower()): column for column in columns}
        kinds = [(names, kind in _BY_CORNERS) for kind in (*_BY_SIZE, *_BY_CORNERS) if (names := _all_of(kind, plain))]
        self.names, self._by_corners = kinds[0] if kinds else ([], False)
        told = sorted(plain[name] for name in _TELLING & set(plain))
        if told and not kinds:
            raise WrongInput(
                f"{listing}: found columns {','.join(told)}; expected all of {','.join(_BY_SIZE[0])} or of"
                f" {','.join(_BY_CORNERS[0])}, in pixels, for boxes; add the others, or remove these"
            )

    def box(self, entry, where):
        """Return (x, y, w, h) in whole pixels, or None where there is none: no columns, or all four empty."""
        told = [entry[name] for name in self.names]
        if not any(told):
            return None
        try:
            x, y, width, height = (round(float(number)) for number in told)
        except (ValueError, OverflowError):
            raise WrongInput(
                f"{where}: box {told}; expected the numbers {','.join(self.names)} in pixels, or none; mend it"
            ) from None
        if self._by_corners:
            width, height = width - x, height - y
        if x < 0 or y < 0 or width < 1 or height < 1:
            raise WrongInput(
                f"{where}: box {told} of {','.join(self.names)}; expected left and top from 0, and at least 1 pixel"
                " between the sides, in pixels; mend it"
            )
        return x, y, width, height


def _all_of(kind, plain):
    return [plain[name] for name in kind] if set(kind) <= set(plain) else []
