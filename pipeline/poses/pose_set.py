"""The poses of a data set as one NPZ: a row per photograph, whether or not it shows a hand."""

from dataclasses import dataclass, fields

import numpy as np

from pipeline.data.parts import write_arrays
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.stage import WrongInput

# {array: (shape of one photograph's row, kind of numpy's types)}
_EXPECTED = {
    "names": ((), "U"),
    "keypoints": ((NUM_KEYPOINTS, 2), "f"),
    "confidence": ((NUM_KEYPOINTS,), "f"),
    "side": ((), "U"),
    "size": ((2,), "i"),
    "detector": ((), "U"),
}


@dataclass
class PoseSet:
    """names (N,) unicode; keypoints (N, 21, 2) float32 in pixels of the photograph, NaN where there is none;

    confidence (N, 21) float32 in 0..1; side (N,) "left", "right" or ""; size (N, 2) int64, width before height,
    0 where the photograph could not be read; detector: what found them.
    """

    names: np.ndarray
    keypoints: np.ndarray
    confidence: np.ndarray
    side: np.ndarray
    size: np.ndarray
    detector: str

    @property
    def found(self):
        """Mask (N,): photographs with a hand, of which single joints may still be missing."""
        return np.isfinite(self.keypoints).all(axis=2).any(axis=1)


def write_pose_set(path, poses):
    """Write a PoseSet; equal poses give equal bytes."""
    write_arrays(path, {field.name: getattr(poses, field.name) for field in fields(PoseSet)})


def read_pose_set(path):
    """Read a PoseSet; raise WrongInput where it is missing, damaged or something else."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {field.name: arrays[field.name] for field in fields(PoseSet)}
        _check(found)
    except Exception as wrong:  # numpy raises many kinds for a damaged file
        reason = " ".join(str(wrong).split())[:300]
        raise WrongInput(f"{path}: no complete set of poses ({reason}); delete it and run Snakemake again") from None
    return PoseSet(**found | {"detector": str(found["detector"])})


def _check(arrays):
    """Raise ValueError unless the arrays {name: array} are those of as many photographs, of the types expected."""
    num = arrays["names"].shape[:1]
    for name, (shape, kind) in _EXPECTED.items():
        expected = shape if name == "detector" else num + shape
        if arrays[name].shape != expected or arrays[name].dtype.kind != kind:
            found = f"{name} has shape {arrays[name].shape} and type {arrays[name].dtype}"
            raise ValueError(f"{found}; expected {expected} of numpy's kind {kind}")
