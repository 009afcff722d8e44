import json
import threading
import time

import numpy as np
import pytest
import torch
from gan.small import OPTIONS, colour_set

from pipeline.data.archive import keypoints_json, read_image_set, write_image_set
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.finished import finished_generator
from pipeline.gan.state import new_training
from pipeline.generate.sample import CHUNK, class_poses, in_turn, leaked, sample
from pipeline.poses.render import pose_maps
from pipeline.poses.skeleton import flip_keypoints
from pipeline.stage import WrongInput

SEEN = []  # what a Spy was given; not the network's own, because every device has a copy of that
CHOICE = {"images_per_class": 5, "seed": 7, "as_published": []}


def generator_of(condition):
    options = {**OPTIONS, "condition": condition}
    generator = finished_generator(
        new_training(2, options, "cpu"), TrainingBatches(colour_set(), options, "cpu"), options
    )
    return generator, {"condition": condition, "class_names": colour_set().class_names, "options": options}


def drawn(generator, choice, target=None, devices=("cpu",)):
    image_set = sample(*generator, target or colour_set(), {**CHOICE, **choice}, devices)
    return np.stack(list(image_set.images)), image_set.rows


class Spy(torch.nn.Module):
    """A generator that notes what it is given, and draws nothing."""

    def __init__(self, condition, as_published=()):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))
        options = {"z_dim": 20, "heatmap_sigma": 2.0, "condition": condition, "as_published": as_published}
        self.description = {"condition": condition, "class_names": colour_set().class_names, "options": options}

    def forward(self, z, condition):
        SEEN.append((z, condition))
        return torch.zeros(len(z), 3, 64, 64)


def seen_by(condition, choice, target=None, as_published=()):
    """Return what a generator is given, one (z, condition) per pass, and the rows of the set."""
    SEEN.clear()
    spy = Spy(condition, as_published)
    _, rows = drawn((spy, spy.description), choice, target)
    return SEEN, rows


@pytest.fixture(scope="module", params=["reacgan", "spade_bones"])
def generator(request):
    return generator_of(request.param)


def test_an_image_is_the_same_to_the_bit_in_a_set_of_any_size_and_on_any_number_of_devices(generator):
    per_class = CHUNK + 5
    reference, rows = drawn(generator, {"images_per_class": per_class})
    assert len(np.unique(reference.reshape(len(reference), -1), axis=0)) == len(reference)
    for count in (1, CHUNK, per_class, 2 * CHUNK):
        for devices in (["cpu"], ["cpu", "cpu"]):
            images, own_rows = drawn(generator, {"images_per_class": count}, devices=devices)
            shared = min(count, per_class)
            positions = [label * per_class + index for label in (0, 1) for index in range(shared)]
            places = [label * count + index for label in (0, 1) for index in range(shared)]
            assert np.array_equal(images[places], reference[positions])
            assert own_rows.iloc[places].reset_index(drop=True).equals(rows.iloc[positions].reset_index(drop=True))


@pytest.mark.parametrize("per_class", [1, CHUNK, CHUNK + 1])
def test_every_pass_is_full_and_of_one_class(per_class):
    # Rounding may differ between batches of other sizes, and need not show in a grey level.
    passes, _ = seen_by("reacgan", {"images_per_class": per_class})
    assert [labels.tolist() for _, labels in passes] == [
        [label] * CHUNK for label in (0, 1) for _ in range(0, per_class, CHUNK)
    ]
    # The same neighbours, too: a set of one image draws the others of its pass as a larger one does.
    whole, _ = seen_by("reacgan", {"images_per_class": 2 * CHUNK})
    assert torch.equal(passes[0][0], whole[0][0])


def test_the_pose_of_the_metadata_is_the_pose_that_was_drawn():
    passes, rows = seen_by("spade_keypoints", {"images_per_class": CHUNK + 3}, colour_set(per_class=3))
    for first, (_, maps) in zip((0, CHUNK, CHUNK + 3, 2 * CHUNK + 3), passes, strict=True):
        own = rows.iloc[first : first + (CHUNK if first in (0, CHUNK + 3) else 3)]
        noted = torch.tensor([json.loads(text) for text in own["keypoints"]])
        assert torch.allclose(maps[: len(own)], pose_maps("spade_keypoints", noted, 64, 2.0), atol=0.01)


