"""A copy of the repository with a study of seconds, for tests that run the real Snakemake."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

from pipeline.recipes import SWITCHES

GAN = {"channels": 8, "batch_size": 4, "steps": 2, "ema_start": 0, "checkpoint_every": 1}
CLASSIFIER = {"batch_size": 8, "epochs": 1, "pretrain_epochs": 1}


def tiny(params):
    """Return params whose demo study does everything it did, with next to no work."""
    signs, gestures = (params["datasets"][name] for name in ("drawn_signs", "drawn_gestures"))
    signs["drawn"] |= {"handshapes": {"5": 18, "index": 12, "b": 8}}
    signs["classes"] = ["5", "index", "b"]
    gestures["drawn"] |= {"handshapes": {"palm": 10, "peace": 10}}
    demo = params["studies"]["demo"]
    demo["generation"]["images_per_class"] = 5
    demo["conditioning"]["images"] = 6
    demo["quality"]["resamples"] = 2
    demo["audit"]["generated"] = 6
    # Every stage once as released, and the sentences that the table of errata is about.
    every = [switch for switches in SWITCHES.values() for switch in switches if switch != "dropped_last_batch"]
    demo["errata"] = {
        "size": "all",
        "variants": {
            "released": every,
            "permuted_labels": ["permuted_labels"],
            "test_poses": ["test_poses"],
            "dropped": ["dropped_last_batch"],
        },
        "rows": {
            "real": ["dropped"],
            "reacgan-pretrain": ["permuted_labels"],
            "reacgan-regularization": ["permuted_labels"],
            "reacgan-filtered-pretrain": ["released"],
            "spade_bones-pretrain": ["test_poses"],
        },
    }
    for experiment in demo["experiments"].values():
        experiment["seeds"] = [0]
        experiment["sizes"] = experiment["sizes"][-2:]
        experiment["classifier"] |= CLASSIFIER
        experiment["generators"] = {name: own | GAN for name, own in experiment["generators"].items()}
    demo["experiments"]["drawn_signs"]["sizes"] = [2, "all"]
    return params


def start_history(folder):
    """Put a copy under git, with the project's DVC settings and an empty cache."""
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    for name in (".dvcignore", ".gitignore", "results/.gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    run(folder, "git init --quiet --initial-branch main && git add --all")
    commit(folder, "start")


def commit(folder, message):
    """Commit everything that git tracks in a copy."""
    run(folder, f"git add --all && git -c user.name=Test -c user.email=test@example.org commit --quiet -m '{message}'")


def run(folder, command):
    """Run a command line as in an activated environment; return what it said. Fails where the command does."""
    place = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    surroundings = {**os.environ, "PATH": place, "SNAKEMAKE_PROFILE": "none"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(["bash", "-ec", command], cwd=folder, env=surroundings, **streams)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def planned(folder, *arguments):
    """Return {rule: number of jobs} that a dry run would run."""
    status, said = snakemake(folder, "-n", *arguments, "--", "all")
    assert status == 0, said
    if "Job stats:" not in said:
        assert "Nothing to be done" in said
        return {}
    rows = (line.split() for line in said.split("Job stats:")[1].split("\n\n")[0].splitlines()[3:])
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[0] not in ("total", "all")}


def copy_repository(folder, shrink=tiny):
    """Copy what a run needs; shrink(params) gives the params.yaml of the copy."""
    keep = shutil.ignore_patterns(".*", "results", "logs", "data", "tests", "__pycache__")
    # The folder pipeline/data is code; only the top-level data is left out.
    shutil.copytree(ROOT, folder, ignore=lambda where, names: keep(where, names) if where == str(ROOT) else set())
    if not (ROOT / ".cache" / "hand_landmarker").is_dir():
        pytest.skip("the hand models are not fetched: run make setup")
    # What was found in photographs before is left behind, so that the copy looks at them itself.
    shutil.copytree(ROOT / ".cache", folder / ".cache", ignore=shutil.ignore_patterns("poses"))
    change_params(folder, shrink)


def change_params(folder, change):
    """Rewrite the params.yaml of a copy by change(params), which may alter and returns them."""
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text())), sort_keys=False))


def snakemake(folder, *arguments):
    """Run Snakemake in the copy; return its exit status and everything it said."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def edit(path, old, new):
    """Replace a text that is there; return a function that puts it back."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return lambda: path.write_text(text)
