"""Poses: in how many photographs a hand was found, where its joints lie, and a drawing of some of them."""

import numpy as np

from pipeline.data.table import read_table
from pipeline.inspect import parts
from pipeline.inspect.contents import Contents, listed
from pipeline.poses.pose_set import read_pose_set
from pipeline.poses.reasons import counted
from pipeline.stage import WrongInput

JOINTS = ("wrist", *(f"{finger} {n}" for finger in ("thumb", "index", "middle", "ring", "little") for n in range(1, 5)))
_PER_CLASS, _TILE, _BORDER = 8, 64, 6


def read(path):
    """Return the Contents of a set of poses, or of a part; raise WrongInput for damage or arrays that do not match."""
    part = parts.contents_of(path)
    if part is not None:
        return part
    poses = read_pose_set(path)
    if not len(poses.names):
        raise WrongInput(f"{path}: poses of no photograph; delete it and run Snakemake again")
    return Contents(
        "set of poses",
        f"{len(poses.names)} photographs, hand found in {int(poses.found.sum())}",
        lines=lambda: _lines(path, poses),
        draw=(lambda: _sheet(path, poses)) if poses.found.any() else None,
    )


def _lines(path, poses):
    num, found = len(poses.names), poses.found
    sizes = poses.size[poses.size.all(axis=1)]
    low, high = (sizes.min(axis=0), sizes.max(axis=0)) if len(sizes) else np.zeros((2, 2), int)
    sides = {side or "not said": int((poses.side[found] == side).sum()) for side in sorted(set(poses.side[found]))}
    return [
        f"{num} photographs, hand found in {found.sum()} ({100 * found.mean():.1f} %)",
        *_reasons(path),
        f"detector: {poses.detector}",
        f"width x height of the photographs: {low[0]} x {low[1]} to {high[0]} x {high[1]}",
        f"sides: {', '.join(f'{side} {count}' for side, count in sides.items()) or 'none'}",
        *_joints(poses),
    ]


def _reasons(path):
    """Return why hands were not found, as the report beside the poses says."""
    beside = path.with_suffix(".csv")
    if not beside.is_file():
        return [f"no report beside it ({beside.name}): reasons unknown"]
    report = read_table(beside, ["found", "reason"])
    return listed(counted(report.loc[report["found"] == "0", "reason"]))


def _joints(poses):
    lines = ["joints: x and y in pixels of the photograph, mean confidence, missing in photographs with a hand"]
    keypoints, confidence = poses.keypoints[poses.found], poses.confidence[poses.found]
    for number, name in enumerate(JOINTS):
        known = np.isfinite(keypoints[:, number]).all(axis=1)
        if known.any():
            (x, y), (to_x, to_y) = keypoints[known, number].min(axis=0), keypoints[known, number].max(axis=0)
            place = f"x {x:7.1f} to {to_x:7.1f}   y {y:7.1f} to {to_y:7.1f}   {confidence[known, number].mean():.2f}"
        else:
            place = "never seen"
        lines.append(f"  {name:8}  {place}   missing {int((~known).sum())}")
    return lines


def _sheet(path, poses):
    from pipeline.poses.pictures import draw_skeleton  # torch: only for those who look
    from pipeline.report.sheets import lay_out_sheet

    black = np.zeros((_TILE, _TILE, 3), np.uint8)
    rows = []
    for name, positions in _by_class(path, poses).items():
        chosen = positions[np.linspace(0, len(positions) - 1, min(_PER_CLASS, len(positions))).astype(int)]
        rows.append((name, [draw_skeleton(black, fitted(poses.keypoints[index])) for index in chosen]))
    return lay_out_sheet([("poses, each scaled to its tile", rows)])


def _by_class(path, poses):
    """Return {class: positions of photographs with a hand}; one class where no report says more."""
    beside = path.with_suffix(".csv")
    report = read_table(beside, ["name", "class"]) if beside.is_file() else None
    if report is None or report["name"].tolist() != poses.names.tolist():
        return {"all": np.flatnonzero(poses.found)}
    classes = report["class"].to_numpy()
    return {name: np.flatnonzero(poses.found & (classes == name)) for name in sorted(set(classes[poses.found]))}


def fitted(keypoints):
    """Move and scale keypoints (21, 2), some of them NaN, so that they fill a tile; what is round stays round."""
    low, high = np.nanmin(keypoints, axis=0), np.nanmax(keypoints, axis=0)
    scale = (_TILE - 1 - 2 * _BORDER) / max((high - low).max(), 1e-6)
    return (keypoints - (low + high) / 2) * scale + (_TILE - 1) / 2
