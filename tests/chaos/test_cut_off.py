import contextlib
import hashlib
import random
import shutil
import signal
import subprocess
import time

import psutil
import pytest
from chaos.stages import commands, job_seconds, line_of, run_stage, warm_server

# Its page tells the times of jobs and the machine.
OF_ITS_OWN = "report"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ATTEMPTS, SHORTEST = 8, 0.05  # seconds; any stage takes longer to import its modules


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """A copy of the finished tiny study, whose stages may be killed in it."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("cut_off") / "repository")


def digests(folder, command):
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in command.outputs]


def stages_of(server):
    """Yield the processes of stages: children of the server's children, which keep them and may end meanwhile."""
    for keeper in psutil.Process(server.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from keeper.children()


def cut_off(command, folder, environment, server, number, pause):
    """Send a signal to a stage `pause` seconds after its process began, sooner and sooner until that ends it.

    Return the status that its command ended with. A stage that came to its end before, well, is run again.
    """
    line, streams = line_of(command), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for _ in range(ATTEMPTS):
        with subprocess.Popen(line, cwd=folder, env=environment, **streams) as begun:
            while not (stages := list(stages_of(server))) and begun.poll() is None:
                time.sleep(0.005)
            time.sleep(pause)
            for stage in stages:
                with contextlib.suppress(psutil.NoSuchProcess):  # it has just come to its end
                    stage.send_signal(number)
        if begun.returncode != 0:
            return begun.returncode
        pause = pause / 2 if pause > SHORTEST else 0
    return 0


def test_every_stage_that_is_killed_on_its_way_does_its_work_when_it_is_run_again(copy):
    told, chance, made = {}, random.Random(0), commands(copy)
    with warm_server(copy) as (environment, server):
        for place, (name, command) in enumerate(made.items()):
            before = digests(copy, command)
            number = SIGNALS[place % len(SIGNALS)]
            pause = chance.uniform(0.1, 0.6) * job_seconds(copy, command)
            ended = cut_off(command, copy, environment, server, number, pause)
            kept = name == OF_ITS_OWN or digests(copy, command) == before
            status, said = run_stage(command, copy, environment)
            same = name == OF_ITS_OWN or digests(copy, command) == before
            left = [*(copy / "results").rglob("*.part"), *(path for path in (copy / "results/.state").rglob("*.pt"))]
            good = ended != 0 and kept and status == 0 and same and not left
            told[name] = "as it should" if good else (number, ended, kept, status, said, left)
    assert told == dict.fromkeys(made, "as it should")
