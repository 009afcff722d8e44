import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.budget import RIVALS
from pipeline.classify import model as model_module
from pipeline.classify import state, train
from pipeline.classify.batches import predict, to_samples
from pipeline.classify.model import load_classifier
from pipeline.classify.strategies import STRATEGIES
from pipeline.data.archive import write_image_set
from pipeline.stage import WrongInput

from .toys import OPTIONS, solid_colours


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def run(tmp_path, strategy, epochs=2, state="x.state", every=0.0, fit=None, val=None, **options):
    fit = fit or solid_colours(6, seed=1)
    val = solid_colours(2, seed=2) if val is None else val
    generated = None if strategy == "real" or strategy in RIVALS else solid_colours(5, seed=3)
    options = OPTIONS | {"strategy": strategy, "epochs": epochs} | options
    return train.train_classifier(fit, val, generated, options, tmp_path / state, every)


@pytest.mark.parametrize("strategy", (*STRATEGIES, *RIVALS))
def test_every_strategy_learns_solid_colours(tmp_path, strategy):
    training = run(tmp_path, strategy, epochs=30 if strategy in RIVALS else 20, every=60)
    training.model.load_state_dict(training.best["weights"])
    unseen = to_samples(solid_colours(4, seed=4), "cpu")
    right = predict(training.model, unseen.images, 5, 32).argmax(1) == unseen.labels
    # Six validation images choose the epoch, and which it is depends on how a machine rounds: 4 are right by chance.
    assert len(right) == 12 and right.sum() >= 9
    assert min(epoch["train_loss"] for epoch in training.history) < training.history[0]["train_loss"]


@pytest.mark.parametrize("strategy", (*STRATEGIES, *RIVALS))
def test_a_killed_training_ends_with_the_same_bits(tmp_path, strategy, monkeypatch):
    # Dropout and stochastic depth draw from torch's own generator.
    monkeypatch.setitem(model_module.DROPOUT, "test_efficientnet", {"drop_rate": 0.3, "drop_path_rate": 0.2})
    undisturbed = run(tmp_path, strategy, state="a.state", pretrain_epochs=2)
    whole = train.train_epoch

    def killed_at(dying):
        def train_epoch(training, *rest):
            if training.epochs_done == dying:
                raise KeyboardInterrupt
            return whole(training, *rest)

        monkeypatch.setattr(train, "train_epoch", train_epoch)

    for dying in range(1, len(undisturbed.history)):
        killed_at(dying)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, strategy, state="b.state", pretrain_epochs=2)
        torch.manual_seed(dying)  # a new process starts elsewhere
    killed_at(None)
    resumed = run(tmp_path, strategy, state="b.state", pretrain_epochs=2)
    assert resumed.history == undisturbed.history
    assert resumed.best["epoch"] == undisturbed.best["epoch"]
    for name, tensor in undisturbed.best["weights"].items():
        assert torch.equal(tensor, resumed.best["weights"][name]), name


def test_the_state_of_another_run_is_ignored(tmp_path, capsys):
    first = run(tmp_path, "real")
    assert run(tmp_path, "real").model is not first.model
    assert "resumed after 2 epochs" in capsys.readouterr().out
    for change in ({"lr": 1e-3}, {"fit": solid_colours(6, seed=9)}):
        again = run(tmp_path, "real", state="x.state", every=60, **change)
        assert "ignored" in capsys.readouterr().out
        assert again.history != first.history
    whole = (tmp_path / "x.state").read_bytes()
    for torn in (b"torn", whole[: len(whole) // 2]):
        (tmp_path / "x.state").write_bytes(torn)
        assert run(tmp_path, "real").history == first.history
        assert "ignored" in capsys.readouterr().out


def test_the_state_of_other_code_is_ignored(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as before:
        before.setattr(state, "code_digest", lambda *modules: "losses before they were mended")
        run(tmp_path, "real")
    assert len(run(tmp_path, "real").history) == 2
    said = capsys.readouterr().out
    assert "ignored, it is of another run, of other code" in said and "resumed" not in said


def test_the_best_epoch_has_the_lowest_validation_loss(tmp_path, monkeypatch):
    # The pretraining's loss would be the lowest of all; only epochs on real images count.
    losses = iter([0.01, 0.9, 0.2, 0.7])
    monkeypatch.setattr(train, "validate", lambda *_: {"val_loss": next(losses), "val_accuracy": 0.0})
    weights, whole = [], train.train_epoch

    def remembering(training, *rest):
        row = whole(training, *rest)
        weights.append({name: tensor.clone() for name, tensor in training.model.state_dict().items()})
        return row

    monkeypatch.setattr(train, "train_epoch", remembering)
    best = run(tmp_path, "pretrain", epochs=3).best
    assert best["epoch"] == 1 and best["val_loss"] == 0.2
    assert all(torch.equal(tensor, weights[2][name]) for name, tensor in best["weights"].items())


def test_without_validation_images_the_last_epoch_is_kept(tmp_path):
    training = run(tmp_path, "real", epochs=3, val=solid_colours(0))
    assert training.best["epoch"] == 2
    assert np.isnan([row["val_loss"] for row in training.history]).all()


def test_a_diverged_epoch_is_not_the_best(tmp_path, monkeypatch):
    losses = iter([float("nan"), 0.5, float("nan")])
    monkeypatch.setattr(train, "validate", lambda *_: {"val_loss": next(losses), "val_accuracy": 0.0})
    assert run(tmp_path, "real", epochs=3).best["epoch"] == 1


@pytest.mark.parametrize("val", [None, solid_colours(0)])
def test_a_training_of_which_only_diverged_epochs_are_left_is_refused(tmp_path, monkeypatch, val):
    whole = train.train_epoch

    def diverging(training, phase, epoch, *rest):
        if epoch == 1 or val is None:  # with validation images any finite epoch would be the best
            next(training.model.parameters()).data.fill_(float("nan"))
        return whole(training, phase, epoch, *rest)

    monkeypatch.setattr(train, "train_epoch", diverging)
    with pytest.raises(WrongInput, match=r"real: epoch 2, .* diverged \(training loss nan, .*; lower the"):
        run(tmp_path, "real", epochs=2, val=val)


def test_weights_that_the_last_update_of_an_epoch_broke_are_refused(tmp_path, monkeypatch):
    whole = train.train_epoch

    def breaking(training, *rest):
        row = whole(training, *rest)
        next(training.model.parameters()).data[0] = float("inf")
        return row

    monkeypatch.setattr(train, "train_epoch", breaking)
    with pytest.raises(WrongInput, match=r"epoch 1, .*training loss \d.*, 1 of \d+ tensors not finite"):
        run(tmp_path, "real", epochs=1)


def test_pretraining_sees_generated_images_and_then_real_ones_with_a_new_optimiser(tmp_path, monkeypatch):
    seen, whole = [], train.train_epoch

    def watching(training, phase, epoch, samples, *rest):
        seen.append((phase, epoch, len(samples), len(training.optimizer.state)))
        return whole(training, phase, epoch, samples, *rest)

    monkeypatch.setattr(train, "train_epoch", watching)
    history = run(tmp_path, "pretrain", pretrain_epochs=2).history
    assert [(phase, epoch, count) for phase, epoch, count, _ in seen] == [
        ("pretrain", 0, 15),
        ("pretrain", 1, 15),
        ("train", 0, 18),
        ("train", 1, 18),
    ]
    assert [adam > 0 for *_, adam in seen] == [False, True, False, True]
    assert [row["phase"] for row in history] == ["pretrain", "pretrain", "train", "train"]


@pytest.mark.parametrize("strategy", (*RIVALS, "pretrain"))
def test_rivals_have_as_many_updates_as_pretraining(tmp_path, monkeypatch, strategy):
    updates, whole = [], train.take

    def counting(*arguments):
        updates.append(arguments)
        return whole(*arguments)

    monkeypatch.setattr(train, "take", counting)
    history = run(tmp_path, strategy, every=60, pretrain_epochs=3).history
    # 3 epochs of 15 generated images in batches of 8 and 7, 2 epochs of 18 real ones in batches of 8, 8 and 2.
    assert len(updates) == 3 * 2 + 2 * 3
    phases = ["pretrain"] * 3 + ["train"] * 2 if strategy == "pretrain" else ["train"] * 4
    assert [row["phase"] for row in history] == phases


def test_balanced_batches_hold_rare_classes_as_often_as_common_ones(tmp_path, monkeypatch):
    fit, seen, whole = solid_colours(40), [], train.take
    fit = fit.select(np.flatnonzero((fit.labels != 1) | (np.arange(len(fit)) < 6)))  # 40, 2 and 40 images

    def watching(samples, positions, *rest):
        seen.append(samples.labels[positions])
        return whole(samples, positions, *rest)

    monkeypatch.setattr(train, "take", watching)
    run(tmp_path, "balanced", fit=fit, every=60, epochs=8)
    drawn = torch.bincount(torch.cat(seen)) / sum(map(len, seen))
    assert drawn.tolist() == pytest.approx([1 / 3] * 3, abs=0.08)


def test_validation_accuracy_of_adjusted_logits_is_by_the_logits_as_they_are(tmp_path):
    training = run(tmp_path, "logit_adjusted", epochs=1, every=60)
    val = to_samples(solid_colours(2, seed=2), "cpu")
    hits = predict(training.model, val.images, 8, 32).argmax(1) == val.labels
    assert training.history[-1]["val_accuracy"] == hits.double().mean().item()


def test_strategies_start_from_the_same_weights(tmp_path):
    real, mixup = (
        run(tmp_path, strategy, epochs=1, lr=0.0, state=strategy, every=60) for strategy in ("real", "mixup")
    )
    parameters = dict(real.model.named_parameters())
    assert all(torch.equal(parameters[name], p) for name, p in mixup.model.named_parameters())


def test_a_single_image_left_over_does_no_harm(tmp_path):
    fit = solid_colours(3).select(np.arange(9))
    training = run(tmp_path, "real", fit=fit, batch_size=8)
    assert all(torch.isfinite(tensor).all() for tensor in training.model.state_dict().values())


def test_generated_images_must_fit_strategy_and_classes(tmp_path):
    path = tmp_path / "generated.zip"
    write_image_set(path, solid_colours(1, num_classes=4))
    for given, strategy, message in (
        (None, "mixup", "needs generated images"),
        (path, "real", "uses no generated images"),
        (path, "balanced", "'balanced' uses no generated images"),
        (path, "mixup", "classes 0, 1, 2, 3; expected 0, 1, 2"),
        (path, "mixgen", "unknown; choose one of real"),
    ):
        with pytest.raises(WrongInput, match=message):
            train.read_generated(given, strategy, ["0", "1", "2"])


def test_the_command_leaves_a_classifier_and_its_history(tmp_path, monkeypatch, capsys):
    crops = solid_colours(6, num_classes=11)
    write_image_set(tmp_path / "crops.zip", crops)
    write_image_set(tmp_path / "generated.zip", solid_colours(2, num_classes=11, seed=5))
    columns = ["file_name", "class", "label", "group"]
    crops.rows[columns].assign(part=["fit"] * 55 + ["val"] * 11).to_csv(tmp_path / "subset.csv", index=False)
    options = OPTIONS | {"strategy": "pretrain"}
    arguments = {"options": json.dumps(options), "threads": "1"} | {
        name: str(tmp_path / file)
        for name, file in {
            "crops": "crops.zip",
            "subset": "subset.csv",
            "generated": "generated.zip",
            "state": "x.state",
            "out": "out.safetensors",
            "history": "history.csv",
        }.items()
    }
    monkeypatch.setattr(sys, "argv", ["train", *(part for key, v in arguments.items() for part in (f"--{key}", v))])
    train.main()
    _, description = load_classifier(tmp_path / "out.safetensors")
    assert description["options"] == options and description["class_names"] == crops.class_names
    history = pd.read_csv(tmp_path / "history.csv")
    assert list(history.columns) == ["epoch", "phase", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert history["phase"].tolist() == ["pretrain", "train", "train"]
    assert description["best_epoch"] == history[history["phase"] == "train"].set_index("epoch")["val_loss"].idxmin()
    assert not (tmp_path / "x.state").exists()
    assert "pretrain: 55 real images, 11 to validate, 22 generated" in capsys.readouterr().out
