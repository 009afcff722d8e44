"""The million weakly labelled frames of Deep Hand (Koller et al., CVPR 2016), mentioned in the paper's Section 4.1.

Layout of the owner's package: `1miohands-v2-trainingalignment.txt` holds one `…/joint/<folders>/<frame>.png <number>`
per line, and the frames lie beside it in `<folders>`. Number 0 is garbage, 1 to 60 are the hand shapes of the owner's
network, in the order in which public programs for that network list them; it was not compared with photographs here.
The names are RWTH's, whose 45 classes are all among them. Nobody looked at these labels: an alignment found them.
"""

import functools
import os
import re

from pipeline.data.tree import UNFIT
from pipeline.stage import WrongInput

# fmt: off
HANDSHAPES = [
    "1", "2", "3", "3_hook", "4", "5", "6", "7", "8", "a", "b", "b_nothumb", "b_thumb", "cbaby", "obaby", "by", "c",
    "d", "e", "f", "f_open", "fly", "fly_nothumb", "g", "h", "h_hook", "h_thumb", "i", "jesus", "k", "l_hook",
    "middle", "m", "n", "o", "index", "index_flex", "index_hook", "pincet", "ital", "ital_thumb", "ital_nothumb",
    "ital_open", "r", "s", "write", "spoon", "t", "v", "v_flex", "v_hook", "v_thumb", "w", "y", "ae", "ae_thumb",
    "pincet_double", "obaby_double", "m2", "jesus_thumb",
]
# fmt: on
_GARBAGE = 0


def photographs(root):
    """Yield the manifest rows of the frames that show a hand shape; the group is the clip, and all of them train.

    Frames that the alignment names and that are not there are left out and counted on stdout.
    """
    listing = _alignment(root)
    base, garbage, missing = str(listing.parent), 0, 0
    for number, line in _lines(listing):
        where = f"{base}/{listing.name}, line {number}"
        name, label = _parsed(line, where)
        garbage += label == _GARBAGE
        if label == _GARBAGE:
            continue
        folder, _, frame = name.rpartition("/")
        path = _on_disk(f"{base}/{folder}", frame)
        missing += path is None
        if path is not None:
            yield {
                "name": name,
                "path": path,
                "class": HANDSHAPES[label - 1],
                "group": _clip(folder, frame),
                "part": "train",
                "landmarks": "",
                "where": where,
            }
    print(f"{listing}: {garbage} frames of no hand shape and {missing} without an image are left out")


def _alignment(root):
    # No deeper: below lie a million files.
    found = sorted([*root.glob("*trainingalignment.txt"), *root.glob("*/*trainingalignment.txt")])
    if len(found) != 1:
        raise WrongInput(
            f"{root}: found {len(found)} files named *trainingalignment.txt; expected one; fetch it again"
            " (python -m pipeline.data.fetch million_hands)"
        )
    return found[0]


def _lines(listing):
    """Yield (number, line) of the text, which is never in memory as a whole."""
    try:
        with open(listing, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip("\n")
    except UnicodeDecodeError as wrong:
        raise WrongInput(f"{listing}: not UTF-8 ({wrong.reason}); fetch it again") from None


def _parsed(line, where):
    """Return (path below the listing's folder, number of the hand shape)."""
    path, _, label = line.rpartition(" ")
    # The paths are those of the owner's disk.
    name = path.rpartition("/joint/")[2]
    if not re.fullmatch("[0-9]{1,2}", label) or int(label) > len(HANDSHAPES):
        raise WrongInput(
            f"{where}: found {line!r}; expected a path and a number up to {len(HANDSHAPES)}; mend the line"
        )
    if name.startswith("/") or "/" not in name or ".." in name.split("/") or UNFIT.search(name):
        raise WrongInput(f"{where}: found {path!r}; expected `…/joint/<folders>/<frame>.png`; mend it")
    return name, int(label)


def _on_disk(folder, frame):
    """Return the path of a frame, also where a copy on Windows replaced `*` by `_`; None where it is not there."""
    there = _files_of(folder)
    found = next((name for name in (frame, frame.replace("*", "_")) if name in there), None)
    return found and f"{folder}/{found}"


@functools.lru_cache(maxsize=4)  # the frames of a clip stand together
def _files_of(folder):
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def _clip(folder, frame):
    """Return the clip of a frame: its folder, and what stands before the frame's number in its name."""
    before, numbered, _ = frame.rpartition("_fn")
    return f"{folder}/{before}" if numbered else folder
