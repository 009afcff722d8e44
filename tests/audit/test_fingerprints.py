import numpy as np
import torch
from audit.clips import Patches, clip_set

from pipeline.audit import fingerprints as module
from pipeline.audit.fingerprints import fingerprints, images_at, moved, perceptual_hash
from pipeline.data.archive import write_image_set


def waves(amplitudes):
    """Return an image of cosines with amplitudes (8, 8): frequencies 1 to 8 down and across."""
    at = (np.arange(32) + 0.5) * np.pi / 32
    cosines = np.cos(np.outer(np.arange(1, 9), at))
    small = 128 + np.einsum("uv,ui,vj->ij", amplitudes, cosines, cosines)
    return np.round(small).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)


def test_the_hash_tells_which_frequencies_are_strong():
    strong = np.random.default_rng(0).permutation(np.repeat([True, False], 32))
    image = waves(np.where(strong, 1.5, -1.5).reshape(8, 8))
    assert (perceptual_hash(image[None])[0] > 0).tolist() == strong.tolist()


def test_light_does_not_change_the_hash():
    image = np.random.default_rng(1).integers(40, 200, (1, 64, 64)).astype(np.uint8)
    assert (perceptual_hash(image) == perceptual_hash(image + 40)).all()


def test_a_moved_image_repeats_its_edge():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert moved(image, 0, 1)[0].tolist() == [[0, 0, 1, 2], [4, 4, 5, 6], [8, 8, 9, 10], [12, 12, 13, 14]]
    assert moved(image, -2, 0)[0].tolist() == [[8, 9, 10, 11], [12, 13, 14, 15], [12, 13, 14, 15], [12, 13, 14, 15]]


def test_every_image_keeps_its_place_in_whatever_parts_it_is_read(tmp_path, monkeypatch):
    sets = {tmp_path / "a.zip": clip_set(range(3)), tmp_path / "b.zip": clip_set(range(5, 7))}
    for path, image_set in sets.items():
        write_image_set(path, image_set)
    places = dict(zip(sets, (np.array([7, 0, 3]), np.arange(6)), strict=True))
    whole = fingerprints(list(places.items()), Patches())
    monkeypatch.setattr(module, "_CHUNK", 2)
    parts = fingerprints(list(places.items()), Patches())
    assert whole.rows["file_name"].tolist()[:4] == ["002-1.png", "000-0.png", "001-0.png", "005-0.png"]
    assert whole.rows.equals(parts.rows) and (whole.pixels == parts.pixels).all()
    assert all(torch.equal(whole.vectors[name], parts.vectors[name]) for name in module.MEASURES)
    alone = fingerprints([(tmp_path / "b.zip", np.array([4]))], Patches(), as_it_is=True)
    for name in module.MEASURES:
        assert torch.equal(alone.vectors[name][0, 0], whole.vectors[name][0, 7])


def test_a_mirrored_and_a_moved_image_have_a_view_of_the_original(tmp_path):
    original = clip_set([1], frames=1)
    write_image_set(tmp_path / "a.zip", original)
    for change in (original.images[:, :, ::-1], moved(original.images, 2, -2)):
        write_image_set(tmp_path / "b.zip", type(original)(change, original.rows, original.class_names))
        found = fingerprints([(tmp_path / "a.zip", np.array([0])), (tmp_path / "b.zip", np.array([0]))], Patches())
        views = found.vectors["hash"].float()
        assert (views[:, 1] - views[0, 0]).square().sum(dim=1).min() <= 4
        assert (views[0, 1] - views[0, 0]).square().sum() > 4


def test_one_image_may_be_asked_for_twice(tmp_path):
    image_set = clip_set(range(2))
    write_image_set(tmp_path / "a.zip", image_set)
    assert (images_at(tmp_path / "a.zip", [4, 0, 4]).images == image_set.images[[4, 0, 4]]).all()
