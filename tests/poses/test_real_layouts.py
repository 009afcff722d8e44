"""Every layout on disk through its own reader to crops, and what each stage loses."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, real_data

from pipeline.data.archive import read_image_set
from pipeline.data.manifest import read_manifest
from pipeline.data.photographs import list_photographs
from pipeline.data.split import main as split
from pipeline.poses.crop import main as crop
from pipeline.poses.extract import main as extract
from pipeline.poses.pose_set import read_pose_set
from pipeline.poses.weights import FOLDER

POSES = {"upscale_to": 0, "min_confidence": 0.5, "unreadable_at_most": 0, "megapixels_at_most": 200}


@pytest.mark.parametrize(
    ("layout", "reader", "detector", "kind", "counts"),
    [
        # Of each class one entry has no landmarks, and in version 1 one has no photograph.
        ("hagrid_v1", "hagrid", "given", "grouped", (12, 9, 9, 3)),
        ("hagrid_v2", "hagrid", "given", "official", (12, 9, 9, 3)),
        # Of each class one JSON file has no people; what is under valid/ tests.
        ("paper_layout", "folder", "openpose_json", "official", (15, 12, 12, 3)),
        # One hand is too unsure; of two classes there is one frame alone.
        ("rwth_official", "rwth", "mediapipe", "grouped", (18, 17, 15, 5)),
    ],
)
def test_photographs_hands_kept_classes_and_test_crops_of_a_layout(
    layout, reader, detector, kind, counts, tmp_path, monkeypatch
):
    root = real_data("fixtures") / layout
    list_photographs(reader, root, "all").to_csv(tmp_path / "m.csv", index=False)
    rows = read_manifest(tmp_path / "m.csv")
    monkeypatch.chdir(tmp_path)
    roi = "centre" if detector == "mediapipe" else "image"
    options = json.dumps({"detector": detector, "roi": roi, "folder": str(root), **POSES})
    outputs = ["--state", "state", "--out", "p.npz", "--report", "p.csv", "--weights", str(ROOT / FOLDER)]
    monkeypatch.setattr("sys.argv", ["extract", "--options", options, "--manifest", "m.csv", *outputs])
    extract()
    poses = read_pose_set("p.npz")
    options = json.dumps({"kind": kind, "test_fraction": 0.3, "min_images": 2, "seed": 0, "classes": "all"})
    inputs = ["--manifest", "m.csv", "--poses", "p.npz"]
    monkeypatch.setattr("sys.argv", ["split", "--options", options, *inputs, "--out", "s.csv"])
    split()
    crops = ["--split", "s.csv", "--state", "state", "--train", "train.zip", "--test", "test.zip"]
    monkeypatch.setattr(
        "sys.argv", ["crop", "--options", '{"size": 64, "margin": 0.35, "megapixels_at_most": 200}', *inputs, *crops]
    )
    crop()
    tested = read_image_set("test.zip")
    assert (len(rows), int(poses.found.sum()), len(pd.read_csv("s.csv")), len(tested)) == counts
    assert tested.images.shape[1:] == (64, 64, 3)
    # The hand fills its crop, but for the whole pixels of a small photograph: a pose of another one would not.
    assert np.ptp(tested.keypoints, axis=1).max(axis=1) == pytest.approx(np.full(counts[3], 64 / 1.35), abs=2)
