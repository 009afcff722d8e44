import json
import os
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest

from pipeline.data import tree
from pipeline.data.archive import encode_png, read_image_set
from pipeline.poses import crop
from pipeline.poses.crop import class_names, crop_image, crop_keypoints, crop_rows, hand_square
from pipeline.poses.pose_set import PoseSet, write_pose_set
from pipeline.stage import WrongInput

OPTIONS = {"size": 64, "margin": 0.25, "megapixels_at_most": 200}


def hand_at(low, high):
    """Keypoints whose box goes from low to high in x and y."""
    keypoints = np.random.default_rng(0).uniform(low, high, (21, 2)).astype(np.float32)
    keypoints[0], keypoints[1] = low, high
    return keypoints


def dot_in(image):
    """The middle of what is bright: (x, y)."""
    bright = image[..., 0].astype(float)
    return np.array([(bright.sum(axis) * np.arange(bright.shape[1 - axis])).sum() for axis in (0, 1)]) / bright.sum()


@pytest.mark.parametrize("side", [16, 40, 64, 100, 333])
def test_a_dot_drawn_at_a_keypoint_is_found_at_the_carried_keypoint(side):
    keypoints = hand_at(200, 200 + side)
    keypoints[5] = 200 + round(side / 2), 200 + round(side / 3)
    square = hand_square(keypoints, margin=0.25)
    dot = tuple(keypoints[5].astype(int))
    photograph = np.zeros((700, 700, 3), np.uint8)
    photograph[dot[1], dot[0]] = 255
    # Blurred as lenses do, or a single pixel's cubic overshoot would be cut off and shift the middle found.
    photograph = cv2.GaussianBlur(photograph, (0, 0), max(1.0, side / 40))
    photograph = cv2.normalize(photograph, None, 0, 255, cv2.NORM_MINMAX)
    found = dot_in(crop_image(photograph, square, 64))
    assert found == pytest.approx(crop_keypoints(keypoints, square, 64)[5], abs=0.12)


def test_a_crop_of_its_own_size_is_the_photograph_itself():
    photograph = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    square = crop.Square(left=7, top=11, side=64)
    assert np.array_equal(crop_image(photograph, square, 64), photograph[11:75, 7:71])


def test_beyond_the_photograph_the_crop_repeats_its_edge():
    photograph = np.zeros((50, 50, 3), np.uint8)
    photograph[:, 0] = 200
    cut = crop_image(photograph, crop.Square(left=-32, top=0, side=64), 64)
    assert (cut[:, :33] == 200).all() and (cut[:, 33:] == 0).all()


def test_the_hand_is_in_the_middle_with_its_margin_around_it():
    keypoints = hand_at(0, 0)
    keypoints[:, 0] = np.linspace(10, 110, 21)
    keypoints[:, 1] = np.linspace(40, 60, 21)
    carried = crop_keypoints(keypoints, hand_square(keypoints, margin=0.25), 64)
    assert (carried.min(0) + carried.max(0)) / 2 == pytest.approx([31.5, 31.5], abs=0.5)
    assert np.ptp(carried[:, 0]) == pytest.approx(64 / 1.25, abs=0.5)


def test_missing_joints_do_not_move_the_crop():
    keypoints = hand_at(20, 80)
    whole = hand_square(keypoints, 0.25)
    keypoints[7] = np.nan
    assert hand_square(keypoints, 0.25) == whole


def pose_set(names, keypoints):
    count = len(names)
    side, size = np.full(count, "right"), np.full((count, 2), 128)
    return PoseSet(
        np.array(names), np.array(keypoints, np.float32), np.ones((count, 21), np.float32), side, size, "test"
    )


def split_of(names, classes=("b", "a*"), parts=("train", "test")):
    rows = [(name, parts[i % 2], classes[i % 2], str(i % 2), f"g{i}") for i, name in enumerate(names)]
    return pd.DataFrame(rows, columns=["name", "part", "class", "label", "group"])


def test_file_names_are_safe_and_unique_where_photographs_share_a_stem():
    names = ["clip1/1/*.png_fn1.png", "clip2/1/*.png_fn1.png", "ä b/:.png"]
    rows, _ = crop_rows(split_of(names), pose_set(names, [hand_at(20, 80)] * 3), OPTIONS)
    assert rows["file_name"].is_unique and rows["name"].tolist() == names
    assert rows["file_name"].str.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+\.png").all()


@pytest.mark.parametrize("names", [["a.png"], ["a.png", "b.png"]])
def test_a_photograph_without_a_pose_is_refused_by_name(names):
    keypoints = [hand_at(20, 80), np.full((21, 2), np.nan)][: len(names)]
    with pytest.raises(WrongInput, match=r"b\.png"):
        crop_rows(split_of(["a.png", "b.png"]), pose_set(names, keypoints), OPTIONS)


