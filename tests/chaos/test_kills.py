import fcntl
import json
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from chaos.kills import COMMAND, checkpoints, disturb, finish, left_behind, lost, products, study_in, unlike
from conftest import ROOT
from study_copy import snakemake

from pipeline.locks import begin_alone
from pipeline.records import record_path


def test_a_study_whose_processes_are_killed_ends_with_the_same_bytes(finished_study, tmp_path):
    folder = study_in(tmp_path / "repository")
    # Three jobs at a time until the last kill; the undisturbed run had two.
    tally, seen = disturb(folder, kills=2, pause=8, chance=random.Random(1), cores=["--cores", "3"])
    assert tally.total() > 0
    finish(folder)
    assert lost(folder, seen) == []
    assert unlike(products(folder), products(finished_study)) == []
    assert left_behind(folder) == []


@pytest.mark.parametrize(
    ("began", "said", "is_lost"),
    [
        (90, "a new training: no earlier state", False),  # it was under way, and not killed
        (110, "goes on after step 40", False),
        (110, "results/.state/x.pt: resumed after 44 epochs", False),
        (110, "goes on after step 39", True),
        (110, "a new training: no earlier state", True),
    ],
)
def test_a_training_that_lost_its_checkpoint_is_told_by_its_log(tmp_path, began, said, is_lost):
    name = "generators/a-n5-s0-reacgan"
    record = tmp_path / record_path(f"results/{name}.safetensors")
    for path, text in ((record, json.dumps({"rule": "generators", "starttime": began, "endtime": 200})),
                       (tmp_path / "logs" / f"{name}.log", said)):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert lost(tmp_path, {name: (40, 100)}) == [name] * is_lost


def test_checkpoints_of_both_kinds_of_trainings_are_seen(tmp_path):
    for name, state in (("generators/a", {"step": 7}), ("classifiers/b", {"epochs_done": 3}), ("classifiers/c", {})):
        path = tmp_path / "results" / ".state" / f"{name}.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)
    seen = {name: done for name, (done, _) in checkpoints(tmp_path).items()}
    assert seen == {"generators/a": 7, "classifiers/b": 3}


def test_the_lock_of_a_killed_run_stops_no_other(tmp_path):
    folder = study_in(tmp_path / "repository")
    locks = folder / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/drawn/drawn_signs.zip\n")
    target = "results/drawn/drawn_signs.zip"
    with (folder / ".snakemake" / "running").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        status, said = snakemake(folder, target)
        assert status != 0 and "cannot be locked" in said
    status, said = snakemake(folder, target)
    assert status == 0, said
    assert left_behind(folder) == []


def test_the_first_process_killed_takes_the_run_with_it_and_the_same_command_goes_on(tmp_path):
    folder, target = study_in(tmp_path / "repository"), "results/manifests/drawn_signs.csv"
    with subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.DEVNULL) as run:
        while not list((folder / ".snakemake" / "locks").glob("*")):
            time.sleep(0.05)
        run.kill()
    finish(folder, target)
    assert left_behind(folder) == []


def test_the_locks_of_a_killed_run_on_a_cluster_wait_for_a_person(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".snakemake" / "locks"
    begin_alone(on_cluster=True).close()  # as the system does when the run is killed
    folder.mkdir()
    (folder / "0.output.lock").write_text("results/a\n")
    for on_cluster in (False, True):
        begin_alone(on_cluster).close()
        assert (folder / "0.output.lock").exists()
    (folder / "0.output.lock").unlink()  # snakemake --unlock
    with begin_alone(on_cluster=False):
        assert begin_alone(on_cluster=True) is None
    folder.mkdir(exist_ok=True)
    (folder / "0.output.lock").write_text("results/a\n")
    begin_alone(on_cluster=True).close()
    assert not folder.exists()


def test_a_run_in_the_background_obeys_who_stops_it(tmp_path):
    # As `nohup make demo &` starts it: a shell that is not at a terminal has its background jobs ignore Ctrl-C.
    def begin():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    folder = study_in(tmp_path / "repository")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    run = subprocess.Popen(COMMAND, cwd=folder, preexec_fn=begin, start_new_session=True, **pipes)
    assert "[" in run.stdout.readline()  # the first job is done, others are under way
    run.terminate()
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0 and "the same command goes on from there" in said
    finish(folder, "results/manifests/drawn_signs.csv")
    assert left_behind(folder) == []


@pytest.mark.parametrize("form", ["kills", "fuzz"])
def test_the_long_forms_start_by_hand(form, tmp_path):
    done = subprocess.run([sys.executable, ROOT / "tests/chaos" / f"{form}.py", "--help"], cwd=tmp_path, check=False)
    assert done.returncode == 0
