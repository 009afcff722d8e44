"""Image sets: one ZIP of PNGs with metadata.csv inside, which file managers and Hugging Face `datasets` open.

metadata.csv has one row per image: file_name, label (position in class_names), class, group (clip or signer),
and, where they are known, keypoints as JSON [[x, y] * 21] in pixels. class_names.json fixes the label order,
so that it never depends on how folder names sort.
"""

import io
import json
import zipfile
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from pipeline.data.files import replacing
from pipeline.data.headers import expect_memory_for, size_in_header
from pipeline.data.tree import ZIP_DAMAGE, read_member
from pipeline.memory import expect_memory
from pipeline.stage import WrongInput

# A fixed date makes equal content equal bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass
class ImageSet:
    """Images uint8 (N, H, W, 3) RGB, their rows of metadata in the same order, the classes by label, and the file."""

    images: np.ndarray
    rows: pd.DataFrame
    class_names: list
    path: str = ""

    def __len__(self):
        return len(self.rows)

    @property
    def labels(self):
        """Labels (N,) int64."""
        return self.rows["label"].to_numpy(np.int64)

    @property
    def keypoints(self):
        """Keypoints (N, 21, 2) float32 in pixels, x before y."""
        return np.array([self._pose(row) for row in self.rows.to_dict("records")], np.float32).reshape(-1, 21, 2)

    def _pose(self, row):
        pose = read_keypoints(row["keypoints"])
        if pose is None:
            raise WrongInput(
                f"{self.path}, {row['file_name']}: its keypoints are not 21 pairs [x, y]; have the image set made again"
            )
        return pose

    def select(self, positions):
        """Return the images at these positions, in this order."""
        rows = self.rows.iloc[positions].reset_index(drop=True)
        return ImageSet(self.images[positions], rows, self.class_names, self.path)


def keypoints_json(keypoints):
    """Write keypoints (21, 2) in pixels as metadata.csv holds them: JSON, hundredths of a pixel, null where missing."""
    rounded = np.round(np.asarray(keypoints, float), 2)
    return json.dumps(np.where(np.isnan(rounded), None, rounded).tolist())


def read_keypoints(text):
    """Return keypoints float32 (21, 2) of JSON [[x, y] * 21], NaN where null; None where the text is something else."""
    try:
        pose = np.array(json.loads(text), np.float32)
    except (ValueError, TypeError, RecursionError):
        return None
    return pose if pose.shape == (21, 2) and not np.isinf(pose).any() else None


def write_image_set(path, image_set):
    """Write an ImageSet; `images` may be any iterable of uint8 (H, W, 3) RGB arrays."""
    write_encoded(path, map(encode_png, image_set.images), image_set.rows, image_set.class_names)


def encode_png(image):
    """Return an image uint8 (H, W, 3) RGB as the bytes of a PNG."""
    ok, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise ValueError(f"an image of shape {image.shape} could not be encoded")
    return png.tobytes()


def write_encoded(path, pngs, rows, class_names):
    """Write an image set of images that are PNGs already, any iterable in the order of the rows."""
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        for name, png in zip(rows["file_name"], pngs, strict=True):
            archive.writestr(zipfile.ZipInfo(name, _DATE), png)
        archive.writestr(zipfile.ZipInfo("metadata.csv", _DATE), rows.to_csv(index=False))
        archive.writestr(zipfile.ZipInfo("class_names.json", _DATE), json.dumps(list(class_names)))


def read_metadata(path):
    """Return (rows, class_names) of an image set without decoding its images."""
    with _opened(path) as archive:
        return _metadata(archive)


def read_image_set(path, keep=None):
    """Read an ImageSet; keep(rows) may return a boolean mask of the rows to decode."""
    with _opened(path) as archive:
        rows, class_names = _metadata(archive)
        if keep is not None:
            rows = rows[keep(rows)].reset_index(drop=True)
        images = _decoded(archive, path, rows["file_name"].tolist())
    return ImageSet(images, rows, class_names, str(path))


def _decoded(archive, path, names):
    """Return the named images (N, H, W, 3) in one array, for which there must be memory; none: (0, 0, 0, 3)."""
    images = np.zeros((0, 0, 0, 3), np.uint8)
    for position, name in enumerate(names):
        image = decode_image(read_member(archive, name), f"{path}/{name}")
        if position == 0:
            size = f"{image.shape[1]}x{image.shape[0]}"
            expect_memory(len(names) * image.nbytes, f"{path}, {len(names)} images of {size}")
            images = np.empty((len(names), *image.shape), np.uint8)
        if image.shape != images.shape[1:]:
            sizes = f"{image.shape[1]}x{image.shape[0]} pixels; expected {images.shape[2]}x{images.shape[1]}"
            raise WrongInput(f"{path}/{name}: {sizes} as the first; have the image set made again")
        images[position] = image
    return images


def decode_image(data, name):
    """Decode image bytes to uint8 (H, W, 3) RGB, upright as EXIF says; `name` appears in the error."""
    expect_memory_for(size_in_header(data, name), name)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as refused:
        if refused.code == cv2.Error.StsNoMem:
            raise MemoryError(f"{name}: {refused.err}") from None
        raise WrongInput(f"{name}: not a readable image ({refused.err}); mend it or remove it") from None
    if bgr is None:
        raise WrongInput(f"{name}: not a readable image; restore the file or remove it from the data set")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _opened(path):
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise WrongInput(f"{path}: no such image set; run Snakemake to make it") from None
    except IsADirectoryError:
        raise WrongInput(f"{path}: a folder; expected an image set, one ZIP archive; name the ZIP") from None
    except ZIP_DAMAGE:
        raise WrongInput(f"{path}: not a complete ZIP archive; delete it and run Snakemake again") from None


def _metadata(archive):
    # Names stay text: a class called "1", a group called "007" or an empty field must survive the round trip.
    try:
        rows = pd.read_csv(io.BytesIO(read_member(archive, "metadata.csv")), dtype=str, keep_default_na=False)
        rows["label"] = rows["label"].astype(np.int64)
        class_names = json.loads(read_member(archive, "class_names.json"))
        misfit = _misfit(rows, class_names)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as wrong:
        misfit = str(wrong)
    if misfit:
        raise WrongInput(
            f"{archive.filename}: not an image set ({misfit}); expected metadata.csv with file_name, label and class,"
            " and class_names.json; make it with this project"
        )
    return rows, class_names


def _misfit(rows, class_names):
    """Return what is wrong with the rows and classes of an image set, or None."""
    missing = {"file_name", "class"} - set(rows)
    if missing or not isinstance(rows.index, pd.RangeIndex):
        return f"metadata.csv has the columns {', '.join(rows)}, and rows of another length"
    if not isinstance(class_names, list) or not all(isinstance(name, str) for name in class_names):
        return "class_names.json is no list of names"
    wrong = rows.index[(rows["label"] < 0) | (rows["label"] >= len(class_names))]
    return f"metadata.csv, row {wrong[0] + 2}: label {rows['label'][wrong[0]]} of no class" if len(wrong) else None
