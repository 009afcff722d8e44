import json
import subprocess
import sys

import numpy as np
import pytest

from pipeline.data.archive import read_image_set, write_image_set
from pipeline.data.drawn import draw_image, draw_image_set, make_clip, place_hand, true_keypoints
from pipeline.data.hand_model import HANDSHAPES, PARENTS, handshape, make_anatomy, pose_hand
from pipeline.data.shading import Look, draw_hand, shade
from pipeline.data.surface import Surface
from pipeline.stage import WrongInput

FINGERTIPS = [4, 8, 12, 16, 20]


def options(**changes):
    usual = {"handshapes": {"1": 3, "5": 4, "s": 3}, "signers": 3, "frames_per_clip": 2, "image_size": 64}
    return {**usual, "style": "studio", "landmarks": True, "seed": 7, **changes}


def test_bones_keep_their_lengths_in_every_handshape():
    anatomy = make_anatomy(size=1.1, breadth=0.9, finger_length=1.05)
    for shape in HANDSHAPES.values():
        joints, _ = pose_hand(shape.fingers, shape.thumb, anatomy)
        lengths = [np.linalg.norm(joints[joint] - joints[PARENTS[joint]]) for joint in range(1, 21)]
        np.testing.assert_allclose(lengths, anatomy.bone_lengths, rtol=1e-5)


def test_the_mean_hand_has_an_adults_proportions():
    lengths = make_anatomy().bone_lengths.reshape(5, 4)
    fingers = lengths[1:, 1:]
    assert (np.diff(fingers, axis=1) < 0).all()  # each phalanx is shorter than the one before it
    index, middle, ring, little = fingers.sum(axis=1)
    assert middle > max(index, ring) > little
    assert 160 < lengths[2].sum() < 200  # wrist to the tip of the middle finger, in mm


def test_a_bend_is_square_to_its_bone_and_a_folded_finger_points_into_the_palm():
    joints, bends = pose_hand(handshape("s").fingers, handshape("s").thumb, make_anatomy())
    for joint in (6, 7, 8, 18, 19, 20, 3, 4):
        assert abs((joints[joint] - joints[joint - 1]) @ bends[joint]) < 1e-4
    assert (joints[[8, 12, 16], 1] < joints[[6, 10, 14], 1]).all() and (joints[[6, 10, 14], 2] > 20).all()


def test_handshapes_are_told_apart_by_their_stretched_fingers():
    stretched = {"1": "i", "2": "im", "w": "imr", "4": "imrl", "y": "l", "s": "", "rock": "il"}
    for name, fingers in stretched.items():
        joints, _ = pose_hand(handshape(name).fingers, handshape(name).thumb, make_anatomy())
        reach = np.linalg.norm(joints[[8, 12, 16, 20]] - joints[[5, 9, 13, 17]], axis=1)
        assert "".join(letter for letter, mm in zip("imrl", reach, strict=True) if mm > 55) == fingers


def test_a_cone_seen_from_the_side_has_the_width_and_depth_of_its_spheres():
    surface = Surface(40)
    surface.add((10, 20, 0, 6), (30, 20, 0, 6), lambda along, normal: (np.ones((3, 1, 1)), 1), 1.0)
    assert surface.depth[20, 20] == pytest.approx(6, abs=1e-4)
    assert surface.depth[24, 15] == pytest.approx(np.sqrt(36 - 16), abs=1e-4)
    assert (surface.depth > -1e5).sum(axis=0)[20] == 11
    np.testing.assert_allclose(surface.channels[:3, 24, 15], [0, 4 / 6, np.sqrt(20) / 6], atol=1e-5)


def test_the_nearer_of_two_surfaces_is_seen():
    surface = Surface(40)
    for depth, colour in ((30, 1.0), (0, 0.2), (15, 0.5)):
        ball = (20, 20, depth, 5)
        surface.add(ball, (21, 20, depth, 5), lambda along, normal, c=colour: (np.full((3, 1, 1), c), 1), 1.0)
    assert surface.channels[3, 20, 20] == pytest.approx(1.0)


@pytest.mark.parametrize("style", ["studio", "wild"])
def test_fingertips_that_are_seen_lie_on_the_hand(style):
    for name in ("5", "peace", "y", "b"):
        asked = options(style=style, image_size=96)
        _, keypoints, _ = draw_image(asked, name, 0)
        coverage = _coverage(asked, name)
        column, row = np.rint(keypoints[FINGERTIPS]).astype(int).T
        assert (coverage[row, column] > 0.5).all(), name


def _coverage(asked, name):
    """Alpha of the same hand, drawn alone."""
    clip = make_clip(asked, name, 0)
    hand = place_hand(asked, name, 0, clip)
    return draw_hand(hand.joints, hand.bends, hand.radii, hand.axes, clip.look, asked["image_size"])[1]


def test_frames_of_a_clip_are_nearer_than_frames_of_other_clips():
    asked = options(frames_per_clip=4)
    images = np.stack([draw_image(asked, "5", index)[0] for index in range(16)]).astype(float)
    distances = np.abs(images[:, None] - images[None]).mean(axis=(2, 3, 4))
    clips = np.arange(16) // 4
    neighbours = distances[np.arange(15), np.arange(1, 16)][clips[:-1] == clips[1:]]
    strangers = distances[clips[:, None] != clips[None]]
    assert neighbours.max() < np.median(strangers) / 2 and neighbours.max() < strangers.min()
    assert neighbours.min() > 0


