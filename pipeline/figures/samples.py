"""Figure 6: real and generated images of the same classes, a row per condition."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pipeline.data.archive import read_image_set
from pipeline.figures.style import TINY, WIDTH, figure_arguments, in_words, save_figure
from pipeline.stage import run_stage

_NUM_CLASSES = 10
_LEFT, _HEADING, _GAP = 0.95, 0.36, 0.03  # inches: room for names of rows, for names of classes, between images
_LETTERS, _WORDS = 13, 20  # letters per line above an image, and before a row


def first_of_each(rows):
    """Return the mask of the first image of each class; rows: metadata."""
    return ~rows["label"].duplicated()


def choose_labels(crops, most=_NUM_CLASSES):
    """Return up to `most` labels, evenly over the classes from the one with most training crops to that with fewest."""
    counts = np.bincount(crops["label"])
    order = [label for label in np.argsort(-counts, kind="stable") if counts[label]]
    return [int(order[place]) for place in np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int)]


def draw_samples(blocks):
    """Return the Figure of {data set: (class names, {row: images uint8 (K, H, W, 3)})}, one block below the other."""
    tile = (WIDTH - _LEFT) / max(len(names) for names, _ in blocks.values())
    height = sum(_HEADING + tile * len(rows) for _, rows in blocks.values())
    figure = Figure(figsize=(WIDTH, height))
    top = height
    for dataset, (names, rows) in blocks.items():
        figure.text(0.02 / WIDTH, (top - 0.06) / height, dataset, va="top", weight="bold")
        top -= _HEADING
        for number, (heading, images) in enumerate(rows.items()):
            top -= tile
            figure.text(
                (_LEFT - 0.08) / WIDTH, (top + tile / 2) / height, heading, ha="right", va="center", fontsize=TINY
            )
            for column, (image, name) in enumerate(zip(images, names, strict=True)):
                place = (_LEFT + column * tile, top, tile - _GAP, tile - _GAP)
                axes = figure.add_axes([part / whole for part, whole in zip(place, (WIDTH, height) * 2, strict=True)])
                axes.imshow(image, interpolation="nearest")
                axes.axis("off")
                if number == 0:
                    axes.set_title(textwrap.fill(name, _LETTERS), fontsize=TINY, pad=2)
    return figure


def main():
    args = figure_arguments(__doc__, inputs=["crops", "images"]).parse_args()
    images = {Path(path).stem: path for path in args.images}
    blocks = {}
    for path in args.crops:
        dataset = Path(path).stem.removesuffix("-train")
        real = read_image_set(path)
        labels = choose_labels(real.rows)
        rows = {"real": _pick(real, labels)}
        for name, origin, maker in args.options["sets"]:
            if origin == dataset:
                rows[textwrap.fill(in_words(maker), _WORDS)] = _pick(
                    read_image_set(images[name], keep=first_of_each), labels
                )
        blocks[dataset] = ([real.class_names[label] for label in labels], rows)
    save_figure(draw_samples(blocks), args.png, args.pdf)


def _pick(image_set, labels):
    """Return the first image of each label (K, H, W, 3)."""
    return image_set.images[[int(np.flatnonzero(image_set.labels == label)[0]) for label in labels]]


if __name__ == "__main__":
    run_stage(main)
