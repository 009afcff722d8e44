import copy
import json
import math
import os
import signal
import subprocess
import sys

import pytest
import torch
from gan.small import ALL_CONDITIONS, OPTIONS, colour_set

from pipeline.data.archive import write_image_set
from pipeline.gan import supervision as supervision_module
from pipeline.gan import train as train_module
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.evaluation import Evaluation
from pipeline.gan.finished import finished_generator
from pipeline.gan.generator_file import load_generator
from pipeline.gan.state import new_training
from pipeline.gan.train import AS_PUBLISHED, train, train_generator
from pipeline.stage import WrongInput


def same_weights(first, second):
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def one_step(options):
    """Return the losses of the first step of a training."""
    training = new_training(2, options, "cpu")
    train(training, TrainingBatches(colour_set(), options, "cpu"), options, lambda: None)
    return training.history.losses


def interrupt_after(steps, monkeypatch):
    """Make the next training stop after so many steps, as a kill would."""
    ordinary = supervision_module.Supervision.__call__

    def supervision(self):
        ordinary(self)
        if self.training.step == steps:
            raise KeyboardInterrupt

    monkeypatch.setattr(supervision_module.Supervision, "__call__", supervision)


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_every_condition_trains(condition):
    # 10 images per batch, 6 in the set.
    options = {**OPTIONS, "condition": condition, "batch_size": 10}
    batches = TrainingBatches(colour_set(), options, "cpu")
    training = new_training(2, options, "cpu")
    before = {name: tensor.clone() for name, tensor in training.average.items()}
    train(training, batches, options, lambda: None)
    assert training.history.losses.isfinite().all() and (training.history.losses != 0).all()
    still = [name for name, tensor in training.average.items() if torch.equal(tensor, before[name])]
    assert still == []


# The reference of the evaluation changes what is kept of a training, not the training.
OF_TRAINING = [switch for switch in AS_PUBLISHED if switch != "test_reference"]


@pytest.mark.parametrize("as_published", [[switch] for switch in OF_TRAINING] + [OF_TRAINING])
def test_every_switch_changes_the_training(as_published):
    of_poses = {"density_keypoints", "nearest_pose", "unmirrored_pose", "unmoved_pose"}
    condition = "spade_keypoints" if of_poses.intersection(as_published) else "reacgan"
    options = {**OPTIONS, "steps": 1, "condition": condition}
    plain, switched = (one_step({**options, "as_published": switches}) for switches in ([], as_published))
    assert switched.isfinite().all() and not torch.equal(plain, switched)


def test_average_is_the_generator_until_it_starts_and_then_decays():
    options = {**OPTIONS, "steps": 3, "ema_start": 2, "ema_decay": 0.75}
    training, weights = new_training(2, options, "cpu"), []

    def keep():
        weights.append(training.generator.to_rgb.bias.detach().clone())

    train(training, TrainingBatches(colour_set(), options, "cpu"), options, keep)
    torch.testing.assert_close(training.average["to_rgb.bias"], 0.75 * weights[1] + 0.25 * weights[2])


@pytest.mark.parametrize("condition", ["reacgan", "spade_bones"])
def test_a_resumed_training_is_the_undisturbed_one(condition, tmp_path, monkeypatch, capsys):
    options = {**OPTIONS, "condition": condition, "steps": 4, "checkpoint_every": 2}
    undisturbed, _ = train_generator(colour_set(), options, tmp_path / "one.pt")
    state = tmp_path / "other.pt"
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)  # one step after the state of step 2
        with pytest.raises(KeyboardInterrupt):
            train_generator(colour_set(), options, state)
    capsys.readouterr()
    resumed, _ = train_generator(colour_set(), options, state)
    assert "goes on after step 2" in capsys.readouterr().out
    assert same_weights(undisturbed, resumed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_keeps_the_step_it_came_in_and_ends_with_its_status(number, tmp_path, monkeypatch, capsys):
    options, ordinary = {**OPTIONS, "steps": 4, "checkpoint_every": 100}, train_module.generator_loss
    undisturbed, _ = train_generator(colour_set(), options, tmp_path / "one.pt")

    def interrupted(training, batches, step, options):
        if step == 1:
            os.kill(os.getpid(), number)
        return ordinary(training, batches, step, options)

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "generator_loss", interrupted)
        with pytest.raises(SystemExit) as ended:
            train_generator(colour_set(), options, tmp_path / "other.pt")
    assert ended.value.code == 128 + number
    resumed, _ = train_generator(colour_set(), options, tmp_path / "other.pt")
    assert "goes on after step 2" in capsys.readouterr().out
    assert same_weights(undisturbed, resumed)


