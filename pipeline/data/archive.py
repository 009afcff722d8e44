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
from pipeline.stage import WrongInput

# A fixed date makes equal content equal bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass
class ImageSet:
    """Images uint8 (N, H, W, 3) RGB, their rows of metadata in the same order, and the classes by label."""

    images: np.ndarray
    rows: pd.DataFrame
    class_names: list

    def __len__(self):
        return len(self.rows)

    @property
    def labels(self):
        """Labels (N,) int64."""
        return self.rows["label"].to_numpy(np.int64)

    @property
    def keypoints(self):
        """Keypoints (N, 21, 2) float32 in pixels, x before y."""
        return np.array([json.loads(text) for text in self.rows["keypoints"]], np.float32).reshape(-1, 21, 2)

    def select(self, positions):
        """Return the images at these positions, in this order."""
        rows = self.rows.iloc[positions].reset_index(drop=True)
        return ImageSet(self.images[positions], rows, self.class_names)


def keypoints_json(keypoints):
    """Write keypoints (21, 2) in pixels as metadata.csv holds them: JSON, hundredths of a pixel, null where missing."""
    rounded = np.round(np.asarray(keypoints, float), 2)
    return json.dumps(np.where(np.isnan(rounded), None, rounded).tolist())


def write_image_set(path, image_set):
    """Write an ImageSet; `images` may be any iterable of uint8 (H, W, 3) RGB arrays."""
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        names = iter(image_set.rows["file_name"])
        for image in image_set.images:
            ok, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            if not ok:
                raise ValueError(f"{path}: an image of shape {image.shape} could not be encoded")
            archive.writestr(zipfile.ZipInfo(next(names), _DATE), png.tobytes())
        archive.writestr(zipfile.ZipInfo("metadata.csv", _DATE), image_set.rows.to_csv(index=False))
        archive.writestr(zipfile.ZipInfo("class_names.json", _DATE), json.dumps(list(image_set.class_names)))


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
        images = [decode_image(archive.read(name), f"{path}/{name}") for name in rows["file_name"]]
    empty = np.zeros((0, 0, 0, 3), np.uint8)
    return ImageSet(np.stack(images) if images else empty, rows, class_names)


def decode_image(data, name):
    """Decode image bytes to uint8 (H, W, 3) RGB, upright as EXIF says; `name` appears in the error."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
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
    except zipfile.BadZipFile:
        raise WrongInput(f"{path}: not a complete ZIP archive; delete it and run Snakemake again") from None


def _metadata(archive):
    # Names stay text: a class called "1", a group called "007" or an empty field must survive the round trip.
    try:
        rows = pd.read_csv(io.BytesIO(archive.read("metadata.csv")), dtype=str, keep_default_na=False)
        rows["label"] = rows["label"].astype(np.int64)
        return rows, json.loads(archive.read("class_names.json"))
    except (KeyError, ValueError) as misfit:
        raise WrongInput(
            f"{archive.filename}: not an image set ({misfit}); expected metadata.csv with file_name, label and class,"
            " and class_names.json; make it with this project"
        ) from None