def test_classes_come_in_the_order_of_their_labels():
    split = pd.DataFrame({"label": ["2", "0", "1", "0"], "class": ["a", "z", "m", "z"]})
    assert class_names(split) == ["z", "m", "a"]


@pytest.mark.parametrize("labels", [["0", "2"], ["0", "0"]])
def test_labels_with_gaps_or_two_classes_are_refused(labels):
    with pytest.raises(WrongInput, match="expected labels"):
        class_names(pd.DataFrame({"label": labels, "class": ["a", "b"]}))


def test_the_stage_writes_both_parts_with_all_classes(tmp_path, monkeypatch):
    names = ["0.png", "1.png", "2.png"]
    image = np.full((128, 128, 3), 90, np.uint8)
    for name in names:
        cv2.imwrite(str(tmp_path / name), image)
    poses = pose_set(names, [hand_at(20 + i, 80 + i) for i in range(3)])
    write_pose_set(tmp_path / "poses.npz", poses)
    split_of(names).to_csv(tmp_path / "split.csv", index=False)
    manifest = pd.DataFrame({"name": names, "path": [str(tmp_path / name) for name in names]})
    manifest.to_csv(tmp_path / "manifest.csv", index=False)
    paths = [f"--{name}={tmp_path / name}.{kind}" for name, kind in
             [("manifest", "csv"), ("poses", "npz"), ("split", "csv"), ("train", "zip"), ("test", "zip")]]  # fmt: skip
    arguments = ["crop", f"--options={json.dumps(OPTIONS)}", f"--state={tmp_path / 'state'}", *paths]
    monkeypatch.setattr("sys.argv", arguments)
    crop.main()
    train, test = read_image_set(tmp_path / "train.zip"), read_image_set(tmp_path / "test.zip")
    assert train.images.shape == (2, 64, 64, 3) and test.images.shape == (1, 64, 64, 3)
    assert train.class_names == test.class_names == ["b", "a*"]
    assert test.labels.tolist() == [1] and test.rows["group"].tolist() == ["g1"]
    square = hand_square(poses.keypoints[1], OPTIONS["margin"])
    assert test.keypoints[0] == pytest.approx(crop_keypoints(poses.keypoints[1], square, 64), abs=0.006)
    before = [(tmp_path / f"{part}.zip").read_bytes() for part in ("train", "test")]
    monkeypatch.setattr("sys.argv", [*arguments, "--threads=2"])
    crop.main()
    assert [(tmp_path / f"{part}.zip").read_bytes() for part in ("train", "test")] == before
    # Of a data set that lends all its images none tests.
    split_of(names, parts=("train", "train")).to_csv(tmp_path / "split.csv", index=False)
    crop.main()
    train, test = read_image_set(tmp_path / "train.zip"), read_image_set(tmp_path / "test.zip")
    assert len(train) == 3 and len(test) == 0 and test.class_names == ["b", "a*"]


def overwrite_unnoticed(path):
    """Ruin a file and leave its size and dates: who goes by them does not read it."""
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("place", ["a.png", "a.zip/b/a.png"])
def test_a_photograph_that_was_mended_is_cut_again(tmp_path, place):
    square, tops = crop.Square(0, 0, 64), []
    for grey in (10, 90):
        image = encode_png(np.full((64, 64, 3), grey, np.uint8))
        if ".zip" in place:
            with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
                archive.writestr("b/a.png", image)
            tree._archive.cache_clear()  # a job that goes on is another process
        else:
            (tmp_path / place).write_bytes(image)
        (png,) = crop.Cropping(64, tmp_path / "state", 200).pngs((0, [(str(tmp_path / place), square)]))
        tops.append(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[0, 0, 0])
    assert tops == [10, 90]


def test_a_part_that_is_kept_is_cut_no_more_and_one_of_another_square_is(tmp_path):
    rows = np.arange(100, dtype=np.uint8)[:, None, None]
    place = str(tmp_path / "a.png")
    cv2.imwrite(place, np.broadcast_to(rows, (100, 100, 3)))
    cropping = crop.Cropping(64, tmp_path / "state", 200)
    squares = [crop.Square(0, top, 64) for top in (0, 20)]
    first, moved = (cropping.pngs((0, [(place, square)] * 2)) for square in squares)
    tops = [cv2.imdecode(np.frombuffer(pngs[1], np.uint8), cv2.IMREAD_COLOR)[0, 0, 0] for pngs in (first, moved)]
    assert tops == [0, 20]
    overwrite_unnoticed(tmp_path / "a.png")
    assert cropping.pngs((0, [(place, squares[0])] * 2)) == first
    for file in (tmp_path / "state").iterdir():
        file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(WrongInput, match=r"a\.png"):
        cropping.pngs((0, [(place, squares[0])] * 2))
