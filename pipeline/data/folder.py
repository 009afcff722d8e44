"""Any folder or ZIP archive of images, of which folders or a CSV file tell the classes.

Folders: `<class>/**/*.jpg`; below `train/`, `val/` or `test/` these are the owner's split, and a folder that holds all
others is passed through. `labels.csv` (file,label, and for boxes x,y,w,h in pixels; file is relative to the root) takes
their place where there is one: images that it does not list take no part, and one image may have several boxes. Its
column `part` or `split`, of train, val and test, is the owner's split.

The group is the signer or clip whose images must stay on one side of the split: from a column of such a name, in
`groups.csv` or else in the labels, else from a pattern that the names match, else each image is its own.
"""

import re
from collections import Counter
from pathlib import Path, PurePosixPath

from pipeline.data.decoding import SUFFIXES
from pipeline.data.listings import composed, expect_columns, group_column, groups_in, read_listing
from pipeline.data.manifest import with_box
from pipeline.data.tree import file_names
from pipeline.stage import WrongInput

LABELS, GROUPS = "labels.csv", "groups.csv"
_SIDES = {
    "train": "train",
    "training": "train",
    "train_val": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_PART_COLUMNS = ("part", "split")
_BOX = ["x", "y", "w", "h"]
# Of a box's longer side, on each side: the crop is larger than the hand, and a detector sees more with some room.
_AROUND = 0.25
_EXPECTED = ("", ".csv", ".json", ".md", ".txt")  # lists and notes, which lie beside many data sets


def photographs(root, labels=None, groups=None, group_pattern=None):
    """Yield the manifest rows of the images under `root`.

    labels, groups: files to take in place of the root's own; group_pattern: a regular expression that is searched in
    each image's name, and whose first group is the name's.
    """
    if group_pattern is not None:
        _check_pattern(group_pattern)
    names = file_names(root)
    images = [name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES]
    _tell_left_out(root, set(names) - set(images))
    listing = _listing(root, names, labels, LABELS)
    rows = _by_folder(root, images) if listing is None else _by_label(root, images, *listing)
    group_of = _group_of(_listing(root, names, groups, GROUPS), group_pattern)
    for row in rows:
        yield row | {"group": group_of(row), "landmarks": ""}


def _check_pattern(pattern):
    try:
        groups = re.compile(pattern).groups
    except re.error as wrong:
        raise WrongInput(f"group_pattern {pattern!r}: {wrong}; mend it in params.yaml") from None
    if groups < 1:
        raise WrongInput(f"group_pattern {pattern!r}: expected a group in brackets, as in '(id[0-9]+)_'; add them")


def _tell_left_out(root, names):
    kinds = Counter(PurePosixPath(name).suffix.lower() for name in names)
    left_out = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()) if kind not in _EXPECTED)
    if left_out:
        print(f"{root}: files of other kinds are left out ({left_out}); images are {' '.join(SUFFIXES)}")


def _by_folder(root, images):
    """Yield rows whose class and side are folders; images beside the class folders take no part."""
    placed = [name for name in images if "/" in name]
    if len(placed) < len(images):
        print(f"{root}: {len(images) - len(placed)} images lie in no class folder and are left out")
    depth, sides = class_level([PurePosixPath(name).parts[:-1] for name in placed])
    for name in placed:
        parts = PurePosixPath(name).parts
        yield _row(root, name, parts[depth], sides[parts[depth - 1].lower()] if sides else "", str(root / name))


def class_level(folders):
    """Return (depth, sides) of images in these folders: where the class stands, and train or test by folder above it.

    sides is empty where the folders above the class do not tell. Of train and val alone val tests, as in the paper.
    """
    depth = 0
    while folders and min(map(len, folders)) > depth + 1 and len({parts[depth] for parts in folders}) == 1:
        depth += 1
    above = {parts[depth].lower() for parts in folders}
    if len(above) < 2 or not above <= set(_SIDES) or min(map(len, folders)) < depth + 2:
        return depth, {}
    tests = "test" if "test" in above else "val"
    return depth + 1, {name: "test" if _SIDES[name] == tests else "train" for name in above}


def _by_label(root, images, listing, table):
    """Yield rows as labels.csv has them."""
    expect_columns(listing, table, ["file", "label"])
    boxed, told = set(_BOX) <= set(table), group_column(table)
    part = next((column for column in _PART_COLUMNS if column in table), None)
    by_name = {composed(name): name for name in images}
    for number, entry in enumerate(table.to_dict("records"), start=2):
        where = f"{listing}, row {number}"
        name = by_name.get(composed(entry["file"]))
        if name is None:
            raise WrongInput(f"{where}: no image {entry['file']!r} below {root}; mend the name or remove the row")
        if not entry["label"].strip():
            raise WrongInput(f"{where}: {name} has no label; add it or remove the row")
        row = _row(root, name, entry["label"].strip(), _side(entry[part], where) if part else "", where)
        row["group"] = entry[told] if told else ""
        box = _box(entry, where) if boxed else None
        yield row if box is None else row | _boxed(row, box)


def _side(text, where):
    """Return train or test; of train and val, val trains as well, and a subset has validation images of its own."""
    if text.lower() not in _SIDES:
        raise WrongInput(f"{where}: part {text!r}; expected one of {', '.join(_SIDES)}; mend it")
    return "test" if _SIDES[text.lower()] == "test" else "train"


def _boxed(row, box):
    """Return name and path of a box of a photograph; the name tells the boxes of one photograph apart."""
    sides = ",".join(map(str, box))
    return {"name": f"{row['name']}@{sides}", "path": with_box(row["path"], *_widened(box))}


def _row(root, name, label, part, where):
    return {
        "name": name,
        "path": str(root / name),
        "class": label,
        "part": part,
        "where": where,
        "file": name,
        "group": "",
    }


def _box(entry, where):
    """Return (x, y, w, h) in whole pixels, or None where all four are empty."""
    told = [entry[side] for side in _BOX]
    if not any(told):
        return None
    try:
        x, y, width, height = (round(float(number)) for number in told)
    except (ValueError, OverflowError):
        raise WrongInput(f"{where}: box {told}; expected the numbers x,y,w,h in pixels, or none; mend it") from None
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise WrongInput(f"{where}: box {told}; expected x and y from 0, w and h from 1, in pixels; mend it")
    return x, y, width, height


def _widened(box):
    x, y, width, height = box
    more = round(_AROUND * max(width, height))
    return x - more, y - more, width + 2 * more, height + 2 * more


def _group_of(listing, pattern):
    """Return a function that gives a row its group."""
    listed = None if listing is None else groups_in(*listing)

    def group(row):
        if listed is not None:
            return listed(row["file"])
        if row["group"] or pattern is None:
            return row["group"] or row["file"]
        found = re.search(pattern, row["file"])
        if found is None:
            raise WrongInput(f"{row['where']}: {row['file']} does not match group_pattern {pattern!r}; rename it")
        return found[1]

    return group


def _listing(root, names, given, own):
    """Return (path, table of text) of a listing: the given file, or else the root's own; None where there is none."""
    if given is None and own not in names:
        return None
    path = Path(given) if given is not None else root / own
    return path, read_listing(path)
