import json

import numpy as np
import pytest
import torch
from gan.small import OPTIONS, colour_set

from pipeline.data.archive import read_image_set, write_image_set
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.state import new_training
from pipeline.gan.train import finished_generator
from pipeline.generate.sample import sample, to_uint8
from pipeline.poses.skeleton import flip_keypoints
from pipeline.stage import WrongInput

CHOICE = {"images_per_class": 5, "batch_size": 4, "seed": 7, "truncation": None}


def generator_of(condition):
    options = {**OPTIONS, "condition": condition}
    generator = finished_generator(
        new_training(2, options, "cpu"), TrainingBatches(colour_set(), options, "cpu"), options
    )
    return generator, {"condition": condition, "class_names": colour_set().class_names, "options": options}


def drawn(generator, choice, target=None):
    image_set = sample(*generator, target or colour_set(), {**CHOICE, **choice})
    return np.stack(list(image_set.images)), image_set.rows


@pytest.fixture(scope="module", params=["reacgan", "spade_bones"])
def generator(request):
    return generator_of(request.param)


def test_an_image_is_the_same_at_any_batch_size(generator):
    reference, rows = drawn(generator, {})
    for batch_size in (1, 3, 64):
        images, same_rows = drawn(generator, {"batch_size": batch_size})
        # Convolutions of other batch sizes may round differently; a grey level is 1.
        assert np.abs(images.astype(int) - reference).max() <= 1
        assert rows.equals(same_rows)
    assert len(np.unique(reference.reshape(len(reference), -1), axis=0)) == len(reference)


def test_a_smaller_set_is_the_beginning_of_a_larger_one(generator):
    large, large_rows = drawn(generator, {"images_per_class": 5, "batch_size": 1})
    small, small_rows = drawn(generator, {"images_per_class": 2, "batch_size": 1})
    positions = [0, 1, 5, 6]
    assert np.array_equal(small, large[positions])
    assert small_rows.equals(large_rows.iloc[positions].reset_index(drop=True))


def test_every_class_gets_as_many_images_under_its_own_name(generator, tmp_path):
    image_set = sample(*generator, colour_set(), CHOICE)
    write_image_set(tmp_path / "set.zip", image_set)
    read = read_image_set(tmp_path / "set.zip")
    assert read.class_names == ["colour0", "colour1"] and read.labels.tolist() == [0] * 5 + [1] * 5
    assert read.rows["file_name"].tolist()[5:7] == ["colour1/000000.png", "colour1/000001.png"]
    assert read.rows["class"].tolist() == ["colour0"] * 5 + ["colour1"] * 5
    assert read.images.shape == (10, 64, 64, 3)


def test_poses_come_from_the_target_class_in_rotation():
    target = colour_set(per_class=3)
    _, rows = drawn(generator_of("spade_bones"), {"images_per_class": 40}, target)
    mirrored = 0
    for label, own in rows.groupby("label"):
        known = target.keypoints[target.labels == label]
        for index, text in enumerate(own["keypoints"]):
            used, pose = np.array(json.loads(text)), known[index % 3]
            straight = np.abs(used - pose).max() < 0.02
            assert straight or np.abs(used - flip_keypoints(pose, 64)).max() < 0.02
            mirrored += not straight
    assert 20 < mirrored < 60


def test_a_class_without_a_pose_is_named():
    target = colour_set()
    target.rows.loc[target.labels == 1, "keypoints"] = ""
    with pytest.raises(WrongInput, match="class 'colour1': no training image with a pose"):
        drawn(generator_of("spade_keypoints"), {}, target)


def test_spade_draws_classes_that_its_own_training_did_not_have():
    target = colour_set(colours=((1, 1, 1), (2, 2, 2), (3, 3, 3)))
    images, rows = drawn(generator_of("spade_keypoints"), {"images_per_class": 1}, target)
    assert len(images) == 3 and rows["class"].tolist() == target.class_names


def test_reacgan_refuses_other_classes():
    with pytest.raises(WrongInput, match="trained on the classes colour0, colour1"):
        drawn(generator_of("reacgan"), {}, colour_set(colours=((1, 1, 1),)))


def test_grey_levels_are_rounded():
    levels = torch.arange(256, dtype=torch.float32) / 127.5 - 1
    images = levels.view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert to_uint8(images)[0, :, :, 0].flatten().tolist() == list(range(256))
    assert to_uint8(torch.full((1, 3, 1, 1), 0.0)).flatten().tolist() == [128] * 3
