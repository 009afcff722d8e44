import json
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, real_data

from pipeline.classify import conditioning
from pipeline.classify.conditioning import drawn_names, held_out, measured, summarise
from pipeline.data.archive import ImageSet, decode_image, keypoints_json, write_image_set
from pipeline.poses.crop import crop_image, crop_keypoints, hand_square
from pipeline.poses.detectors import make_detector
from pipeline.poses.hand import Hand
from pipeline.poses.weights import FILES, FOLDER

# A box of 20 by 40 pixels: the hand is 40, and 8 pixels are near.
TALL = np.stack([np.linspace(10, 30, 21), np.linspace(15, 55, 21)], axis=1)
SURE, UNSURE = np.full(21, 0.9, np.float32), np.full(21, 0.4, np.float32)


def moved(pose, joints, by):
    pose = np.array(pose, np.float32)
    pose[joints] += by
    return pose


def image_set(poses, per_class=2, classes=("a", "b")):
    """Return an ImageSet whose images carry their number in the corner."""
    labels = np.repeat(np.arange(len(classes)), per_class)
    images = np.zeros((len(labels), 64, 64, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(len(labels))
    names = [classes[label] for label in labels]
    rows = pd.DataFrame(
        {
            "file_name": [f"{name}/{number:06d}.png" for number, name in enumerate(names)],
            "label": labels,
            "class": names,
            "group": [f"clip{number // 2}" for number in range(len(labels))],
            "keypoints": [keypoints_json(pose) if pose is not None else "" for pose in poses],
        }
    )
    return ImageSet(images, rows, list(classes))


def planted(hands):
    """Return a detector that finds hands[n] on image n."""
    return lambda images, photographs: [hands[image[0, 0, 0]] for image in images]


def test_images_are_measured_each_by_its_own_pose_and_surest_hand():
    hands = [
        [Hand(moved(TALL, [0], (9, 0)), SURE, "left"), Hand(moved(TALL, [], 0), UNSURE, "right")],
        [],
        [Hand(moved(TALL, [], 0), UNSURE, "right")],
        [Hand(moved(TALL + 1, [], 0), SURE, "")],
    ]
    generated = image_set([TALL, TALL, TALL, TALL + 1])
    table = measured(generated, np.array([0, 1, 1, 1]), planted(hands))
    assert table["found"].tolist() == [1, 0, 0, 1]
    np.testing.assert_allclose(table["pck"], [20 / 21, np.nan, np.nan, 1])
    assert table["predicted"].tolist() == [0, 1, 1, 1] and table["file_name"].tolist()[2] == "b/000002.png"
    measures = summarise(table)
    assert measures["accuracy"] == {"value": 0.75, "n": 4} and measures["found"] == {"value": 0.5, "n": 4}
    assert measures["pck"] == {"value": pytest.approx(41 / 42), "n": 2}
    assert measures["pck_missed_as_0"] == {"value": pytest.approx(41 / 84), "n": 4}


def test_images_of_labels_alone_have_a_class_and_nothing_else():
    generated = image_set([None] * 4)
    table = measured(generated, generated.labels, detect=None)
    assert summarise(table) == {"accuracy": {"value": 1.0, "n": 4}}


def test_where_no_hand_was_found_there_is_no_pck_to_speak_of():
    generated = image_set([TALL] * 4)
    measures = summarise(measured(generated, generated.labels, planted([[]] * 4)))
    assert "pck" not in measures and measures["pck_missed_as_0"] == {"value": 0, "n": 4}


def test_held_out_images_share_no_clip_with_those_learnt_from():
    rows = image_set([TALL] * 16, per_class=8).rows
    rows["group"] = ["x", "x", "y", "z", "w", "w", "v", "v"] * 2
    subset = rows.iloc[[0, 2, 4, 8]].assign(part=["fit", "fit", "val", "fit"])
    # Of class a the clips x and y were learnt, of class b x alone; w and v may validate.
    assert held_out(rows, subset).index.tolist() == [3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15]


def test_the_draw_is_the_seeds_and_the_names_and_grows():
    rows = image_set([TALL] * 40, per_class=20).rows
    few, more = drawn_names(rows, 10, 0), drawn_names(rows.iloc[::-1], 20, 0)
    assert len(few) == 10 and few < more and len(drawn_names(rows, 100, 0)) == 40
    assert few != drawn_names(rows, 10, 1) and few != set(rows["file_name"][:10])


@pytest.mark.parametrize("posed", [True, False])
def test_the_command_measures_both_sets_and_no_image_that_was_learnt(posed, tmp_path, monkeypatch, capsys):
    generated = image_set([TALL if posed else None] * 8, per_class=4)
    real = image_set([TALL + 2] * 8, per_class=4)
    write_image_set(tmp_path / "images.zip", generated)
    write_image_set(tmp_path / "crops.zip", real)
    # The clips are pairs: 2 and 3, 6 and 7 are left.
    real.rows.iloc[[0, 5]].assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    hands = [[Hand(moved(TALL, [], 0), SURE, "")]] * 8

    def perfect(images, path, classifier):
        return np.eye(2)[images.labels]

    monkeypatch.setattr(conditioning, "probabilities_of", perfect)
    monkeypatch.setattr(conditioning, "make_detector", lambda options, weights, threads: (planted(hands), ""))

    def command(count):
        names = {"images": "images.zip", "crops": "crops.zip", "subset": "subset.csv", "classifier": "c"}
        paths = names | {"out": "out.csv", "measures": "measures.json"}
        given = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
        options = json.dumps({"images": count, "seed": 0})
        monkeypatch.setattr(sys, "argv", ["conditioning", "--options", options, *given])
        conditioning.main()
        return pd.read_csv(tmp_path / "out.csv"), json.loads((tmp_path / "measures.json").read_text())

    table, measures = command(100)
    assert list(table.columns) == ["file_name", "set", "label", "predicted", "found", "pck"]
    assert table.groupby("set").size().to_dict() == {"generated": 8, "real": 4}
    wanted = [real.rows["file_name"][number] for number in (2, 3, 6, 7)]
    assert table.loc[table["set"] == "real", "file_name"].tolist() == wanted
    assert measures["real"]["accuracy"] == {"value": 1.0, "n": 4}
    if posed:
        # Moved by 2.8 pixels of 40, which is near.
        assert measures["real"]["pck"] == {"value": 1.0, "n": 4} and "pck 1.0000 (n=8)" in capsys.readouterr().out
    else:
        assert list(measures["generated"]) == list(measures["real"]) == ["accuracy"]
    assert command(3)[0].groupby("set").size().to_dict() == {"generated": 3, "real": 3}

    real.rows.assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    table, measures = command(100)
    assert set(table["set"]) == set(measures) == {"generated"}


def test_real_hands_are_found_where_they_are_and_not_where_others_are():
    root = real_data("keypoints-25")
    if not all((ROOT / FOLDER / name).exists() for name in FILES):
        pytest.skip(f"the hand models are not here: python -m pipeline.poses.weights --out {FOLDER}")
    content = json.loads((root / "annotations.json").read_text())
    files = {image["id"]: image["file_name"] for image in content["images"]}
    images, poses = [], []
    for hand in content["annotations"]:
        truth = np.array(hand["keypoints"], float).reshape(21, 3)
        pose = np.where(truth[:, 2:] > 0, truth[:, :2], np.nan)
        square, name = hand_square(pose, 0.35), files[hand["image_id"]]
        photograph = decode_image((root / "images" / name).read_bytes(), name)
        images.append(crop_image(photograph, square, 64))
        poses.append(crop_keypoints(pose, square, 64))
    detect, _ = make_detector(conditioning.DETECTOR, ROOT / FOLDER, 1)

    def measures_of(paired):
        crops = image_set(paired, per_class=len(images), classes=("hand",))
        crops.images = np.stack(images)
        return summarise(measured(crops, crops.labels, detect))

    own, others = measures_of(poses), measures_of(poses[1:] + poses[:1])
    assert own["found"]["value"] > 0.6 and own["pck"]["value"] > 0.8
    assert others["pck"]["value"] < own["pck"]["value"] - 0.3
