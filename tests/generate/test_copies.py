import json
import sys

import numpy as np
import pandas as pd
import pytest
from classify.toys import solid_colours

from pipeline.data.archive import read_image_set, write_image_set
from pipeline.generate import copies
from pipeline.generate.copies import copy_in_rotation
from pipeline.stage import WrongInput


def pixels(image):
    return image.tobytes()


def test_a_class_gives_each_of_its_images_in_turn():
    target = solid_colours(5).select([0, 3, 6, 1, 2, 5])  # 3, 1 and 2 images of classes 0, 1, 2
    made = copy_in_rotation(target, 7)
    assert made.rows["label"].value_counts().to_dict() == {0: 7, 1: 7, 2: 7}
    assert made.rows["file_name"].is_unique and made.rows["file_name"][0] == "0/000000.png"
    images = list(made.images)
    for label in range(3):
        own = list(map(pixels, target.images[target.labels == label]))
        got = [pixels(image) for image, row in zip(images, made.rows["label"], strict=True) if row == label]
        assert got == (own * 7)[:7]


def test_a_class_without_an_image_is_named():
    with pytest.raises(WrongInput, match="class '2': no training image to copy"):
        copy_in_rotation(solid_colours(2).select([0, 1, 3]), 4)


def test_copies_hold_pixels_of_the_images_that_train_and_no_others(tmp_path, monkeypatch):
    crops = solid_colours(4)
    crops.rows["keypoints"] = [f"pose {number}" for number in range(12)]
    write_image_set(tmp_path / "crops.zip", crops)
    parts = np.where(np.arange(12) < 6, "fit", "val")
    crops.rows[["file_name", "class", "label", "group"]].assign(part=parts)[:9].to_csv(tmp_path / "s.csv", index=False)
    arguments = {"options": json.dumps({"images_per_class": 3}), "crops": tmp_path / "crops.zip"}
    arguments |= {"subset": tmp_path / "s.csv", "out": tmp_path / "copies.zip"}
    monkeypatch.setattr(sys, "argv", ["c", *(str(part) for name, v in arguments.items() for part in (f"--{name}", v))])
    copies.main()
    made = read_image_set(tmp_path / "copies.zip")
    assert len(made) == 9 and made.class_names == crops.class_names
    # What the copy shows, its class and its pose, are those of one image of part fit.
    real = {
        (pixels(image), label, pose)
        for image, label, pose in zip(crops.images[:6], crops.labels, crops.rows["keypoints"][:6], strict=False)
    }
    got = set(zip(map(pixels, made.images), made.labels, made.rows["keypoints"], strict=True))
    assert got == real
    first = (tmp_path / "copies.zip").read_bytes()
    copies.main()
    assert (tmp_path / "copies.zip").read_bytes() == first
    assert list(pd.read_csv(tmp_path / "s.csv")["part"]).count("val") == 3
