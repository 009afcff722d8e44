"""Image sets: how many images of which class, how large and how bright, and a contact sheet."""

import contextlib
import zipfile
import zlib
from collections import Counter

import numpy as np

from pipeline.data.archive import decode_image, read_image_set, read_metadata
from pipeline.inspect.contents import Contents, in_one_line, listed
from pipeline.stage import WrongInput

_PHOTOGRAPHS_PER_CLASS, _GENERATED_PER_CLASS = 3, 8
# Pixels; what a pose looks like here, not what a generator was given.
_SHOWN_SIGMA = 2.0


def read(path):
    """Return the Contents of an image set; raise WrongInput where metadata and images do not belong together."""
    with _whole(path):
        rows, class_names = read_metadata(path)
    _check(path, rows, class_names)
    return Contents(
        "image set",
        f"{len(rows)} images of {len(class_names)} classes",
        lines=lambda: _lines(path, rows, class_names),
        draw=lambda: _sheet(path, rows),
    )


@contextlib.contextmanager
def _whole(name):
    """Turn what zipfile raises for damaged members into one WrongInput; `name` appears in it."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as wrong:
        raise WrongInput(
            f"{name}: damaged ({in_one_line(wrong)}); delete the archive and run Snakemake again"
        ) from None


def _check(path, rows, class_names):
    unnamed = {"file_name", "class"} - set(rows)
    if unnamed:
        raise WrongInput(f"{path}/metadata.csv: no column {min(unnamed)}; delete the archive and run Snakemake again")
    with zipfile.ZipFile(path) as archive:
        missing = set(rows["file_name"]) - set(archive.namelist())
    if missing:
        raise WrongInput(
            f"{path}: metadata.csv lists {min(missing)}, which the archive does not hold; delete it and run"
            " Snakemake again"
        )
    if rows.empty:
        raise WrongInput(f"{path}: an image set without images; delete it and run Snakemake again")
    beyond = rows.index[~rows["label"].between(0, len(class_names) - 1)]
    if len(beyond):
        raise WrongInput(
            f"{path}/metadata.csv, row {beyond[0] + 2}: label {rows['label'][beyond[0]]} is not in"
            f" 0..{len(class_names) - 1}; delete the archive and run Snakemake again"
        )


def _lines(path, rows, class_names):
    shapes, darkest, brightest, mean = _pixels(path, rows["file_name"])
    sizes = ", ".join(f"{width} x {height}: {count}" for (height, width), count in shapes.most_common())
    lines = [
        f"{len(rows)} images of {len(class_names)} classes",
        f"width x height: {sizes}",
        f"pixels: lowest {darkest}, highest {brightest}, mean {mean:.1f} of 0..255",
    ]
    if "group" in rows:
        lines.append(f"groups (clips or signers): {rows['group'].nunique()}")
    for column in ("keypoints", "landmarks"):
        if column in rows:
            lines.append(f"with {column}: {int((rows[column] != '').sum())}")
    if "score" in rows:
        scores = rows["score"].astype(float)
        lines.append(f"scores: lowest {scores.min():.4f}, median {scores.median():.4f}, highest {scores.max():.4f}")
    counts = rows["label"].value_counts()
    return [*lines, "images per class", *listed({name: counts.get(i, 0) for i, name in enumerate(class_names)})]


def _pixels(path, names):
    """Return (Counter of (height, width), lowest, highest, mean), with one image in memory at a time."""
    shapes, lowest, highest, total, count = Counter(), 255, 0, 0, 0
    with zipfile.ZipFile(path) as archive:
        for name in names:
            with _whole(f"{path}/{name}"):
                image = decode_image(archive.read(name), f"{path}/{name}")
            shapes[image.shape[:2]] += 1
            lowest, highest = min(lowest, int(image.min())), max(highest, int(image.max()))
            total, count = total + int(image.sum(dtype=np.int64)), count + image.size
    return shapes, lowest, highest, total / count


def _sheet(path, rows):
    from pipeline.report.sheets import crops_sheet, generated_sheet, lay_out_sheet  # torch: only for those who look

    posed = "keypoints" in rows and (rows["keypoints"] != "").all()
    # Crops know the photograph they were cut from.
    cropped = posed and "name" in rows
    per_class = _PHOTOGRAPHS_PER_CLASS if cropped else _GENERATED_PER_CLASS // (2 if posed else 1)
    shown = read_image_set(path, keep=lambda every: every.groupby("label").cumcount() < per_class)
    if "keypoints" not in shown.rows:
        shown.rows["keypoints"] = ""
    sheet = crops_sheet if cropped else generated_sheet
    heading = "crop, pose, keypoint maps, bone maps" if cropped else "pose, image" if posed else "images"
    return lay_out_sheet([(heading, sheet(shown, per_class, _SHOWN_SIGMA))])
