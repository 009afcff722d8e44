"""Two people, each with a clone, on one file system with one cache of DVC; or, by mistake, in one folder."""

import contextlib
import os
import subprocess
import sys
import traceback

import pytest
from chaos.kills import COMMAND, products, study_in
from study_copy import run

from pipeline.locks import begin_alone
from pipeline.stage import run_stage

NOBODY = 65534
# Whole stages, which are recorded in dvc.lock.
TARGETS = [f"results/manifests/{name}.csv" for name in ("drawn_signs", "drawn_gestures")]


def test_two_runs_at_once_share_a_cache_and_end_with_the_same_bytes(tmp_path):
    people = [study_in(tmp_path / name) for name in ("one", "other")]
    for folder in people:
        run(folder, f"dvc config --local cache.shared group && dvc cache dir --local {tmp_path / 'cache'}")
    logs = [(folder / "run.log").open("w") for folder in people]
    runs = [
        subprocess.Popen([*COMMAND[:-1], *TARGETS], cwd=folder, stdout=log, stderr=log)
        for folder, log in zip(people, logs, strict=True)
    ]
    ended = [begun.wait(600) for begun in runs]
    assert ended == [0, 0], [(folder / "run.log").read_text()[-2000:] for folder in people]
    assert products(people[0]) == products(people[1])
    # What one made, the other's cache has.
    (people[0] / "results/manifests/drawn_signs.csv").unlink()
    run(people[0], "dvc checkout --quiet --relink results/manifests")
    assert products(people[0]) == products(people[1])


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path):
    folder = study_in(tmp_path / "repository")
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    first = subprocess.Popen([*COMMAND[:-1], *TARGETS], cwd=folder, **streams)
    assert "[" in first.stdout.readline()
    second = subprocess.run([*COMMAND[:-1], *TARGETS], cwd=folder, **streams)
    assert second.returncode != 0 and "cannot be locked" in second.stdout and "Traceback" not in second.stdout
    said, _ = first.communicate(timeout=600)
    assert first.returncode == 0, said[-2000:]


def as_another(call, folder):
    """Call a function in a folder as a user who owns nothing there; return its exit status and what it said."""
    out, into = os.pipe()
    process = os.fork()
    if process == 0:
        status = 99
        try:
            os.chdir(folder)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.dup2(into, 2)
            sys.stderr = os.fdopen(2, "w", closefd=False)
            call()
            status = 0
        except SystemExit as end:
            status = end.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(into)
    with open(out) as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("theirs", [".snakemake/running", ".snakemake", "results", "logs"])
def test_another_persons_folder_is_refused_in_one_line_that_names_them(tmp_path, theirs):
    tmp_path.chmod(0o777)
    with begin_alone_in(tmp_path):
        for name in ("results", "logs", ".snakemake/locks"):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
    open_all(tmp_path)
    assert as_another(lambda: begin_alone(on_cluster=False).close(), tmp_path) == (0, "")
    open_all(tmp_path)
    (tmp_path / theirs).chmod(0o755 if (tmp_path / theirs).is_dir() else 0o644)
    status, said = as_another(lambda: run_stage(lambda: begin_alone(on_cluster=False)), tmp_path)
    assert status == 1 and said.count("\n") == 1 and "Traceback" not in said
    assert said.startswith("error: ") and f"{theirs}: belongs to root, and" in said and "a clone of your own" in said


def begin_alone_in(folder):
    """Hold a folder as a run does."""
    with contextlib.chdir(folder):
        return begin_alone(on_cluster=False)


def open_all(folder):
    """Let everybody write to everything below a folder."""
    for place in folder.rglob("*"):
        place.chmod(0o777)
