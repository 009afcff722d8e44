import dataclasses
import json
import sys

import numpy as np
import pytest
import torch
from gan.small import ALL_CONDITIONS, OPTIONS, colour_set
from gan.test_train import same_weights

from pipeline.data.archive import write_image_set
from pipeline.gan import train as train_module
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.extra import ExtraImages
from pipeline.gan.generator_file import load_generator
from pipeline.gan.train import train_generator
from pipeline.stage import WrongInput

NAMES = ["colour0", "colour1"]
GREEN, GREY, WHITE = (40, 220, 40), (90, 90, 90), (250, 250, 250)


@pytest.fixture
def weak(tmp_path):
    """Write images of three classes, of which the first is none of the subset's and the others are in another order."""
    images = colour_set(per_class=2, colours=(GREEN, GREY, WHITE))
    names = ["garbage", "colour1", "colour0"]
    rows = images.rows.assign(**{"class": [names[label] for label in images.labels]})
    rows["file_name"] = [f"{own}/{number}.png" for number, own in enumerate(rows["class"])]
    path = tmp_path / "weak.zip"
    write_image_set(path, dataclasses.replace(images, rows=rows, class_names=names))
    return path


def test_only_images_of_the_same_classes_with_the_labels_of_the_subset(weak):
    extra = ExtraImages(weak, NAMES, posed=False)
    assert len(extra) == 4 and extra.labels.tolist() == [1, 1, 0, 0]
    assert [tuple(image[0, 0]) for image in extra.images([0, 3])] == [GREY, WHITE]


def test_without_a_class_in_common_it_is_refused_by_name(weak):
    with pytest.raises(
        WrongInput, match=r"weak\.zip: .*classes palm, fist; found garbage, colour1, colour0; .*extra_images"
    ):
        ExtraImages(weak, ["palm", "fist"], posed=False)


def test_an_image_without_a_pose_helps_only_where_none_is_needed(weak, tmp_path):
    from pipeline.data.archive import read_image_set

    images = read_image_set(weak)
    images.rows.loc[2, "keypoints"] = ""
    write_image_set(weak, images)
    assert len(ExtraImages(weak, NAMES, posed=False)) == 4
    posed = ExtraImages(weak, NAMES, posed=True)
    assert len(posed) == 3 and posed.keypoints.shape == (3, 21, 2)
    assert tuple(posed.images([0])[0, 0, 0]) == GREY


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_in_a_round_of_batches_every_image_of_both_comes_once_with_its_own_label_and_pose(condition, weak):
    own, options = colour_set(), {**OPTIONS, "condition": condition, "batch_size": 5}
    extra = ExtraImages(weak, NAMES, posed=condition != "reacgan")
    batches = TrainingBatches(own, options, "cpu", extra=extra)
    assert len(batches) == 10
    positions = torch.cat([batches.positions("order", start, 5) for start in (0, 5)])
    assert sorted(positions.tolist()) == list(range(10))
    expected = np.concatenate([own.images, extra.images(range(4))])
    assert np.array_equal(batches.images[positions].numpy(), expected[positions])
    assert batches.labels.tolist() == [*own.labels, *extra.labels]
    real = batches.real(0, 0)
    assert torch.equal(real.images[:, 0, 0, 0], torch.from_numpy(expected[positions[:5], 0, 0, 0]) / 127.5 - 1)
    if condition != "reacgan":
        assert torch.equal(batches.keypoints[6:], torch.from_numpy(extra.keypoints))


def test_images_stay_in_their_archive_until_a_batch_has_them(weak, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "pipeline.gan.extra.decode_image", lambda data, name: decoded.append(name) or np.zeros((64, 64, 3), np.uint8)
    )
    batches = TrainingBatches(colour_set(), OPTIONS, "cpu", extra=ExtraImages(weak, NAMES, posed=False))
    assert decoded == []
    wanted = batches.positions("order", 0, OPTIONS["batch_size"])
    batches.real(0, 0)
    assert len(decoded) == int((wanted >= 6).sum()) > 0


def test_they_change_the_training_and_never_what_judges_it(weak, tmp_path, monkeypatch, capsys):
    judged = []
    ordinary = train_module.Supervision
    monkeypatch.setattr(
        train_module,
        "Supervision",
        lambda training, batches, judges, *more: (
            judged.append(len(judges)) or ordinary(training, batches, judges, *more)
        ),
    )
    extra = ExtraImages(weak, NAMES, posed=False)
    alone, _ = train_generator(colour_set(), OPTIONS, tmp_path / "alone.pt")
    helped, _ = train_generator(colour_set(), OPTIONS, tmp_path / "helped.pt", extra=extra)
    assert not same_weights(alone, helped) and judged == [6, 6]
    train_generator(colour_set(), OPTIONS, tmp_path / "helped.pt")
    assert "other options, other data or other code" in capsys.readouterr().out


def test_the_command_takes_them(weak, tmp_path, monkeypatch):
    write_image_set(tmp_path / "crops.zip", colour_set())
    colour_set().rows.assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    paths = {"crops": "crops.zip", "subset": "subset.csv", "extra": weak.name, "state": "state.pt"}
    outputs = {"out": "g.safetensors", "curve": "curve.csv", "samples": "samples.png"}
    monkeypatch.chdir(tmp_path)
    arguments = [f"--{name}={path}" for name, path in (paths | outputs).items()]
    monkeypatch.setattr(sys, "argv", ["train", f"--options={json.dumps(OPTIONS)}", *arguments])
    train_module.main()
    assert load_generator(tmp_path / "g.safetensors")[1]["class_names"] == NAMES
