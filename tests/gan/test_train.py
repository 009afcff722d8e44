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
from pipeline.gan import train as train_module
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.generator_file import load_generator
from pipeline.gan.state import new_training
from pipeline.gan.train import finished_generator, train, train_generator
from pipeline.stage import WrongInput


def same_weights(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def interrupt_after(steps, monkeypatch):
    """Make the next training stop after so many steps, as a kill would."""
    ordinary = train_module.Progress.__call__

    def progress(self, losses):
        ordinary(self, losses)
        if self.training.step == steps:
            raise KeyboardInterrupt

    monkeypatch.setattr(train_module.Progress, "__call__", progress)


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_every_condition_trains(condition):
    # 10 images per batch, 6 in the set.
    options = {**OPTIONS, "condition": condition, "batch_size": 10}
    batches = TrainingBatches(colour_set(), options, "cpu")
    training, seen = new_training(2, options, "cpu"), []
    before = {name: tensor.clone() for name, tensor in training.average.items()}
    train(training, batches, options, seen.extend)
    assert len(seen) == 4 and all(map(math.isfinite, seen))
    still = [name for name, tensor in training.average.items() if torch.equal(tensor, before[name])]
    assert still == []


@pytest.mark.parametrize("as_published", [["adc"], ["d2dce_shift"], ["relu_skip"], ["adc", "d2dce_shift", "relu_skip"]])
def test_every_switch_changes_the_training(as_published):
    options = {**OPTIONS, "steps": 1}
    plain, switched = [], []
    for seen, switches in ((plain, []), (switched, as_published)):
        chosen = {**options, "as_published": switches}
        train(new_training(2, chosen, "cpu"), TrainingBatches(colour_set(), chosen, "cpu"), chosen, seen.extend)
    assert all(map(math.isfinite, switched)) and plain != switched


def test_average_is_the_generator_until_it_starts_and_then_decays():
    options = {**OPTIONS, "steps": 3, "ema_start": 2, "ema_decay": 0.75}
    training, weights = new_training(2, options, "cpu"), []

    def keep(losses):
        weights.append(training.generator.to_rgb.bias.detach().clone())

    train(training, TrainingBatches(colour_set(), options, "cpu"), options, keep)
    torch.testing.assert_close(training.average["to_rgb.bias"], 0.75 * weights[1] + 0.25 * weights[2])


@pytest.mark.parametrize("condition", ["reacgan", "spade_bones"])
def test_a_resumed_training_is_the_undisturbed_one(condition, tmp_path, monkeypatch, capsys):
    options = {**OPTIONS, "condition": condition, "steps": 4, "checkpoint_every": 2}
    undisturbed = train_generator(colour_set(), options, tmp_path / "one.pt")
    state = tmp_path / "other.pt"
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)  # one step after the state of step 2
        with pytest.raises(KeyboardInterrupt):
            train_generator(colour_set(), options, state)
    capsys.readouterr()
    resumed = train_generator(colour_set(), options, state)
    assert "goes on after step 2" in capsys.readouterr().out
    assert same_weights(undisturbed, resumed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_keeps_the_step_it_came_in_and_ends_with_its_status(number, tmp_path, monkeypatch, capsys):
    options, ordinary = {**OPTIONS, "steps": 4, "checkpoint_every": 100}, train_module.generator_loss
    undisturbed = train_generator(colour_set(), options, tmp_path / "one.pt")

    def interrupted(training, batches, step, options):
        if step == 1:
            os.kill(os.getpid(), number)
        return ordinary(training, batches, step, options)

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "generator_loss", interrupted)
        with pytest.raises(SystemExit) as ended:
            train_generator(colour_set(), options, tmp_path / "other.pt")
    assert ended.value.code == 128 + number
    resumed = train_generator(colour_set(), options, tmp_path / "other.pt")
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
        assert "other options or other data" in capsys.readouterr().out
        assert state.read_bytes() == state_bytes
    state.write_bytes(state_bytes[: len(state_bytes) // 2])
    train_generator(colour_set(), OPTIONS, state)
    assert "cannot be read" in capsys.readouterr().out


def test_a_loss_that_is_not_a_number_names_the_step_and_keeps_the_earlier_state(tmp_path, monkeypatch):
    options, ordinary = {**OPTIONS, "steps": 5}, train_module.generator_loss

    def breaks_down(training, batches, step, options):
        return ordinary(training, batches, step, options) * (math.nan if step == 2 else 1)

    monkeypatch.setattr(train_module, "generator_loss", breaks_down)
    with pytest.raises(WrongInput, match="training step 3: the loss is not a finite number; lower lr"):
        train_generator(colour_set(), options, tmp_path / "state.pt")
    content = torch.load(tmp_path / "state.pt", weights_only=True)
    assert content["step"] == 2 and all(tensor.isfinite().all() for tensor in content["average"].values())


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
    train(training, batches, options, lambda losses: None)
    generator = finished_generator(training, batches, options)
    z = torch.randn(16, options["z_dim"], generator=torch.Generator().manual_seed(0))
    red, blue = (generator(z, torch.full((16,), label)).mean(dim=(0, 2, 3)) for label in (0, 1))
    assert (red - blue)[0] > 0.2 and (blue - red)[2] > 0.2


def test_command_writes_the_generator_and_removes_the_state(tmp_path):
    write_image_set(tmp_path / "crops.zip", colour_set())
    colour_set().rows.assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    paths = {"crops": "crops.zip", "subset": "subset.csv", "state": "state.pt", "out": "generator.safetensors"}
    arguments = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
    command = [sys.executable, "-m", "pipeline.gan.train", "--options", json.dumps(OPTIONS), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "step 2/2" in done.stdout and done.stderr == ""
    assert not (tmp_path / "state.pt").exists()
    _, description = load_generator(tmp_path / "generator.safetensors")
    assert description == {"condition": "reacgan", "class_names": ["colour0", "colour1"], "options": OPTIONS}
