import numpy as np
import pytest
import torch
from gan.small import OPTIONS, colour_set

from pipeline.data.archive import keypoints_json
from pipeline.gan.batches import TrainingBatches, fingerprint, to_uint8, with_pose
from pipeline.poses.render import keypoint_maps


def numbered_set(count):
    """Every image has its own grey, so that it can be recognised in a batch."""
    image_set = colour_set(per_class=count, colours=((0, 0, 0),))
    image_set.images[:] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return image_set


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (3, 8), (5, 5)])
def test_every_image_is_seen_equally_often(count, batch_size):
    batches = TrainingBatches(
        numbered_set(count), {**OPTIONS, "batch_size": batch_size, "discriminator_updates": 2}, "cpu"
    )
    greys = torch.cat([batches.real(step, update).images[:, 0, 0, 0] for step in range(count) for update in (0, 1)])
    seen = ((greys + 1) * 127.5).round().long().bincount(minlength=count)
    assert seen.tolist() == [2 * batch_size] * count


def test_batches_have_addresses():
    batches, again = (TrainingBatches(colour_set(), OPTIONS, "cpu") for _ in range(2))
    batches.real(0, 0), batches.fake(0, 0)  # what was drawn before does not matter
    assert torch.equal(batches.real(5, 0).images, again.real(5, 0).images)
    assert torch.equal(batches.fake(5, "generator")[0], again.fake(5, "generator")[0])
    assert not torch.equal(again.fake(5, 0)[0], again.fake(5, "generator")[0])
    other = TrainingBatches(colour_set(), {**OPTIONS, "seed": 1}, "cpu")
    assert not torch.equal(again.fake(5, 0)[0], other.fake(5, 0)[0])


def test_image_and_pose_are_mirrored_together():
    image_set = colour_set(per_class=1, colours=((0, 0, 0),))
    bright = image_set.keypoints[0, 0].round().astype(int)
    image_set.images[0, bright[1], bright[0]] = 255  # a light at joint 0
    batches = TrainingBatches(image_set, {**OPTIONS, "condition": "spade_keypoints", "batch_size": 32}, "cpu")
    batch = batches.real(0, 0)
    places = batch.images[:, 0].flatten(1).argmax(dim=1)
    peaks = batch.maps[:, 0].flatten(1).argmax(dim=1)
    assert torch.equal(places, peaks)
    assert len(places.unique()) == 2  # both the image and its mirror image occurred


def test_as_published_poses_are_never_mirrored():
    image_set = colour_set()
    options = {**OPTIONS, "condition": "spade_keypoints", "batch_size": 32, "as_published": ["unmirrored_pose"]}
    batches = TrainingBatches(image_set, options, "cpu")
    known = keypoint_maps(torch.from_numpy(image_set.keypoints), 64, OPTIONS["heatmap_sigma"])
    corrected = TrainingBatches(image_set, {**options, "as_published": []}, "cpu")
    for drawn in (lambda batches: batches.real(0, 0).maps, lambda batches: batches.fake(0, 0)[1].maps):
        strange = [(known - maps).abs().amax(dim=(1, 2, 3)).min() > 1e-4 for maps in drawn(corrected)]
        assert 8 < sum(strange) < 24  # a coin for each of 32
        assert all((known - maps).abs().amax(dim=(1, 2, 3)).min() < 1e-6 for maps in drawn(batches))
    assert torch.equal(batches.real(0, 0).images, corrected.real(0, 0).images)


def test_as_published_a_joint_s_map_sums_to_1():
    image_set = colour_set()
    image_set.rows["keypoints"] = [keypoints_json(np.full((21, 2), 32.0))] * len(image_set)
    options = {**OPTIONS, "condition": "spade_keypoints", "as_published": ["density_keypoints"]}
    maps = TrainingBatches(image_set, options, "cpu").real(0, 0).maps
    assert maps.max() == pytest.approx(1 / (8 * np.pi), rel=1e-4)  # covariance 4 I
    torch.testing.assert_close(maps.sum(dim=(2, 3)), torch.ones(4, 21), rtol=1e-3, atol=0)


def test_poses_of_generated_images_are_training_poses_or_their_mirror_images():
    image_set = colour_set()
    batches = TrainingBatches(image_set, {**OPTIONS, "condition": "spade_keypoints"}, "cpu")
    known = keypoint_maps(torch.from_numpy(image_set.keypoints), 64, OPTIONS["heatmap_sigma"])
    known = torch.cat([known, known.flip(-1)])
    for maps in batches.fake(0, 0)[1].maps:
        assert (known - maps).abs().amax(dim=(1, 2, 3)).min() < 1e-4


def test_labels_of_generated_images_are_uniform_whatever_the_training_set_is():
    image_set = colour_set(per_class=10)
    rare = image_set.select([0, *range(10, 20)])
    labels = TrainingBatches(rare, {**OPTIONS, "batch_size": 2000}, "cpu").fake(0, 0)[1].labels
    assert abs(labels.float().mean() - 0.5) < 0.05


def test_images_without_a_pose_are_left_out_where_poses_are_needed():
    image_set = colour_set()
    image_set.rows.loc[2, "keypoints"] = ""
    assert list(with_pose(image_set).rows["file_name"]) == list(image_set.rows["file_name"].drop(2))


def test_fingerprint_sees_every_part():
    reference = fingerprint(colour_set())
    assert fingerprint(colour_set()) == reference
    pixel, label, pose = colour_set(), colour_set(), colour_set()
    pixel.images[0, 0, 0, 0] += 1
    label.rows.loc[0, "label"] = 1
    pose.rows.loc[0, "keypoints"] = "[]"
    assert len({reference, *map(fingerprint, (pixel, label, pose))}) == 4


def test_grey_levels_are_rounded():
    levels = torch.arange(256, dtype=torch.float32) / 127.5 - 1
    images = levels.view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert to_uint8(images)[0, :, :, 0].flatten().tolist() == list(range(256))
    assert to_uint8(torch.full((1, 3, 1, 1), 0.0)).flatten().tolist() == [128] * 3
