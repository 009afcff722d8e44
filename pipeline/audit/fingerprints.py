"""What two images are compared by: equal pixels, a perceptual hash, and the features of a network.

An image may show another one mirrored, or moved by a pixel or two, as the crops of neighbouring frames are. So it has
several views, of which the nearest counts; what it is compared with is seen as it is.
"""

import hashlib
import itertools
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import torch

from pipeline.data.archive import read_image_set
from pipeline.metrics.features import described

MEASURES = ("hash", "features")
_GREY, _LOWEST = 32, 8  # pixels a side of what is hashed; frequencies a side of the hash
_SHIFT = 2  # pixels
# The hash alone sees the moved views: of the features each would cost a pass of the network.
_SHIFTS = ((0, 0), *(shift for shift in itertools.product((-_SHIFT, 0, _SHIFT), repeat=2) if any(shift)))
_CHUNK = 1024  # images whose pixels are in memory


class Fingerprints(NamedTuple):
    """Of N images: rows (file_name, class, group, name where known); pixels and a vector per measure, by view.

    pixels: digests (2, N) of the image and of its mirror image. vectors: {measure: (V, N, D) float16}, the first view
    being the image as it is. D = 64 of the hash, ±0.5 each: the squared distance is the number of bits that differ.
    """

    rows: pd.DataFrame
    pixels: np.ndarray
    vectors: dict

    @property
    def groups(self):
        """Number (N,) of each image's group."""
        return pd.factorize(self.rows["group"])[0]


def perceptual_hash(grey):
    """Return 64 bits, as ±0.5 float32 (N, 64), of images uint8 (N, H, W): which frequencies exceed their median.

    pHash (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", Section 3.2): the cosine
    transform of the grey image in 32x32 pixels, its frequencies 1 to 8 both ways, without the constant.
    """
    small = np.stack([cv2.resize(one, (_GREY, _GREY), interpolation=cv2.INTER_AREA) for one in grey]).astype(float)
    waves = np.cos(np.pi * np.outer(np.arange(1, _LOWEST + 1), 2 * np.arange(_GREY) + 1) / (2 * _GREY))
    frequencies = (waves @ small @ waves.T).reshape(len(grey), -1)
    return np.where(frequencies > np.median(frequencies, axis=1, keepdims=True), 0.5, -0.5).astype(np.float32)


def fingerprints(archives, network, as_it_is=False):
    """Return the Fingerprints of images [(path of an image set, positions in it)], in this order.

    as_it_is: of that view alone, which is enough for what others are compared with.
    """
    count = sum(len(positions) for _, positions in archives)
    mirrors, shifts = ((1,), _SHIFTS[:1]) if as_it_is else ((1, -1), _SHIFTS)
    found, rows, start = Fingerprints(None, np.empty((len(mirrors), count), "S16"), {}), [], 0
    # Half precision: of 40,000 images and their mirror images the features take 0.2 GB.
    found.vectors["hash"] = torch.empty((len(mirrors) * len(shifts), count, _LOWEST**2), dtype=torch.float16)
    for path, positions in archives:
        for first in range(0, len(positions), _CHUNK):
            part = images_at(path, positions[first : first + _CHUNK])
            here = slice(start, start + len(part))
            for view, step in enumerate(mirrors):
                images = np.ascontiguousarray(part.images[:, :, ::step])
                found.pixels[view, here] = [hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in images]
                grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
                for number, shift in enumerate(shifts, view * len(shifts)):
                    found.vectors["hash"][number, here] = torch.as_tensor(perceptual_hash(moved(grey, *shift))).half()
                features = described(images, network).features.half()
                shape = (len(mirrors), count, features.shape[1])
                found.vectors.setdefault("features", torch.empty(shape, dtype=torch.float16))[view, here] = features
            rows.append(part.rows)
            start += len(part)
    return found._replace(rows=pd.concat(rows, ignore_index=True))


def moved(images, down, right):
    """Return images (N, H, W, ...) moved by so many pixels; what comes in at an edge repeats it."""
    rows, columns = (np.arange(size) - by for size, by in zip(images.shape[1:3], (down, right), strict=True))
    rows, columns = (np.clip(places, 0, len(places) - 1) for places in (rows, columns))
    return images[:, rows][:, :, columns]


def images_at(path, positions):
    """Return the ImageSet of these positions of an image set, in this order."""
    wanted, order = np.unique(positions, return_inverse=True)
    return read_image_set(path, keep=lambda rows: rows.index.isin(wanted)).select(order)
