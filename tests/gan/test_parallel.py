import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT
from gan import in_processes
from gan.in_processes import CASES, calibrated, double_training, trained_to_the_end
from gan.small import OPTIONS, colour_set

from pipeline.data.archive import write_image_set
from pipeline.gan.generator_file import load_generator
from pipeline.gan.parallel import own_rows, share_batch_norm, whole_batch
from pipeline.gan.state import new_training
from pipeline.stage import WrongInput

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}


def run(command):
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two processes left what they have of every training of in_processes.py."""
    folder = tmp_path_factory.mktemp("processes")
    assert trained_to_the_end(folder / "of one process.pt", signal.SIGUSR1) == (128 + signal.SIGUSR1, [0, 1])
    done = run([*TORCHRUN, in_processes.__file__, str(folder)])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("a new training") == 2 and done.stdout.count("goes on after step 2") == 1
    assert done.stdout.count("signal 15: stopped after step 2") == 1
    assert json.loads(done.stdout.splitlines()[-1]) == {"rows": "slice(0, 2, None)"}
    return folder


@pytest.fixture(scope="module")
def seen(folder):
    return [torch.load(folder / f"process{number}.pt", weights_only=True) for number in range(2)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return trained_to_the_end(tmp_path_factory.mktemp("alone") / "state.pt")


def assert_close(ours, theirs, rtol, atol):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=rtol, atol=atol, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_what_one_does(case, seen):
    # Three steps of Adam in double precision: weights, its moments, batch statistics, u and v, average.
    losses, tensors = double_training(case)
    for process in seen:
        torch.testing.assert_close(process["trained"][case][0], losses, rtol=1e-12, atol=1e-12)
        assert_close(process["trained"][case][1], tensors, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_both_processes_have_the_same_bits(case, seen):
    (first_losses, first), (second_losses, second) = (process["trained"][case] for process in seen)
    assert torch.equal(first_losses, second_losses)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    assert any("weight_u" in name for name in first) and any("running_var" in name for name in first)


def test_the_statistics_of_the_finished_generator_are_of_whole_batches(seen):
    for process in seen:
        assert_close(process["calibrated"], calibrated(), rtol=0, atol=0)


def test_a_signal_to_one_process_stops_both_after_the_same_step_and_one_goes_on(seen, folder, undisturbed, capsys):
    assert [process["stopped"] for process in seen] == [(128 + signal.SIGTERM, [0, 1])] * 2
    resumed = trained_to_the_end(folder / "stopped.pt")
    assert "goes on after step 2" in capsys.readouterr().out
    assert_close(resumed, undisturbed, rtol=1e-7, atol=1e-10)


def test_two_processes_go_on_where_one_stopped(seen, undisturbed):
    for process in seen:
        assert_close(process["goes on"], undisturbed, rtol=1e-7, atol=1e-10)


def test_a_loss_that_is_no_number_is_told_by_every_process(seen):
    assert seen[0]["no number"] == seen[1]["no number"] and "the loss is not a finite number" in seen[0]["no number"]


def test_one_process_changes_nothing():
    rows, generator = torch.ones(4, 2), new_training(2, OPTIONS, "cpu").generator
    kinds = [type(module) for module in generator.modules()]
    assert [type(module) for module in share_batch_norm(generator).modules()] == kinds
    assert whole_batch(rows, 4) is rows and own_rows(4) == slice(0, 4)


def test_more_processes_than_images_are_refused(monkeypatch):
    monkeypatch.setattr("pipeline.gan.parallel.num_processes", lambda: 5)
    with pytest.raises(WrongInput, match="batch_size 4: too few images for 5 processes"):
        own_rows(4)


def command_of(tmp_path, options):
    write_image_set(tmp_path / "crops.zip", colour_set())
    colour_set().rows.assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    paths = {"crops": "crops.zip", "subset": "subset.csv", "state": "state.pt", "out": "generator.safetensors"}
    paths |= {"curve": "curve.csv", "samples": "samples.png"}
    arguments = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
    return ["pipeline.gan.train", "--options", json.dumps(options), *arguments]


def test_torchrun_writes_one_generator_and_removes_the_state(tmp_path):
    done = run([*TORCHRUN, "-m", *command_of(tmp_path, OPTIONS)])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("a new training") == done.stdout.count("step 2/2") == 1
    made = {"generator.safetensors", "curve.csv", "samples.png"}
    assert {path.name for path in tmp_path.iterdir()} == {"crops.zip", "subset.csv", *made}
    _, description = load_generator(tmp_path / "generator.safetensors")
    assert description["options"] == OPTIONS


def within(seconds, condition, process):
    start = time.monotonic()
    while not condition():
        assert process.poll() is None and time.monotonic() - start < seconds
        time.sleep(0.05)


def test_a_signal_of_the_scheduler_keeps_the_state_and_ends_the_command_of_the_rule_with_its_status(tmp_path):
    command = command_of(tmp_path, {**OPTIONS, "steps": 10**6, "checkpoint_every": 5})
    command = [sys.executable, "-m", "pipeline.warm", "--processes", "2", *command]
    stage = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    within(60, (tmp_path / "state.pt").exists, stage)
    stage.send_signal(signal.SIGUSR1)
    out, err = stage.communicate(timeout=60)
    assert stage.returncode == 128 + signal.SIGUSR1, err.decode()
    assert out.count(b"whose state is kept") == 1
    assert (tmp_path / "state.pt").exists() and not (tmp_path / "generator.safetensors").exists()


def test_a_process_that_dies_ends_the_others(tmp_path):
    dies = "import os, time\nif os.environ['RANK'] == '1': os.kill(os.getpid(), 9)\ntime.sleep(100)"
    (tmp_path / "some_stage.py").write_text(dies)
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    command = [sys.executable, "-m", "pipeline.warm", "--processes", "2", "some_stage"]
    assert subprocess.run(command, env=environment, timeout=60, capture_output=True).returncode == 128 + signal.SIGKILL
