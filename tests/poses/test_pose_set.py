import dataclasses
import io
import zipfile

import numpy as np
import pytest
from rating.toys import run

from pipeline.data import split
from pipeline.poses.pose_set import PoseSet, read_pose_set, write_pose_set
from pipeline.stage import WrongInput

NAMES = ["a", "b", "c"]
GOOD = PoseSet(
    np.array(NAMES),
    np.ones((3, 21, 2), np.float32),
    np.ones((3, 21), np.float32),
    np.array(["left"] * 3),
    np.full((3, 2), 9),
    "given",
)


def stored(array, header=None):
    """An NPY file, or one whose header was replaced."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue() if header is None else file.getvalue().replace(*header)


def with_member(path, name, content):
    """Write good poses, one member of which is replaced."""
    write_pose_set(path, GOOD)
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for one, own in (members | {name: content}).items():
            archive.writestr(one, own)
    return path


def test_poses_survive_their_file(tmp_path):
    write_pose_set(tmp_path / "p.npz", GOOD)
    read = read_pose_set(tmp_path / "p.npz")
    for field in dataclasses.fields(PoseSet):
        assert np.array_equal(getattr(read, field.name), getattr(GOOD, field.name)), field.name
    assert isinstance(read.detector, str)


KEYPOINTS = GOOD.keypoints
ROTTEN = {
    "no array": ("keypoints.npy", b"keypoints"),
    "empty": ("keypoints.npy", b""),
    "fewer rows": ("keypoints.npy", stored(KEYPOINTS[:2])),
    "20 joints": ("keypoints.npy", stored(KEYPOINTS[:, :20])),
    "flat": ("keypoints.npy", stored(KEYPOINTS.reshape(3, 42))),
    "text": ("keypoints.npy", stored(KEYPOINTS.astype(str))),
    "a number": ("names.npy", stored(np.array("a"))),
    "objects": ("side.npy", stored(np.array([None] * 3), (b"", b""))),
    "terabytes": ("keypoints.npy", stored(KEYPOINTS, (b"(3, 21, 2), }     ", b"(99999999999,), }"))),
    "a header that does not end": ("keypoints.npy", stored(KEYPOINTS, (b"(3, 21, 2), }", b"(3, 21, 2,[((("))),
}


@pytest.mark.parametrize("kind", ROTTEN)
def test_rotten_poses_are_named(tmp_path, kind):
    path = with_member(tmp_path / "p.npz", *ROTTEN[kind])
    with pytest.raises(WrongInput, match=r"p\.npz: no complete set of poses"):
        read_pose_set(path)
    (tmp_path / "m.csv").write_text("name,path,class,group,part,landmarks\n" + "".join(f"{n},,x,,,\n" for n in NAMES))
    options = {"classes": "all", "kind": "random", "test_fraction": 0.3, "min_images": 1, "seed": 0}
    if kind not in ("objects", "20 joints"):  # the split asks nothing but where a hand was found
        with pytest.raises(WrongInput, match=r"p\.npz: (no complete set of poses|other photographs)"):
            run(split, options, ["--manifest", tmp_path / "m.csv", "--poses", path, "--out", tmp_path / "s.csv"])
