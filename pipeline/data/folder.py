"""Any folder or ZIP archive of images, of which folders or a CSV file tell the classes.

Folders: `<class>/**/*.jpg`; below `train/`, `val/` or `test/` these are the owner's split, and a folder that holds all
others is passed through. `labels.csv` (file,label, and for boxes x,y,w,h in pixels, or columns that pipeline.data.boxes
knows; file is relative to its folder) takes their place where there is one: images that it does not list take no part,
and one image may have several boxes. Its column `part` or `split`, of train, val and test, is the owner's split. It and
groups.csv lie in the root, or in the folder that holds all others; of listings from elsewhere, files are relative to
the root.

The group is the signer or clip whose images must stay on one side of the split: from a column of such a name, in
`groups.csv` or else in the labels, else from a pattern that the names match, else each image is its own.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from pipeline.data.boxes import BoxColumns
from pipeline.data.listings import composed, expect_columns, group_column, groups_in, read_listing
from pipeline.data.manifest import with_box
from pipeline.data.tree import SUFFIXES, file_names
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
# Of a box's longer side, on each side: the crop is larger than the hand, and a detector sees more with some room.
_AROUND = 0.25
_EXPECTED = (".csv", ".json", ".md", ".txt")  # lists and notes, which lie beside many data sets


@dataclass(frozen=True)
class Listing:
    """A table of text about images, and the folder below the root, with its `/`, that its files are relative to."""

    path: Path
    table: pd.DataFrame
    base: str


def photographs(root, labels=None, groups=None, group_pattern=None):
    """Yield the manifest rows of the images under `root`.

    labels, groups: files to take in place of the root's own; group_pattern: a regular expression that is searched in
    each image's name, and whose first group is the name's.
    """
    if group_pattern is not None:
        _check_pattern(group_pattern)
    names = file_names(root)
    images = images_among(names)
    _tell_left_out(root, names, set(names) - set(images))
    listing = _listing(root, names, labels, LABELS)
    rows = _by_folder(root, images) if listing is None else _by_label(root, images, listing)
    group_of = _group_of(_listing(root, names, groups, GROUPS), group_pattern)
    for row in rows:
        yield row | {"group": group_of(row), "landmarks": ""}


def images_among(names):
    """Return the names whose suffix is that of an image."""
    return [name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES]


def own_listing(names, own):
    """Return the name of the file `own` among all names below a root: there, or in a folder that holds all images.

    None where there is none.
    """
    shared = _shared_folders([PurePosixPath(name).parts[:-1] for name in images_among(names)])
    places = ["".join(f"{folder}/" for folder in shared[:depth]) for depth in range(len(shared) + 1)]
    return next((place + own for place in places if place + own in names), None)


def _shared_folders(folders):
    """Return the folders, from the root down, in which all images lie that lie in any folder."""
    depth = 0
    while len({parts[depth] for parts in folders if len(parts) > depth}) == 1:
        depth += 1
    return max(folders, key=len, default=())[:depth]


def _check_pattern(pattern):
    try:
        groups = re.compile(pattern).groups
    except re.error as wrong:
        raise WrongInput(f"group_pattern {pattern!r}: {wrong}; mend it in params.yaml") from None
    if groups < 1:
        raise WrongInput(f"group_pattern {pattern!r}: expected a group in brackets, as in '(id[0-9]+)_'; add them")


def _tell_left_out(root, names, others):
    kinds = Counter(PurePosixPath(name).suffix.lower() for name in others)
    left_out = ", ".join(
        f"{count} {kind or 'without a suffix'}" for kind, count in sorted(kinds.items()) if kind not in _EXPECTED
    )
    if left_out:
        print(f"{root}: files of other kinds are left out ({left_out}); images are {' '.join(SUFFIXES)}")
    read = {own_listing(names, own) for own in (LABELS, GROUPS)}
    for name in sorted(others - read):
        if PurePosixPath(name).name in (LABELS, GROUPS):
            print(f"{root}: {name} is not read, for images lie outside of its folder; name it, or lay it into the root")


def _by_folder(root, images):
    """Yield rows whose class and side are folders; images beside the class folders take no part."""
    depth, sides = class_level([PurePosixPath(name).parts[:-1] for name in images])
    placed = [name for name in images if name.count("/") > depth]
    beside = sorted(set(images) - set(placed))
    if beside:
        print(f"{root}: {len(beside)} images lie in no class folder and are left out (the first: {beside[0]})")
    if not sides:
        _refuse_beside_split(root, placed, depth)
    for name in placed:
        parts = PurePosixPath(name).parts
        yield _row(root, name, parts[depth], sides[parts[depth - 1].lower()] if sides else "", str(root / name))


def class_level(folders):
    """Return (depth, sides) of images in these folders: where the class stands, and train or test by folder above it.

    sides is empty where the folders above the class do not tell. Of train and val alone val tests, as in the paper.
    An image in fewer folders than that, such as a preview beside the classes, has no say.
    """
    depth, deepest = 0, max(map(len, folders), default=0)
    while depth + 1 < deepest and len(_names_at(folders, depth)) == 1:
        depth += 1
    above = {name.lower() for name in _names_at(folders, depth)}
    if len(above) < 2 or not above <= set(_SIDES) or depth + 1 >= deepest:
        return depth, {}
    tests = "test" if "test" in above else "val"
    return depth + 1, {name: "test" if _SIDES[name] == tests else "train" for name in above}


def _names_at(folders, depth):
    return {parts[depth] for parts in folders if len(parts) > depth}


def _refuse_beside_split(root, names, depth):
    """Raise WrongInput where images lie beside the folders of a split, which then would be classes."""
    above = {PurePosixPath(name).parts[depth] for name in names}
    sides = sorted(name for name in above if name.lower() in _SIDES)
    stray = next((name for name in names if PurePosixPath(name).parts[depth] not in sides), None)
    if len(sides) > 1 and stray is not None:
        raise WrongInput(
            f"{root}: {stray} lies beside {sides[0]}/ and {sides[1]}/; expected classes, or only folders of a split;"
            " move it away, or list the images in a labels.csv"
        )


def _by_label(root, images, listing):
    """Yield rows as labels.csv has them."""
    table = listing.table
    expect_columns(listing.path, table, ["file", "label"])
    boxes, told = BoxColumns(listing.path, list(table)), group_column(table)
    part = next((column for column in _PART_COLUMNS if column in table), None)
    unused = [column for column in table if column not in ("file", "label", told, part, *boxes.names)]
    if unused:
        print(f"{listing.path}: columns of no use here are left out ({', '.join(unused)})")
    by_name = {composed(name): name for name in images}
    for number, entry in enumerate(table.to_dict("records"), start=2):
        where = f"{listing.path}, row {number}"
        name = by_name.get(composed(listing.base + entry["file"]))
        if name is None:
            below = root / listing.base
            raise WrongInput(f"{where}: no image {entry['file']!r} below {below}; mend the name or remove the row")
        if not entry["label"].strip():
            raise WrongInput(f"{where}: {name} has no label; add it or remove the row")
        row = _row(root, name, entry["label"].strip(), _side(entry[part], where) if part else "", where)
        row["group"] = entry[told].strip() if told else ""
        box = boxes.box(entry, where)
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


def _widened(box):
    x, y, width, height = box
    more = round(_AROUND * max(width, height))
    return x - more, y - more, width + 2 * more, height + 2 * more


def _group_of(listing, pattern):
    """Return a function that gives a row its group."""
    listed = None if listing is None else groups_in(listing.path, listing.table)

    def group(row):
        if listed is not None:
            return listed(row["file"].removeprefix(listing.base))
        if row["group"] or pattern is None:
            return row["group"] or row["file"]
        found = re.search(pattern, row["file"])
        if found is None or not found[1]:
            raise WrongInput(f"{row['where']}: {row['file']} does not match group_pattern {pattern!r}; rename it")
        return found[1]

    return group


def _listing(root, names, given, own):
    """Return the given Listing, or else the data set's own; None where there is none."""
    if given is not None:
        return Listing(Path(given), read_listing(Path(given)), "")
    found = own_listing(names, own)
    return None if found is None else Listing(root / found, read_listing(root / found), found.removesuffix(own))
