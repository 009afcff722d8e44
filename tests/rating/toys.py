"""A small rating form, made by the stage itself, and answers to it."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.data.archive import ImageSet, write_image_set
from pipeline.rating import form
from pipeline.rating.key import image_set_of, read_key

CLASSES = ["fist", "palm", "pincet"]
MAKERS = ["reacgan", "spade_bones"]


@dataclass
class Made:
    """A page, its key, and the image sets behind it by source."""

    page: Path
    key_file: Path
    image_sets: dict

    @property
    def key(self):
        return read_key(self.key_file)

    @property
    def ids(self):
        return set(self.key["image"])

    @property
    def uris(self):
        """What the page carries: {id: data URI}, in its order."""
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.page.read_text(), re.DOTALL)
        return dict(json.loads(data[1])["images"])


def noise(per_class, seed):
    """Return an ImageSet of that many images of noise per class."""
    names = [name for name in CLASSES for _ in range(per_class)]
    rows = pd.DataFrame({"class": names, "label": [CLASSES.index(name) for name in names]})
    rows.insert(0, "file_name", [f"{name}/{number:03}.png" for number, name in enumerate(names)])
    images = np.random.default_rng(seed).integers(0, 256, (len(rows), 8, 8, 3), np.uint8)
    return ImageSet(images, rows, CLASSES)


def make_form(folder, per_source=3, seed=0, per_class=4):
    """Write a form of real images, half of them held out, and of two makers' images; return what was Made."""
    image_sets = {name: noise(per_class, number) for number, name in enumerate(["real", *MAKERS])}
    paths = {name: folder / f"{name}.zip" for name in image_sets}
    for name, path in paths.items():
        write_image_set(path, image_sets[name])
    rows = image_sets["real"].rows
    subset = rows.assign(group=rows["file_name"], part=["val" if number % 2 else "fit" for number in range(len(rows))])
    subset.to_csv(folder / "subset.csv", index=False)
    made = Made(folder / "form.html", folder / "form.csv", image_sets)
    options = {"makers": MAKERS, "images_per_source": per_source, "seed": seed}
    arguments = ["--crops", paths["real"], "--subset", folder / "subset.csv", "--page", made.page, "--key"]
    arguments += [made.key_file, "--images", *(paths[name] for name in MAKERS)]
    run(form, options, arguments)
    return made


def run(module, options, arguments):
    """Call the main() of a stage as its command does."""
    before, sys.argv = sys.argv, [module.__name__, "--options", json.dumps(options), *map(str, arguments)]
    try:
        module.main()
    finally:
        sys.argv = before


def rows_of(ids, rater, ratings):
    """Return the rows of an exported file, header first; `ratings` of the first images by id, the others unrated."""
    given = [*map(str, ratings), *[""] * len(ids)]
    image_set = image_set_of(ids)
    rows = [
        [rater, image_set, str(place), image, rating]
        for place, (image, rating) in enumerate(zip(sorted(ids), given, strict=False), start=1)
    ]
    return [["rater", "image_set", "position", "image", "rating"], *rows]
