"""RWTH-PHOENIX-Weather handshapes (Koller et al., Deep Hand, CVPR 2016): 3359 frames of 443 clips, 45 classes.

Layout of the official package: `<count>-ph2014-MS-handshape-annotations.txt` holds one `relative/path class` per line;
the paths contain a literal `*`, which Windows copies replace by `_`. The clip is the folder two levels above the frame.
"""

import os
from pathlib import Path

from pipeline.data.listings import groups_in, read_listing
from pipeline.stage import WrongInput


def photographs(root, groups=None):
    """Yield the manifest rows of the package under `root`; the group is the clip.

    groups: a CSV file that tells other groups, such as signers, by the paths of the annotations.
    """
    listing = _annotations(root)
    group_of = _clip if groups is None else groups_in(Path(groups), read_listing(Path(groups)))
    for number, line in enumerate(_text(listing).splitlines(), start=1):
        where = f"{listing}, line {number}"
        parts = line.split()
        if len(parts) != 2 or len(Path(parts[0]).parts) < 3 or ".." in Path(parts[0]).parts or parts[0][0] == "/":
            raise WrongInput(f"{where}: found {line!r}; expected `…/clip/1/frame.png class`; mend or remove the line")
        name, label = parts
        yield {
            "name": name,
            "path": str(_on_disk(listing.parent / name)),
            "class": label,
            "group": group_of(name),
            "part": "",
            "landmarks": "",
            "where": where,
        }


def _text(listing):
    try:
        return listing.read_text(encoding="utf-8")
    except UnicodeDecodeError as wrong:
        raise WrongInput(f"{listing}: not UTF-8 ({wrong.reason}); unpack it again") from None


def _clip(name):
    return Path(name).parts[-3]


def _annotations(root):
    found = sorted(root.glob("**/*handshape-annotations.txt"))
    if len(found) != 1:
        raise WrongInput(
            f"{root}: found {len(found)} files named *handshape-annotations.txt; expected one; unpack the official"
            " ph2014-dev-set-handshape-annotations there"
        )
    return found[0]


def _on_disk(path):
    if os.path.exists(path):  # also for names that no disk can hold
        return path
    renamed = path.with_name(path.name.replace("*", "_"))
    return renamed if os.path.exists(renamed) else path
