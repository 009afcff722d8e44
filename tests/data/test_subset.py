import itertools
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from pipeline.data.archive import ImageSet, write_image_set
from pipeline.data.subset import draw_subset, draw_unstratified, read_subset
from pipeline.stage import WrongInput

COUNTS = {0: 120, 1: 30, 2: 12, 3: 1}


def training_rows(frames_per_clip=4):
    images = [(label, number) for label, count in COUNTS.items() for number in range(count)]
    rows = pd.DataFrame(images, columns=["label", "number"])
    rows["file_name"] = [f"{label}/{number:03d}.png" for label, number in images]
    rows["class"] = rows["label"].astype(str)
    rows["name"] = rows["file_name"]
    rows["group"] = [f"{label}-{number // frames_per_clip}" for label, number in images]
    return rows


def names(subset, part=None):
    return set(subset["file_name"] if part is None else subset["file_name"][subset["part"] == part])


@pytest.mark.parametrize("seed", range(4))
def test_exactly_n_of_each_class_or_all_there_are(seed):
    subset = draw_subset(training_rows(), 20, 0.2, seed)
    assert subset.groupby("label").size().tolist() == [20, 20, 12, 1]
    assert not subset["file_name"].duplicated().any()


@pytest.mark.parametrize("seed", range(4))
def test_larger_subsets_contain_smaller_ones_part_by_part(seed):
    sizes = [1, 2, 3, 5, 8, 10, 20, 60, "all"]
    subsets = [draw_subset(training_rows(), size, 0.2, seed) for size in sizes]
    for smaller, larger in itertools.pairwise(subsets):
        for part in ("fit", "val"):
            assert names(smaller, part) <= names(larger, part)
    assert names(subsets[-1]) == set(training_rows()["file_name"])


@pytest.mark.parametrize("size", [5, 20, "all"])
def test_no_clip_of_a_class_both_trains_and_validates(size):
    subset = draw_subset(training_rows(), size, 0.25, seed=0)
    for _, own in subset.groupby("label"):
        assert not set(own["group"][own["part"] == "fit"]) & set(own["group"][own["part"] == "val"])
        assert (own["part"] == "fit").any()
    assert 0.05 < (subset["part"] == "val").mean() <= 0.3


def test_classes_with_fewer_images_than_asked_are_told(tmp_path):
    rows = training_rows().assign(keypoints="")
    images = np.zeros((len(rows), 4, 4, 3), np.uint8)
    write_image_set(tmp_path / "crops.zip", ImageSet(images, rows, ["many", "some", "few", "one"]))
    options = json.dumps({"size": 20, "seed": 0, "val_fraction": 0.2, "as_published": []})
    arguments = ["--options", options, "--crops", tmp_path / "crops.zip", "--out", tmp_path / "subset.csv"]
    command = [sys.executable, "-m", "pipeline.data.subset", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "crops.zip: 2 classes have fewer than the 20 training images asked" in done.stderr
    assert "(few 12, one 1); add images" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_seeds_draw_different_images():
    one, other = (draw_subset(training_rows(), 5, 0.2, seed) for seed in (0, 1))
    assert names(one) != names(other)


def test_read_subset_gives_the_images_of_its_rows(tmp_path):
    rows = training_rows().assign(keypoints="")
    images = np.arange(len(rows), dtype=np.uint8)[:, None, None, None] * np.ones((4, 4, 3), np.uint8)
    write_image_set(tmp_path / "crops.zip", ImageSet(images, rows, ["0", "1", "2", "3"]))
    subset = draw_subset(rows, 5, 0.2, seed=0)
    subset.to_csv(tmp_path / "subset.csv", index=False)
    fit = read_subset(tmp_path / "crops.zip", tmp_path / "subset.csv", "fit")
    wanted = subset[subset["part"] == "fit"]
    assert fit.rows["file_name"].tolist() == wanted["file_name"].tolist()
    position = {name: index for index, name in enumerate(rows["file_name"])}
    assert fit.images[:, 0, 0, 0].tolist() == [position[name] for name in wanted["file_name"]]


def test_a_subset_of_other_crops_is_refused(tmp_path):
    rows = training_rows().assign(keypoints="").head(3)
    write_image_set(tmp_path / "crops.zip", ImageSet(np.zeros((3, 4, 4, 3), np.uint8), rows, ["0", "1", "2", "3"]))
    draw_subset(training_rows(), 50, 0.2, seed=0).to_csv(tmp_path / "subset.csv", index=False)
    with pytest.raises(WrongInput, match=r"subset\.csv: .* is not in .*crops\.zip"):
        read_subset(tmp_path / "crops.zip", tmp_path / "subset.csv", "fit")


def test_unstratified_a_subset_follows_the_imbalance_and_validates_on_a_part_of_everything():
    rows = training_rows()
    subset = draw_unstratified(rows, 10, 0.2, seed=0)
    fit, val = (subset[subset["part"] == part] for part in ("fit", "val"))
    assert (len(fit), len(val)) == (40, 32) and not subset["file_name"].duplicated().any()
    # 120 of the 163 images are of class 0.
    assert 22 <= (fit["label"] == 0).sum() <= 36
    # Frames of one clip train and validate.
    assert set(fit["group"]) & set(val["group"])
    whole = draw_unstratified(rows, "all", 0.2, seed=0)
    assert len(whole) == len(rows) and names(whole, "val") == names(subset, "val")


def command(tmp_path, *as_published):
    rows = training_rows().assign(keypoints="")
    write_image_set(
        tmp_path / "crops.zip", ImageSet(np.zeros((len(rows), 4, 4, 3), np.uint8), rows, ["a", "b", "c", "d"])
    )
    options = json.dumps({"size": 5, "seed": 0, "val_fraction": 0.2, "as_published": as_published})
    arguments = ["--options", options, "--crops", tmp_path / "crops.zip", "--out", tmp_path / "subset.csv"]
    subprocess.run([sys.executable, "-m", "pipeline.data.subset", *arguments], cwd=ROOT, check=True)
    return pd.read_csv(tmp_path / "subset.csv")


def test_independent_the_generator_learns_from_other_images_than_the_classifier(tmp_path):
    own, apart = command(tmp_path), command(tmp_path, "independent_subsets")
    assert own.groupby("label").size().tolist() == apart.groupby("label").size().tolist()
    assert names(own) != names(apart) and set(apart["part"]) == {"fit"}
    both = command(tmp_path, "independent_subsets", "unstratified_subsets")
    assert names(both) not in (names(own), names(apart), names(command(tmp_path, "unstratified_subsets")))
