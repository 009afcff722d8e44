"""The stages of a finished study as the commands that Snakemake gives them, to be run again under bad circumstances."""

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from study_copy import snakemake


@dataclass(frozen=True)
class Command:
    """What a job runs, and what it makes below the folder of the study."""

    line: str
    outputs: list


def commands(folder):
    """Return {rule: Command} of one job of each rule of a finished study: the first that Snakemake tells."""
    status, said = snakemake(folder, "-n", "-p", "--forceall", "all")
    assert status == 0, said
    found = {}
    for block in re.split(r"\n(?=(?:local)?rule )", said):
        name = re.match(r"(?:local)?rule (\w+):", block)
        line = re.search(r"^Shell command: (.+)$", block, re.MULTILINE)
        outputs = re.search(r"^    output: (.+)$", block, re.MULTILINE)
        if name and line and outputs:
            found.setdefault(name[1], Command(line[1], outputs[1].split(", ")))
    return found


@contextmanager
def warm_server(folder):
    """Yield the environment of commands whose stages are forks of one server, and the server."""
    address = Path(tempfile.mkdtemp(prefix="warm-"), "socket")
    places = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": places, "PYTHONPATH": str(folder), "PIPELINE_WARM": str(address)}
    server = subprocess.Popen([sys.executable, "-m", "pipeline.warm", "--serve", address, str(os.getpid())], cwd=folder)
    while not address.exists():
        time.sleep(0.05)
    try:
        yield environment, server
    finally:
        server.kill()
        server.wait()


def run_stage(command, folder, environment):
    """Run a Command as a job of Snakemake does; return its exit status and what it said on the terminal."""
    line = ["bash", "-c", f"set -euo pipefail; {command.line}"]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr
