"""Each switch of the classifier brings an error of the released code back."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from pipeline.classify import evaluate, train
from pipeline.classify.batches import epoch_batches
from pipeline.classify.folder_order import read_back, text_ranks
from pipeline.classify.model import build_classifier, load_classifier, save_classifier
from pipeline.data.archive import write_image_set
from pipeline.metrics.lite0 import lite0_weights
from pipeline.stage import WrongInput

from .toys import OPTIONS, solid_colours


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_of_39_folders_sorted_as_text_two_keep_their_number():
    ranks = text_ranks(39)
    assert ranks[:4].tolist() == [0, 1, 12, 23] and ranks[[9, 10, 38]].tolist() == [38, 2, 32]
    assert np.flatnonzero(ranks == np.arange(39)).tolist() == [0, 1]
    assert sorted(ranks) == list(range(39)) and text_ranks(10).tolist() == list(range(10))


def test_only_labels_of_generated_images_are_permuted(tmp_path, monkeypatch):
    seen = {}

    def watched(fit, val, generated, options, state):
        seen.update(fit=fit, generated=generated)
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train_classifier", watched)
    crops, generated = solid_colours(2, num_classes=12), solid_colours(3, num_classes=12, seed=5)
    for published, labels in (([], generated.labels), (["permuted_labels"], text_ranks(12)[generated.labels])):
        with pytest.raises(KeyboardInterrupt):
            command(tmp_path, monkeypatch, crops, generated, {"as_published": published})
        assert seen["fit"].labels.tolist() == crops.labels.tolist()
        assert seen["generated"].labels.tolist() == labels.tolist()
        assert (seen["generated"].images == generated.images).all()


def command(tmp_path, monkeypatch, crops, generated, changed):
    write_image_set(tmp_path / "crops.zip", crops)
    write_image_set(tmp_path / "generated.zip", generated)
    columns = ["file_name", "class", "label", "group"]
    crops.rows[columns].assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    options = OPTIONS | {"strategy": "regularization"} | changed
    names = {"crops": "crops.zip", "subset": "subset.csv", "generated": "generated.zip", "state": "x", "out": "c"}
    given = [part for name, file in (names | {"history": "h"}).items() for part in (f"--{name}", str(tmp_path / file))]
    monkeypatch.setattr(sys, "argv", ["train", "--options", json.dumps(options), *given])
    train.main()


def test_reading_back_changes_labels_alone():
    own = solid_colours(1, num_classes=12)
    back = read_back(own)
    assert back.labels.tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3] and own.labels.tolist() == list(range(12))
    assert back.class_names == own.class_names


def test_the_last_batch_is_dropped_and_every_epoch_drops_others():
    epochs = [epoch_batches(10, 4, "address", epoch, drop_last=True) for epoch in range(2)]
    assert [[len(positions) for positions, _ in batches] for batches in epochs] == [[4, 4], [4, 4]]
    seen = [{p for positions, _ in batches for p in positions} for batches in epochs]
    assert seen[0] != seen[1]
    assert [len(p) for p, _ in epoch_batches(9, 4, "address", drop_last=True)] == [4, 4]


def test_training_and_validation_drop_what_fills_no_batch(tmp_path, monkeypatch):
    counts, whole = [], train.predict

    def counting(model, images, *rest):
        counts.append(len(images))
        return whole(model, images, *rest)

    monkeypatch.setattr(train, "predict", counting)
    fit, val = solid_colours(6), solid_colours(7, seed=2)
    options = OPTIONS | {"strategy": "real", "as_published": ["dropped_last_batch"]}
    training = train.train_classifier(fit, val, None, options, tmp_path / "state")
    assert counts == [16, 16]  # of 21
    assert all(0 <= row["train_accuracy"] <= 1 for row in training.history)
    with pytest.raises(WrongInput, match="batch_size 32: more than the 18 images"):
        train.train_classifier(fit, val, None, options | {"batch_size": 32}, tmp_path / "other")


def test_half_of_the_validation_images_are_mirrored_and_others_every_epoch(monkeypatch):
    seen = []

    def watched(model, images, batch_size, image_size, flips):
        seen.append(flips)
        return torch.zeros(len(images), 3)

    monkeypatch.setattr(train, "predict", watched)
    val = train.to_samples(solid_colours(40), "cpu")
    for epoch in range(2):
        train.validate(None, val, OPTIONS | {"as_published": ["test_flips"]}, cross_entropy, "train", epoch)
    assert all(40 < flips.sum() < 80 for flips in seen) and (seen[0] != seen[1]).any()
    train.validate(None, val, OPTIONS, cross_entropy, "train", 0)
    assert seen[2] is None


def test_the_network_keeps_the_thousand_outputs_of_imagenet_and_their_weights(tmp_path):
    built = build_classifier("tf_efficientnet_lite0", "lite0", 1000).state_dict()
    assert all(torch.equal(built[name], tensor) for name, tensor in lite0_weights().items())
    options = OPTIONS | {"strategy": "real", "as_published": ["thousand_outputs"], "epochs": 1}
    training = train.train_classifier(solid_colours(3), solid_colours(1), None, options, tmp_path / "state")
    save_classifier(tmp_path / "c", training.best["weights"], options, ["0", "1", "2"], 0)
    model, _ = load_classifier(tmp_path / "c")
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)


def test_an_answer_that_is_no_class_counts_as_wrong():
    probabilities = np.zeros((3, 1000))
    probabilities[:, 700], probabilities[0, 0] = 0.4, 0.6
    table = evaluate.predictions(solid_colours(1).rows, probabilities)
    assert table["predicted"].tolist() == [0, 700, 700] and (table["predicted"] == table["label"]).sum() == 1


@pytest.mark.parametrize("as_published", [[], ["test_flips"]])
def test_half_of_the_test_images_are_mirrored_on_request(as_published, tmp_path, monkeypatch):
    test = solid_colours(40)
    test.images[:, :, :16] = 0
    write_image_set(tmp_path / "test.zip", test)
    model = build_classifier("test_efficientnet", "none", 3)
    options = OPTIONS | {"strategy": "real", "as_published": as_published}
    save_classifier(tmp_path / "c", model.state_dict(), options, test.class_names, 0)
    seen = []

    def left_half_dark(model, images, *rest):
        prepared = evaluate_batches(model, images, *rest)
        seen.append((images, rest))
        return prepared

    evaluate_batches = evaluate.predict
    monkeypatch.setattr(evaluate, "predict", left_half_dark)
    paths = {"crops": "test.zip", "classifier": "c", "out": "out.csv"}
    given = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["evaluate", *given])
        evaluate.main()
    flips = [rest[2] for _, rest in seen]
    if as_published:
        assert 40 < flips[0].sum() < 80 and (flips[0] == flips[1]).all()
    else:
        assert flips == [None, None]
    assert len(pd.read_csv(tmp_path / "out.csv")) == 120
