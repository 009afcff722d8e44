"""PCK@0.2, the percentage of correct keypoints, as Simon et al. (CVPR 2017) report it for hands.

A joint is correct that lies within 0.2 hands of its place, one hand being the longer side of the hand's box, as in
mmpose's PCKAccuracy. Exactly 0.2 is correct here.
"""

import numpy as np

NEAR = 0.2  # hands


def hand_size(pose):
    """Return the longer side of the box around the known joints of `pose` (21, 2), NaN unknown; NaN if it has none."""
    known = np.isfinite(pose).all(axis=1)
    return float(np.ptp(pose[known], axis=0).max()) if known.any() else np.nan


def distances(keypoints, pose, size):
    """Return the distance in hands of `size` pixels for each known joint of `pose`; both (21, 2), NaN unknown.

    In the order of joints; infinite where `keypoints` has none.
    """
    known = np.isfinite(pose).all(axis=1)
    return np.nan_to_num(np.linalg.norm(keypoints[known] - pose[known], axis=1) / size, nan=np.inf)


def near_share(keypoints, pose):
    """Return the share of the known joints of `pose` that `keypoints` has within NEAR hands; both (21, 2), NaN unknown.

    NaN for a pose without an extent.
    """
    size = hand_size(pose)
    return float(np.mean(distances(keypoints, pose, size) <= NEAR)) if size > 0 else np.nan
