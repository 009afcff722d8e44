"""What two images are compared by: equal pixels, a perceptual hash, and the features of a network; also mirrored."""

import hashlib
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import torch

from pipeline.data.archive import read_image_set
from pipeline.metrics.features import described

MEASURES = ("hash", "features")
_GREY, _LOWEST = 32, 8  # pixels a side of what is hashed; frequencies a side of the hash
_CHUNK = 1024  # images whose pixels are in memory


class Fingerprints(NamedTuple):
    """Of N images: rows (file_name, class, group, name where known), pixels and a vector per measure, by view.

    Views V are the image and its mirror image, or the image alone. pixels: digests (V, N); vectors: {measure: (V, N, D)
    float16}, D = 64 of the hash, ±0.5 each, so that the squared distance is the number of bits that differ.
    """

    rows: pd.DataFrame
    pixels: np.ndarray
    vectors: dict

    @property
    def groups(self):
        """Number (N,) of each image's group."""
        return pd.factorize(self.rows["group"])[0]


def perceptual_hash(images):
    """Return 64 bits, as ±0.5 float32 (N, 64), of images uint8 (N, H, W, 3): which frequencies exceed their median.

    pHash (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", Section 3.2): the cosine
    transform of the grey image in 32x32 pixels, its frequencies 1 to 8 both ways, without the constant.
    """
    grey = [cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY) for image in images]
    small = np.stack([cv2.resize(one, (_GREY, _GREY), interpolation=cv2.INTER_AREA) for one in grey]).astype(float)
    waves = np.cos(np.pi * np.outer(np.arange(1, _LOWEST + 1), 2 * np.arange(_GREY) + 1) / (2 * _GREY))
    frequencies = (waves @ small @ waves.T).reshape(len(images), -1)
    return np.where(frequencies > np.median(frequencies, axis=1, keepdims=True), 0.5, -0.5).astype(np.float32)


def fingerprints(archives, network, mirrored=True):
    """Return the Fingerprints of images [(path of an image set, positions in it)], in this order."""
    count, views = sum(len(positions) for _, positions in archives), 2 if mirrored else 1
    found, rows, start = Fingerprints(None, np.empty((views, count), "S16"), {}), [], 0
    for path, positions in archives:
        for first in range(0, len(positions), _CHUNK):
            part = images_at(path, positions[first : first + _CHUNK])
            for view, images in enumerate(_views(part.images)[:views]):
                place = (view, slice(start, start + len(part)))
                found.pixels[place] = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
                _keep(found.vectors, "hash", torch.as_tensor(perceptual_hash(images)), place, (views, count))
                _keep(found.vectors, "features", described(images, network).features, place, (views, count))
            rows.append(part.rows)
            start += len(part)
    return found._replace(rows=pd.concat(rows, ignore_index=True))


def _views(images):
    return images, np.ascontiguousarray(images[:, :, ::-1])


def _keep(vectors, measure, found, place, shape):
    # Half precision: of 40,000 images and their mirror images the features take 0.2 GB.
    if measure not in vectors:
        vectors[measure] = torch.empty((*shape, found.shape[1]), dtype=torch.float16)
    vectors[measure][place] = found.half()


def images_at(path, positions):
    """Return the ImageSet of these positions of an image set, in this order."""
    wanted, order = np.unique(positions, return_inverse=True)
    return read_image_set(path, keep=lambda rows: rows.index.isin(wanted)).select(order)
