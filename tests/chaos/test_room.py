import hashlib
import resource
import shutil

import psutil
import pytest
from chaos.stages import commands, run_stage, warm_server

# Its page tells the times of jobs and the machine.
OF_ITS_OWN = "report"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """A copy of the finished tiny study, whose stages may fail in it."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("room") / "repository")


def allow(server, size):
    """Let files that stages write, forks of the server, have so many bytes."""
    psutil.Process(server.pid).rlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_every_stage_that_finds_no_room_says_so_keeps_what_was_there_and_works_when_there_is(copy):
    told, made = {}, commands(copy)
    with warm_server(copy) as (environment, server):
        for name, command in made.items():
            files = [copy / path for path in command.outputs]
            before = list(map(digest, files))
            # Files may have half the size of the smallest output.
            allow(server, min(path.stat().st_size for path in files) // 2)
            status, said = run_stage(command, copy, environment)
            errors = [line for line in said.splitlines() if line.startswith("error: ")]
            kept = list(map(digest, files)) == before and not list((copy / "results").rglob("*.part"))
            one_line = len(errors) == 1 and "no room" in errors[0] and "Traceback" not in said
            allow(server, resource.RLIM_INFINITY)
            again, words = run_stage(command, copy, environment)
            same = name == OF_ITS_OWN or list(map(digest, files)) == before
            good = status != 0 and kept and one_line and again == 0 and same
            told[name] = "as it should" if good else (status, kept, said, again, same, words)
    assert told == dict.fromkeys(made, "as it should")
