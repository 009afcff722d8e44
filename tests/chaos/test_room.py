import hashlib
import resource
import shutil

import psutil
import pytest
from chaos.stages import commands, run_stage, warm_server


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """A copy of the finished tiny study, whose stages may fail in it."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("room") / "repository")


def test_every_stage_that_finds_no_room_says_so_and_keeps_what_was_there(copy):
    told, made = {}, commands(copy)
    with warm_server(copy) as (environment, server):
        for rule, command in made.items():
            files = [copy / name for name in command.outputs]
            before = list(map(digest, files))
            # Forks of the server inherit its limit: files may have half the size of the smallest output.
            half = min(path.stat().st_size for path in files) // 2
            psutil.Process(server.pid).rlimit(resource.RLIMIT_FSIZE, (half, resource.RLIM_INFINITY))
            status, said = run_stage(command, copy, environment)
            errors = [line for line in said.splitlines() if line.startswith("error: ")]
            kept = list(map(digest, files)) == before and not list((copy / "results").rglob("*.part"))
            one_line = len(errors) == 1 and "no room" in errors[0] and "Traceback" not in said
            told[rule] = "as it should" if status and kept and one_line else (status, kept, said)
    assert told == dict.fromkeys(made, "as it should")
    assert len(told) >= 20
