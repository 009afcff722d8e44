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
    """Begin a stage and send a signal to its process after a pause in seconds; return its exit status."""
    line, streams = line_of(command), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(line, cwd=folder, env=environment, **streams) as begun:
        time.sleep(pause)
        for stage in stages_of(server):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just come to its end
                stage.send_signal(number)
    return begun.returncode


def test_every_stage_that_is_killed_on_its_way_does_its_work_when_it_is_run_again(copy):
    told, chance = {}, random.Random(0)
    with warm_server(copy) as (environment, server):
        for place, (rule, command) in enumerate(commands(copy).items()):
            before = digests(copy, command)
            number = (signal.SIGKILL, signal.SIGTERM)[place % 2]
            pause = chance.uniform(0.2, 0.9) * job_seconds(copy, command)
            ended = cut_off(command, copy, environment, server, number, pause)
            kept = ended == 0 or digests(copy, command) == before  # it may have come to its end before
            status, said = run_stage(command, copy, environment)
            same = rule == OF_ITS_OWN or digests(copy, command) == before
            left = [*(copy / "results").rglob("*.part"), *(path for path in (copy / "results/.state").rglob("*.pt"))]
            told[rule] = "as it should" if kept and status == 0 and same and not left else (kept, status, said, left)
    assert told == dict.fromkeys(told, "as it should")
    assert len(told) >= 20