def test_pictures_depend_on_their_address_alone():
    few = draw_image_set(options(handshapes={"5": 3}))
    many = draw_image_set(options(handshapes={"s": 2, "5": 5}))
    kept = many.select(np.flatnonzero(many.labels == 1)[:3])
    np.testing.assert_array_equal(few.images, kept.images)
    for column in ("file_name", "class", "group", "landmarks"):
        assert few.rows[column].tolist() == kept.rows[column].tolist()
    other = draw_image_set(options(handshapes={"5": 3}, seed=8))
    assert (few.images != other.images).mean() > 0.5


def test_the_archive_is_the_same_bytes_twice_and_keeps_the_order_of_labels(tmp_path):
    asked = options(handshapes={"s": 1, "index": 1, "1": 2})
    for name in ("once.zip", "twice.zip"):
        write_image_set(tmp_path / name, draw_image_set(asked))
    assert (tmp_path / "once.zip").read_bytes() == (tmp_path / "twice.zip").read_bytes()
    image_set = read_image_set(tmp_path / "once.zip")
    assert image_set.class_names == list(asked["handshapes"])
    assert image_set.rows["file_name"].tolist() == ["s/000000.png", "index/000000.png", "1/000000.png", "1/000001.png"]


def test_groups_are_clips_of_one_signer_and_one_class():
    rows = draw_image_set(options(handshapes={"5": 5, "b": 4})).rows
    assert rows.groupby("group").size().max() == 2 and rows.groupby("group")["class"].nunique().max() == 1
    assert rows["group"].nunique() == 3 + 2
    assert rows["group"].str.match(r"signer0[0-2]-(5|b)-clip\d{4}$").all()


def test_landmarks_are_there_when_asked_and_inside_the_picture():
    asked = options(style="wild", handshapes={"palm": 3, "like": 3, "ok": 3})
    image_set = draw_image_set(asked)
    landmarks = image_set.rows["landmarks"]
    keypoints = np.array([json.loads(text) for text in landmarks])
    assert keypoints.shape == (9, 21, 2) and (keypoints > 0).all() and (keypoints < 63).all()
    np.testing.assert_allclose(keypoints[4], true_keypoints(asked, "like", 1), atol=0.006)
    assert set(draw_image_set({**asked, "landmarks": False}).rows["landmarks"]) == {""}


def test_wild_pictures_show_both_hands():
    sides = set()
    for index in range(0, 24, 2):
        keypoints = true_keypoints(options(style="wild"), "palm", index)
        across, along = keypoints[17] - keypoints[5], keypoints[9] - keypoints[0]
        sides.add(bool(np.cross(np.append(across, 0), np.append(along, 0))[2] > 0))
    assert sides == {True, False}


def test_an_unknown_handshape_is_named_in_one_line(tmp_path):
    with pytest.raises(WrongInput, match=r"'paw'.*peace"):
        draw_image_set(options(handshapes={"paw": 3}))
    command = [sys.executable, "-m", "pipeline.data.drawn", "--out", str(tmp_path / "x.zip"), "--options"]
    asked = '{"handshapes": {"paw": 1}, "signers": 1, "frames_per_clip": 1, "image_size": 32, "style": "studio",'
    done = subprocess.run([*command, asked + '"landmarks": false, "seed": 0}'], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "paw" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("changes", [{"style": "film"}, {"handshapes": {"5": 0}}])
def test_options_out_of_range_are_named(changes):
    with pytest.raises(WrongInput, match=r"film|count 0"):
        draw_image_set(options(**changes))


def test_the_side_towards_the_lamp_is_lighter():
    shape, grey, anatomy = handshape("5"), np.full(3, 0.4, np.float32), make_anatomy()
    joints, bends = pose_hand(shape.fingers, shape.thumb, anatomy)
    # Upright in the picture, a quarter of a pixel per mm.
    axes, shift = np.diag([1.0, -1, 1]), np.array([32, 56, 0])
    middles = []
    for side in (-1, 1):
        lamp = np.array([side * 0.8, 0, 0.6], np.float32)
        look = Look(grey, grey, grey, lamp, np.ones(3, np.float32), ambient=0.2, sleeve_start=40)
        image, _ = draw_hand(joints @ axes / 4 + shift, bends @ axes, anatomy.radii / 4, axes, look, 64)
        light = image[10:30].sum(axis=(0, 2))
        middles.append((light * np.arange(64)).sum() / light.sum())
    assert middles[0] < middles[1]


def test_what_lies_behind_a_finger_is_in_its_shadow():
    lamp = np.array([0.6, 0, 0.8], np.float32)
    white = np.ones(3, np.float32)
    look = Look(white, white, white, lamp, white, ambient=0.0, sleeve_start=40)
    surface = Surface(64)

    def paint(along, normal):
        return white[:, None, None], 0

    surface.add((5, 32, -300, 300), (59, 32, -300, 300), paint, 1.0)
    open_light = shade(surface, look)[0][32, 26, 0]
    surface.add((32, 0, 4, 4), (32, 63, 4, 4), paint, 1.0)
    image, _ = shade(surface, look)
    assert image[32, 26, 0] < open_light * 0.6
    assert image[32, 48, 0] == pytest.approx(open_light, rel=0.2)
