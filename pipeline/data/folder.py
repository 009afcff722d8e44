"""Any folder of images by class: `<root>/<class>/**/*.jpg`, with an optional `groups.csv` (file,group).

`file` is relative to the root, with forward slashes; the group is the signer or clip whose images must stay on one side
of the split. Without groups.csv each image is a group of its own, which a warning in the README tells when to avoid.
"""

import pandas as pd

from pipeline.stage import WrongInput

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def photographs(root):
    """Yield the manifest rows of the images under `root`; the class is the first folder."""
    groups = _groups(root)
    for path in sorted(root.glob("*/**/*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        name = path.relative_to(root).as_posix()
        if groups is not None and name not in groups:
            raise WrongInput(f"{root / 'groups.csv'}: no row for {name}; add `{name},<signer or clip>`")
        yield {
            "name": name,
            "path": str(path),
            "class": path.relative_to(root).parts[0],
            "group": name if groups is None else groups[name],
            "part": "",
            "landmarks": "",
            "where": str(path),
        }


def _groups(root):
    listing = root / "groups.csv"
    if not listing.exists():
        return None
    try:
        rows = pd.read_csv(listing, dtype=str, keep_default_na=False)
    except ValueError as misfit:  # not UTF-8, empty, or no table
        raise WrongInput(f"{listing}: not a CSV file in UTF-8 ({misfit}); save it again as such") from None
    if not {"file", "group"} <= set(rows.columns):
        raise WrongInput(f"{listing}: found columns {list(rows.columns)}; expected file,group; rename them")
    return dict(zip(rows["file"], rows["group"], strict=True))
