import json

import cv2
import numpy as np
import pytest
from conftest import real_data

from pipeline.chance import stream
from pipeline.poses.known_hands import annotated_hands, frames
from pipeline.stage import WrongInput

FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
NAMES = ["wrist", *(f"{finger}{joint}" for finger in FINGERS for joint in (1, 2, 3, 4))]


def write_photograph(path, height, width):
    """Write a photograph whose pixels all differ; return it as uint8 (height, width, 3) RGB."""
    pixels = stream(0, "pixels", path.name).permutation(256**2)[: height * width].reshape(height, width)
    image = np.stack([pixels // 256, pixels % 256, np.zeros_like(pixels)], axis=2).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return image


def write_coco(folder, joints, boxes, names=NAMES):
    """Write a folder in COCO's layout: hands (21, 2) of whole pixels on one photograph; return it."""
    hands = [
        {"image_id": 7, "bbox": box, "keypoints": np.insert(hand, 2, 1, axis=1).ravel().tolist()}
        for hand, box in zip(joints, boxes, strict=True)
    ]
    images = [{"id": 7, "file_name": "a.png", "dataset": "drawn"}]
    photograph = write_photograph(folder / "images" / "a.png", 90, 120)
    content = {"images": images, "annotations": hands, "categories": [{"keypoints": list(names)}]}
    (folder / "annotations.json").write_text(json.dumps(content))
    return photograph


def joints_in(x, y, width, height):
    return stream(0, "joints", x).integers([x, y], [x + width, y + height], (21, 2))


def test_joints_stay_on_their_pixels_when_hands_are_cut_out(tmp_path):
    boxes = [[30, 20, 31, 40], [95.5, 60, 20, 15]]  # the second square reaches beyond two edges
    joints = [joints_in(30, 20, 31, 40), joints_in(96, 60, 19, 15)]
    photograph = write_coco(tmp_path, joints, boxes)
    first, second = annotated_hands(tmp_path)
    assert (first.image.shape, second.image.shape) == ((80, 80, 3), (40, 40, 3))
    assert (first.size, second.size, first.source) == (40, 20, "drawn")
    for hand, places in zip((first, second), joints, strict=True):
        x, y = hand.pose.T.astype(int)
        assert np.array_equal(hand.image[y, x], photograph[places[:, 1], places[:, 0]])


def test_the_box_is_in_the_middle(tmp_path):
    write_coco(tmp_path, [joints_in(5, 7, 30, 21)], [[5, 7, 31, 21]])
    (hand,) = annotated_hands(tmp_path)
    corner = hand.pose[0] - joints_in(5, 7, 30, 21)[0]
    middle = np.array([5 + 31 / 2, 7 + 21 / 2]) + corner
    assert middle == pytest.approx([31, 31], abs=0.5)


def test_joints_are_ordered_by_their_names_and_hidden_ones_unknown(tmp_path):
    joints = joints_in(30, 20, 31, 40)
    write_coco(tmp_path, [joints[::-1]], [[30, 20, 31, 40]], NAMES[::-1])
    path = tmp_path / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["keypoints"][:3] = [0, 0, 0]  # the last joint of ours
    path.write_text(json.dumps(content))
    (hand,) = annotated_hands(tmp_path)
    assert np.isnan(hand.pose[20]).all()
    assert np.diff(hand.pose[:20], axis=0) == pytest.approx(np.diff(joints[:20], axis=0))


def test_other_joints_and_other_files_are_refused_by_name(tmp_path):
    write_coco(tmp_path, [joints_in(5, 7, 30, 21)], [[5, 7, 31, 21]], [f"left_{name}" for name in NAMES])
    with pytest.raises(WrongInput, match=r"annotations\.json, categories: 21 joints, among them 'left_wrist'"):
        list(annotated_hands(tmp_path))
    (tmp_path / "annotations.json").write_text('{"images": []}')
    with pytest.raises(WrongInput, match=r"annotations\.json: KeyError 'categories'"):
        list(annotated_hands(tmp_path))
    with pytest.raises(WrongInput, match="expected a JSON file"):
        list(annotated_hands(tmp_path / "nowhere"))


def test_shares_of_a_frame_become_pixels_and_frames_without_any_stay(tmp_path):
    names = ["images/clip/1/a.png", "images/clip/1/b.png"]
    for name in names:
        write_photograph(tmp_path / "package" / name, 32, 22)
    listing = "".join(f"{name} index\n" for name in names)
    (tmp_path / "package" / "2-ph2014-MS-handshape-annotations.txt").write_text(listing)
    # The frame's corners, its middle, and the middle of its first pixel.
    shares = [[0, 0], [1, 1], [0.5, 0.5], [0.5 / 22, 0.5 / 32], *[[0.25, 0.5]] * 17]
    (tmp_path / "given.json").write_text(json.dumps({names[1]: {"landmarks": shares}}))
    without, given = frames(tmp_path, tmp_path / "given.json")
    assert np.isnan(without.pose).all() and (without.source, given.source) != (given.source, given.source)
    assert given.pose[:4] == pytest.approx(np.array([[-0.5, -0.5], [21.5, 31.5], [10.5, 15.5], [0, 0]]))
    assert given.size == 32


def test_the_real_hands_are_all_there():
    hands = list(annotated_hands(real_data("keypoints-25")))
    assert len(hands) == 25 and all(hand.image.shape[0] == hand.image.shape[1] for hand in hands)
    # The box of an annotation holds its joints, which thus lie in the middle half, but for hidden and rounded ones.
    inside = [np.abs(hand.pose / hand.image.shape[0] - 0.5) <= 0.3 for hand in hands]
    assert all(one[np.isfinite(hand.pose)].mean() > 0.95 for one, hand in zip(inside, hands, strict=True))
