"""Square crops around the hand, with its keypoints carried along: the images that every later stage works on.

Crops are "centered on the hands", as the paper's text says (Section 4.2); the released code cuts the frame's middle.
Pixel i has its centre at coordinate i, in the photograph and in the crop. Processes share the crops part by part, and
finished parts are kept until all are.
"""

import functools
import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.data.archive import encode_png, keypoints_json, write_encoded
from pipeline.data.manifest import expect_whole_archives, load_photograph, photograph_stamp, read_manifest
from pipeline.data.parts import discard_parts, in_parts, part_path, read_arrays, write_arrays
from pipeline.data.split import read_split
from pipeline.poses.pose_set import read_pose_set
from pipeline.sources import code_digest
from pipeline.stage import WrongInput, run_stage, stage_arguments
from pipeline.workers import Workers


class Square(NamedTuple):
    """Whole pixels of a photograph: the column and row of the first one, and the side. It may reach beyond the edge."""

    left: int
    top: int
    side: int


def hand_square(keypoints, margin):
    """Return the square with the middle of the keypoints' box and (1 + margin) times its longer side.

    keypoints (21, 2) in pixels; missing joints (NaN) do not count. Rounded to whole pixels, so that carrying
    keypoints is exact: the middle moves by half a pixel at most.
    """
    low, high = np.nanmin(keypoints, axis=0), np.nanmax(keypoints, axis=0)
    side = max(1, round((1 + margin) * float(max(high - low))))
    # The pixels left .. left + side - 1 have their middle at left + (side - 1) / 2.
    left, top = np.round((low + high) / 2 - (side - 1) / 2).astype(int)
    return Square(int(left), int(top), side)


def crop_image(image, square, size):
    """Return the square of an image as uint8 (size, size, 3); beyond the edge its last pixels are repeated."""
    height, width = image.shape[:2]
    rows = np.clip(np.arange(square.top, square.top + square.side), 0, height - 1)
    columns = np.clip(np.arange(square.left, square.left + square.side), 0, width - 1)
    cut = np.ascontiguousarray(image[rows][:, columns])
    # Averaging when it shrinks, or fine structure would alias; smooth when it grows.
    return cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA if square.side > size else cv2.INTER_CUBIC)


def crop_keypoints(keypoints, square, size):
    """Carry keypoints (..., 2) from the photograph to its crop: edges scale, so centres are half a pixel off them."""
    return (keypoints - [square.left, square.top] + 0.5) * (size / square.side) - 0.5


def crop_rows(split, poses, options):
    """Return (rows of a crops archive, squares) for rows of a split; raise WrongInput for one without a pose."""
    position_of = {name: position for position, name in enumerate(poses.names.tolist())}
    found, names, texts, squares = poses.found, [], [], []
    for position, photograph, label in zip(split.index, split["name"], split["class"], strict=True):
        pose = position_of.get(photograph)
        if pose is None or not found[pose]:
            raise WrongInput(
                f"split, row {position + 1}: {photograph} has no pose; expected only photographs with one;"
                " make the split again from these poses"
            )
        square = hand_square(poses.keypoints[pose], options["margin"])
        texts.append(keypoints_json(crop_keypoints(poses.keypoints[pose], square, options["size"])))
        names.append(_file_name(position, label, photograph))
        squares.append(square)
    rows = split.assign(file_name=names, keypoints=texts).reset_index(drop=True)
    return rows[["file_name", "label", "class", "group", "keypoints", "name"]], squares


def class_names(split):
    """Return the classes by label; raise WrongInput unless the labels are 0, 1, ... with one class each."""
    pairs = sorted({(int(label), name) for label, name in zip(split["label"], split["class"], strict=True)})
    if [label for label, _ in pairs] != list(range(len(pairs))):
        raise WrongInput(
            f"split: labels and classes {pairs}; expected labels 0, 1, ... with one class each; make it again"
        )
    return [name for _, name in pairs]


def _file_name(position, label, name):
    """Return <class>/<stem>_<row of the split>.png in characters that all file systems take; the row is unique."""
    folder, stem = (re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in (label, PurePosixPath(name).stem))
    return f"{folder}/{stem}_{position:06d}.png"


def read_pngs(path):
    """Return the PNGs of a part that is kept; None where it is absent, damaged or something else."""
    arrays = read_arrays(path, {"png": ((), "u"), "length": ((), "i")})
    if arrays is None or (arrays["length"] < 0).any() or arrays["length"].sum() != len(arrays["png"]):
        return None
    ends, lengths = np.cumsum(arrays["length"]), arrays["length"]
    return [arrays["png"][end - length : end].tobytes() for end, length in zip(ends, lengths, strict=True)]


@dataclass
class Cropping:
    """The work on a part of the crops, as each process does it."""

    size: int
    state: Path
    megapixels: float

    @functools.cached_property
    def _came_from(self):
        return [self.size, code_digest("pipeline.poses.crop")]

    def pngs(self, task):
        """Return the crops of (number, [(path, Square)]) as PNGs; a part that is kept is not cut again.

        It is one of the same photographs, by their files' stamps: they may be mended in place before the job goes on.
        """
        number, cuts = task
        photographs = [photograph_stamp(place) for place, _ in cuts]
        path = part_path(self.state, number, self._came_from, cuts, photographs)
        pngs = read_pngs(path)
        if pngs is None or len(pngs) != len(cuts):
            pngs = [self._png(place, square) for place, square in cuts]
            lengths = np.array([len(png) for png in pngs])
            write_arrays(path, {"png": np.frombuffer(b"".join(pngs), np.uint8), "length": lengths})
        return pngs

    def _png(self, place, square):
        return encode_png(crop_image(load_photograph(place, self.megapixels), square, self.size))


def main():
    args = stage_arguments(__doc__, ["manifest", "poses", "split", "state"], ["train", "test"]).parse_args()
    split = read_split(args.split)
    paths = read_manifest(args.manifest, ["name", "path"]).set_index("name")["path"]
    expect_whole_archives(paths)
    poses, names = read_pose_set(args.poses), class_names(split)
    cropping = Cropping(args.options["size"], args.state, args.options["megapixels_at_most"])
    with Workers(cropping, args.threads) as workers:
        for part, out in (("train", args.train), ("test", args.test)):
            rows, squares = crop_rows(split[split["part"] == part], poses, args.options)
            cuts = list(zip(paths[rows["name"]], squares, strict=True))
            pngs = itertools.chain.from_iterable(workers.each("pngs", enumerate(in_parts(cuts))))
            write_encoded(out, pngs, rows, names)
            print(f"{part}: {len(rows)} crops, per class {json.dumps(rows['class'].value_counts().to_dict())}")
    discard_parts(args.state)


if __name__ == "__main__":
    run_stage(main)