def test_the_state_of_another_training_is_not_taken_up(tmp_path, monkeypatch, capsys):
    state = tmp_path / "state.pt"
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            train_generator(colour_set(), OPTIONS, state)
    other_data = colour_set(colours=((1, 2, 3), (4, 5, 6)))
    for image_set, options in ((colour_set(), {**OPTIONS, "lr": 1e-3}), (other_data, OPTIONS)):
        state_bytes = state.read_bytes()
        train_generator(image_set, {**options, "checkpoint_every": 100}, state)
        assert "other options, other data or other code" in capsys.readouterr().out
        assert state.read_bytes() == state_bytes
    state.write_bytes(state_bytes[: len(state_bytes) // 2])
    train_generator(colour_set(), OPTIONS, state)
    assert "cannot be read" in capsys.readouterr().out


def test_a_state_of_other_code_is_not_taken_up(tmp_path, monkeypatch, capsys):
    options = {**OPTIONS, "steps": 3}
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "code_digest", lambda *modules: "losses before they were mended")
        interrupt_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            train_generator(colour_set(), options, tmp_path / "state.pt")
    mended, _ = train_generator(colour_set(), options, tmp_path / "state.pt")
    assert "a new training: " in capsys.readouterr().out
    undisturbed, _ = train_generator(colour_set(), options, tmp_path / "other.pt")
    assert same_weights(undisturbed, mended)


def test_a_loss_that_is_not_a_number_names_the_step_and_keeps_the_earlier_state(tmp_path, monkeypatch):
    options, ordinary = {**OPTIONS, "steps": 5}, train_module.generator_loss

    def breaks_down(training, batches, step, options):
        return ordinary(training, batches, step, options) * (math.nan if step == 2 else 1)

    monkeypatch.setattr(train_module, "generator_loss", breaks_down)
    with pytest.raises(WrongInput, match="training step 3: the loss is not a finite number; lower lr"):
        train_generator(colour_set(), options, tmp_path / "state.pt")
    content = torch.load(tmp_path / "state.pt", weights_only=True)
    assert content["step"] == 2 and all(tensor.isfinite().all() for tensor in content["average"].values())


EVALUATED = {"every": 2, "images": 8, "features": "lite0"}


def test_the_generator_nearest_to_the_training_images_is_kept(tmp_path, monkeypatch):
    options = {**OPTIONS, "steps": 6, "lr": 1e-3, "evaluation": EVALUATED}
    distances, weights = iter([9.0, 5.0, 7.0]), []

    def scored(self, generator, between):
        weights.append(copy.deepcopy(generator))
        return {"frechet": next(distances), "spread": 1.0}

    monkeypatch.setattr(supervision_module.Evaluation, "__call__", scored)
    generator, history = train_generator(colour_set(), options, tmp_path / "state.pt")
    assert same_weights(generator, weights[1]) and not same_weights(generator, weights[2])
    assert [(found["step"], found["frechet"]) for found in history.evaluations] == [(2, 9), (4, 5), (6, 7)]
    assert len(history.samples) == 3 and history.best["step"] == 4


@pytest.mark.parametrize(
    ("spreads", "distances", "kept"),
    [((1.0, 0.001), (9, 6), 2), ((0.001, 1.0), (6, 9), 4), ((0.002, 0.001), (9, 6), 4)],
)
def test_a_collapsed_generator_is_told_of_and_kept_only_if_there_is_no_other(
    spreads, distances, kept, tmp_path, monkeypatch, capsys
):
    options = {**OPTIONS, "steps": 4, "evaluation": EVALUATED}
    pairs = zip(spreads, distances, strict=True)
    scores = iter([{"frechet": distance, "spread": spread} for spread, distance in pairs])
    monkeypatch.setattr(supervision_module.Evaluation, "__call__", lambda *_, **__: next(scores))
    _, history = train_generator(colour_set(), options, tmp_path / "state.pt")
    assert history.best["step"] == kept
    told = capsys.readouterr().err
    assert told.count("collapsed, constant output") == sum(spread < 0.05 for spread in spreads)


def test_without_features_the_last_generator_is_kept(tmp_path):
    options = {**OPTIONS, "steps": 3, "evaluation": {**EVALUATED, "features": None}}
    _, history = train_generator(colour_set(), options, tmp_path / "state.pt")
    assert [found["step"] for found in history.evaluations] == [2, 3] and history.best["step"] == 3


def test_a_training_told_to_end_while_it_evaluates_ends_there_and_evaluates_again(tmp_path, monkeypatch):
    options = {**OPTIONS, "steps": 4, "evaluation": EVALUATED}
    undisturbed, whole = train_generator(colour_set(), options, tmp_path / "one.pt")
    ordinary = supervision_module.Evaluation.__call__

    def interrupted(self, generator, between):
        os.kill(os.getpid(), signal.SIGTERM)
        return ordinary(self, generator, between)

    with monkeypatch.context() as patch:
        patch.setattr(supervision_module.Evaluation, "__call__", interrupted)
        for _ in range(2):  # in the first evaluation, and again in the same one after resuming
            with pytest.raises(SystemExit):
                train_generator(colour_set(), options, tmp_path / "other.pt")
    resumed, history = train_generator(colour_set(), options, tmp_path / "other.pt")
    assert same_weights(undisturbed, resumed)
    assert history.evaluations == whole.evaluations and torch.equal(history.losses, whole.losses)


def test_impossible_options_are_named():
    for wrong, text in (({"as_published": ["ADC"]}, "'ADC'"), ({"condition": "spade"}, "'spade'")):
        with pytest.raises(WrongInput, match=text):
            train_generator(colour_set(), {**OPTIONS, **wrong}, None)


def test_batch_statistics_of_the_finished_generator_are_its_own():
    # Standardising by them must leave mean 0 and variance 1 after the first normalisation.
    options = {**OPTIONS, "batch_size": 64}
    batches = TrainingBatches(colour_set(), options, "cpu")
    training = new_training(2, options, "cpu")
    generator = finished_generator(training, batches, options)
    seen = []
    generator.blocks[0].norm1.norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
    z, fake = batches.fake(3, 0)
    generator(z, fake.labels)
    assert abs(seen[0].mean()) < 0.02 and abs(seen[0].var() - 1) < 0.1


def test_generated_colours_follow_the_label():
    options = {**OPTIONS, "steps": 40, "batch_size": 8, "lr": 1e-3, "ema_start": 30}
    batches = TrainingBatches(colour_set(), options, "cpu")
    training = new_training(2, options, "cpu")
    train(training, batches, options, lambda: None)
    generator = finished_generator(training, batches, options)
    z = torch.randn(16, options["z_dim"], generator=torch.Generator().manual_seed(0))
    red, blue = (generator(z, torch.full((16,), label)).mean(dim=(0, 2, 3)) for label in (0, 1))
    assert (red - blue)[0] > 0.2 and (blue - red)[2] > 0.2


def test_command_writes_the_generator_and_removes_the_state(tmp_path):
    write_image_set(tmp_path / "crops.zip", colour_set())
    colour_set().rows.assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    paths = {"crops": "crops.zip", "subset": "subset.csv", "state": "state.pt", "out": "generator.safetensors"}
    paths |= {"curve": "curve.csv", "samples": "samples.png", "events": "events"}
    arguments = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
    command = [sys.executable, "-m", "pipeline.gan.train", "--options", json.dumps(OPTIONS), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "step 2/2" in done.stdout and done.stderr == ""
    assert not (tmp_path / "state.pt").exists()
    _, description = load_generator(tmp_path / "generator.safetensors")
    assert description == {"condition": "reacgan", "class_names": ["colour0", "colour1"], "options": OPTIONS}


def test_the_test_images_choose_the_generator_on_request(tmp_path):
    """The images learnt from are red and blue, those of the reference green: distances are to these."""
    evaluation = {"every": 1, "images": 8, "features": "lite0"}
    options = {**OPTIONS, "condition": "spade_bones", "evaluation": evaluation}
    reference = colour_set(colours=((40, 220, 40), (40, 200, 60)))
    corrected = train_generator(colour_set(), options, tmp_path / "a.pt")[1]
    published = {**options, "as_published": ["test_reference"]}
    generator, history = train_generator(colour_set(), published, tmp_path / "b.pt", reference=reference)
    # The same training, judged otherwise.
    assert torch.equal(corrected.losses, history.losses)
    assert [one["frechet"] for one in corrected.evaluations] != [one["frechet"] for one in history.evaluations]
    judge = Evaluation(TrainingBatches(reference, published, "cpu"), evaluation)
    assert history.best["frechet"] == pytest.approx(judge(generator, between=lambda: None)["frechet"], rel=1e-4)