def test_truncation_is_that_of_the_released_commands_and_off_unless_asked_for():
    whole, _ = seen_by("reacgan", {})
    assert max(z.abs().max() for z, _ in list(whole)) > 2
    cut, _ = seen_by("reacgan", {"as_published": ["truncation"]})
    largest = max(z.abs().max() for z, _ in cut)
    assert 0.45 < largest <= 0.5


def test_results_come_in_order_and_devices_take_turns():
    def work(item, device):
        time.sleep(0.002 * (item % 3))
        return item, device

    assert list(in_turn(work, iter(range(20)), ["a", "b"])) == [(item, "ab"[item % 2]) for item in range(20)]
    assert list(in_turn(work, range(1), ["a", "b"])) == [(0, "a")] and list(in_turn(work, (), ["a"])) == []


def test_a_device_goes_on_while_a_result_is_used_but_not_far():
    begun, second = [], threading.Event()

    def work(item, device):
        begun.append(item)
        if item == 1:
            second.set()
        return item

    results = in_turn(work, range(1000), ["cpu"])
    assert next(results) == 0 and second.wait(5)
    time.sleep(0.05)
    assert len(begun) < 10
    results.close()


def test_a_device_computes_with_as_many_threads_as_the_stage_was_given():
    images, kernel = torch.randn(20, 128, 32, 32), torch.randn(128, 128, 3, 3)

    def work(item, device):
        own, every = time.thread_time(), time.process_time()
        torch.nn.functional.conv2d(images, kernel, padding=1)
        own = time.thread_time() - own
        return own, time.process_time() - every - own

    torch.set_num_threads(1)  # and so it is in all these tests
    for own, others in in_turn(work, range(3), ["cpu"]):
        assert others < 0.3 * own


def test_what_a_device_raises_is_raised_at_once_and_nothing_goes_on():
    begun, before = [], threading.active_count()

    def work(item, device):
        begun.append(item)
        if item == 3:
            raise MemoryError("no room on the second")
        time.sleep(0.01)

    with pytest.raises(MemoryError, match="no room on the second"):
        list(in_turn(work, range(1000), ["a", "b"]))
    assert len(begun) < 20 and threading.active_count() == before


def test_every_class_gets_as_many_images_under_its_own_name(generator, tmp_path):
    image_set = sample(*generator, colour_set(), CHOICE, ["cpu"])
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
    with pytest.raises(WrongInput, match="class 'colour1': no image with a pose"):
        drawn(generator_of("spade_keypoints"), {}, target)


def test_spade_draws_classes_that_its_own_training_did_not_have():
    target = colour_set(colours=((1, 1, 1), (2, 2, 2), (3, 3, 3)))
    images, rows = drawn(generator_of("spade_keypoints"), {"images_per_class": 1}, target)
    assert len(images) == 3 and rows["class"].tolist() == target.class_names


def test_reacgan_refuses_other_classes():
    with pytest.raises(WrongInput, match="trained on the classes colour0, colour1"):
        drawn(generator_of("reacgan"), {}, colour_set(colours=((1, 1, 1),)))


def test_a_generator_that_never_saw_a_mirrored_pose_is_not_asked_for_one():
    target = colour_set()
    known = set(target.rows["keypoints"])
    for as_published, strange in (((), True), (("unmirrored_pose",), False)):
        _, rows = seen_by("spade_bones", {"images_per_class": 20}, target, as_published)
        assert bool(set(rows["keypoints"]) - known) == strange


def test_leaked_poses_are_those_of_test_images_where_a_class_has_some():
    target, test = colour_set(per_class=3), colour_set(per_class=4)
    test.rows["keypoints"] = [keypoints_json(pose + 1) for pose in test.keypoints]
    test = test.select(np.flatnonzero(test.labels == 1))
    poses = class_poses(leaked(target, test))
    assert np.array_equal(poses[0], target.keypoints[target.labels == 0])
    assert np.array_equal(poses[1], test.keypoints) and len(poses[1]) == 4
