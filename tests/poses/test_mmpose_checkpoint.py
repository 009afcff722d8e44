import hashlib
import pickle
import warnings

import numpy as np
import pytest
import torch

from pipeline.poses.mmpose_checkpoint import read_checkpoint
from pipeline.stage import WrongInput

# What mmpose 1 writes about its data set: plain values and arrays.
META = {
    "dataset_name": "coco_wholebody_hand",
    "keypoint_id2name": {1: "thumb1", 0: "wrist"},
    "keypoint_colors": np.array([[255, 128, 0]], np.uint8),
    "dataset_keypoint_weights": np.ones(2, np.float32),
    "sigmas": np.array([]),
}
WEIGHTS = {"backbone.weight": torch.arange(6.0).reshape(2, 3)}


def save(path, content):
    """Save as torch does; return (path, SHA-256)."""
    torch.save(content, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_and_the_order_of_the_joints_come_back(tmp_path):
    weights, names = read_checkpoint(*save(tmp_path / "a.pth", {"meta": {"dataset_meta": META}, "state_dict": WEIGHTS}))
    assert names == ["wrist", "thumb1"]
    assert list(weights) == list(WEIGHTS) and torch.equal(weights["backbone.weight"], WEIGHTS["backbone.weight"])


def test_arrays_as_numpy_1_stored_them_are_read_too(tmp_path, monkeypatch):
    # Published checkpoints are older than numpy 2, which gave its module another name.
    with warnings.catch_warnings(action="ignore"):
        monkeypatch.setattr(np._core.multiarray._reconstruct, "__module__", "numpy.core.multiarray")
        path, sha256 = save(tmp_path / "a.pth", {"meta": {"dataset_meta": META}, "state_dict": WEIGHTS})
        monkeypatch.undo()
    assert b"numpy.core.multiarray" in path.read_bytes()
    assert read_checkpoint(path, sha256)[1] == ["wrist", "thumb1"]


@pytest.mark.parametrize("meta", [{}, {"meta": {"epoch": 210}}])
def test_a_checkpoint_of_mmpose_0_tells_no_order(tmp_path, meta):
    assert read_checkpoint(*save(tmp_path / "a.pth", meta | {"state_dict": WEIGHTS}))[1] is None


def test_the_beginning_of_the_sum_suffices_and_another_is_refused_with_both(tmp_path):
    path, sha256 = save(tmp_path / "a.pth", {"state_dict": WEIGHTS})
    assert read_checkpoint(path, sha256[:7])[0].keys() == WEIGHTS.keys()
    with pytest.raises(WrongInput, match=rf"{sha256}; expected 0000000"):
        read_checkpoint(path, "0000000")


class Opener:
    """Opens a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("place", ["meta", "state_dict"])
def test_code_in_a_checkpoint_is_named_and_not_run(tmp_path, place):
    trap = tmp_path / "trap"
    path, sha256 = save(tmp_path / "a.pth", {"meta": {}, "state_dict": {}, place: Opener(trap)})
    with pytest.raises(WrongInput, match=r"a\.pth: holds \w*io\.open"):
        read_checkpoint(path, sha256)
    assert not trap.exists()


def test_arrays_of_objects_are_refused(tmp_path):
    path, sha256 = save(tmp_path / "a.pth", {"meta": {"dataset_meta": np.array([{}, None])}, "state_dict": {}})
    with pytest.raises(WrongInput, match=r"a\.pth"):
        read_checkpoint(path, sha256)


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", pickle.dumps({"a": 1}, protocol=2), b"<!doctype html>"])
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(WrongInput, match=r"a\.pth: .*expected"):
        read_checkpoint(path, hashlib.sha256(content).hexdigest())


def test_what_holds_no_model_and_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(WrongInput, match="state_dict"):
        read_checkpoint(*save(tmp_path / "a.pth", WEIGHTS))
    with pytest.raises(WrongInput, match="no such checkpoint"):
        read_checkpoint(tmp_path / "b.pth", "0000000")
