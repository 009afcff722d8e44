"""Forms for the human score of Tables 3 and 4: a web page that shows images one by one, and which image is whose.

Section 5.1: every participant was given 10 images of each generated data set, real ones among them, and assigned each a
score from 1 to 5. Here all are given the same images, each in an order of their own, so that one can tell how far they
agree. Real images are held-out ones of the training crops: no generator has learnt from them, and test images stay
unseen. The page is one file that fetches nothing and says of no image where it is from.
"""

import base64
from pathlib import Path

import cv2
import jinja2
import pandas as pd

from pipeline.chance import seed_of
from pipeline.data.archive import read_image_set, read_metadata
from pipeline.data.files import replacing
from pipeline.data.subset import read_rows
from pipeline.rating.key import COLUMNS, REAL, image_ids, image_set_of
from pipeline.stage import note, run_stage, stage_arguments

_TEMPLATE = Path(__file__).with_name("form.html")


def drawn_names(rows, source, count, seed):
    """Return the file names of at most `count` images of a source, spread over classes as evenly as these allow.

    Where not every class has its turn, all sources show the same ones, as far as they have them.
    """
    rows = rows.assign(
        place=[seed_of(seed, "rating", "class", name) for name in rows["class"]],
        order=[seed_of(seed, "rating", source, name) for name in rows["file_name"]],
    ).sort_values("order")
    rows = rows.assign(turn=rows.groupby("class").cumcount()).sort_values(["turn", "place"])
    return rows["file_name"].head(count).tolist()


def held_out_names(subset):
    """Return the file names of the images that a subset keeps from its generators."""
    rows = read_rows(subset)
    return set(rows.loc[rows["part"] == "val", "file_name"])


def write_page(path, images):
    """Write the page of {id: image uint8 (H, W, 3) RGB}; images come in the order of their ids, which says nothing."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    page = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    data = {"image_set": image_set_of(images), "images": [[name, png_uri(images[name])] for name in sorted(images)]}
    with replacing(path) as beside:
        beside.write_text(page.render(data=data), encoding="utf-8")


def png_uri(image):
    """Return an image uint8 (H, W, 3) RGB as the text that stands for it in a page."""
    png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
    return "data:image/png;base64," + base64.b64encode(png).decode()


def main():
    parser = stage_arguments(__doc__, inputs=["crops", "subset"], outputs=["page", "key"])
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="generated image sets, one per maker")
    args = parser.parse_args()
    options, held_out = args.options, held_out_names(args.subset)
    sources = [(REAL, args.crops), *zip(options["makers"], args.images, strict=True)]
    keys, images = [], []
    for source, path in sources:
        rows, _ = read_metadata(path)
        rows = rows[rows["file_name"].isin(held_out)] if source == REAL else rows
        names = drawn_names(rows, source, options["images_per_source"], options["seed"])
        if len(names) < options["images_per_source"]:
            remedy = "val_fraction" if source == REAL else "generation.images_per_class"
            asked = f"{options['images_per_source']} were asked; raise the study's {remedy}"
            note(f"{path}: the form shows {len(names)} images of {source}; {asked}")
        chosen = read_image_set(path, keep=lambda rows, names=names: rows["file_name"].isin(names))
        keys.append(chosen.rows[["class", "file_name"]].assign(source=source))
        images += list(chosen.images)
    key = pd.concat(keys, ignore_index=True).assign(image=image_ids(images))[COLUMNS]
    write_page(args.page, dict(zip(key["image"], images, strict=True)))
    with replacing(args.key) as beside:
        key.to_csv(beside, index=False)
    print(f"{len(key)} images of {len(sources)} sources, image set {image_set_of(key['image'])}")


if __name__ == "__main__":
    run_stage(main)
