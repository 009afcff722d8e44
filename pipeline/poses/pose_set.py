"""The poses of a data set as one NPZ: a row per photograph, whether or not it shows a hand."""

import zipfile
from dataclasses import dataclass, fields

import numpy as np

from pipeline.data.files import replacing
from pipeline.stage import WrongInput


@dataclass
class PoseSet:
    """names (N,) unicode; keypoints (N, 21, 2) float32 in pixels of the photograph, NaN where there is none;

    confidence (N, 21) float32 in 0..1; side (N,) "left", "right" or ""; size (N, 2) int64, width before height;
    detector: what found them.
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
    with replacing(path) as beside, open(beside, "wb") as file:
        np.savez(file, **{field.name: getattr(poses, field.name) for field in fields(PoseSet)})


def read_pose_set(path):
    """Read a PoseSet; raise WrongInput where it is missing, damaged or something else."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            poses = PoseSet(**{field.name: arrays[field.name] for field in fields(PoseSet)})
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as wrong:
        raise WrongInput(f"{path}: no complete set of poses ({wrong}); delete it and run Snakemake again") from None
    poses.detector = str(poses.detector)
    return poses
