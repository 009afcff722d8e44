"""The stages of a finished study as the commands that Snakemake gives them, to be run again under bad circumstances."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from study_copy import snakemake

from pipeline.records import finished_job
from pipeline.study import Study
from pipeline.warm import PRELOADED


@dataclass(frozen=True)
class Command:
    """What a job runs, and which artifacts it reads and makes, below the folder of the study."""

    line: str
    inputs: list
    outputs: list


def all_commands(folder):
    """Return [(rule, Command)] of every job of a finished study, in the order that Snakemake tells."""
    status, said = snakemake(folder, "-n", "-p", "--forceall", "all")
    assert status == 0, said
    found = []
    for block in re.split(r"\n(?=(?:local)?rule )", said):
        name = re.match(r"(?:local)?rule (\w+):", block)
        line = re.search(r"^Shell command: (.+)$", block, re.MULTILINE)
        inputs, outputs = _artifacts(block, "input"), _artifacts(block, "output")
        if name and line and outputs:
            found.append((name[1], Command(line[1], inputs, outputs)))
    return found


def commands(folder):
    """Return {name: Command}: of each rule its first job, called as the rule; of generators one of each condition."""
    found = {}
    for rule, command in all_commands(folder):
        condition = re.search("-(reacgan|spade_keypoints|spade_bones)", command.outputs[0])
        found.setdefault(f"generators of {condition[1]}" if rule == "generators" else rule, command)
    rules = {name.partition(" ")[0] for name in found}
    assert rules == Study(yaml.safe_load((folder / "params.yaml").read_text())).artifacts().keys()
    assert sum(name.startswith("generators of") for name in found) == 3
    return found


def _artifacts(block, kind):
    listed = re.search(rf"^    {kind}: (.+)$", block, re.MULTILINE)
    return [path for path in listed[1].split(", ") if path.startswith("results/")] if listed else []


@contextmanager
def warm_server(folder):
    """Yield the environment of commands whose stages are forks of one server, and the server."""
    address = Path(tempfile.mkdtemp(prefix="warm-"), "socket")
    places = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": places, "PYTHONPATH": str(folder), "PIPELINE_WARM": str(address)}
    line = [sys.executable, "-m", "pipeline.warm", "--serve", address, str(os.getpid()), *PRELOADED]
    server = subprocess.Popen(line, cwd=folder)
    while not address.exists():
        time.sleep(0.05)
    try:
        yield environment, server
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(address.parent)


def run_stage(command, folder, environment):
    """Run a Command as a job of Snakemake does; return its exit status and what it said on the terminal."""
    done = subprocess.run(line_of(command), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def line_of(command):
    """Return the command line that runs a Command as a job of Snakemake does."""
    return ["bash", "-c", f"set -euo pipefail; {command.line}"]


def job_seconds(folder, command):
    """Return how long the job of a Command took in the finished study."""
    job = finished_job(command.outputs[0], folder)
    return job["endtime"] - job["starttime"]
