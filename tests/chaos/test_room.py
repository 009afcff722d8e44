import resource
import shutil

import psutil
import pytest
from chaos.stages import commands, run_stage, warm_server


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """A copy of the finished tiny study, whose stages may fail in it."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("room") / "repository")


def test_every_stage_that_finds_no_room_says_so_and_keeps_what_was_there(copy):
    told = {}
    with warm_server(copy) as (environment, server):
        for rule, command in commands(copy).items():
            files = [copy / name for name in command.outputs]
            before = [path.read_bytes() for path in files]
            # Forks of the server inherit its limit: files may have half the size of the smallest output.
            half = min(map(len, before)) // 2
            psutil.Process(server.pid).rlimit(resource.RLIMIT_FSIZE, (half, resource.RLIM_INFINITY))
            status, said = run_stage(command, copy, environment)
            told[rule] = (status != 0, [line for line in said.splitlines() if line.startswith("error: ")])
            assert "Traceback" not in said, (rule, said)
            assert [path.read_bytes() for path in files] == before, rule
            assert not list((copy / "results").rglob("*.part")), rule
    assert {rule: (failed, len(lines)) for rule, (failed, lines) in told.items()} == dict.fromkeys(told, (True, 1))
    assert all("no room" in lines[0] for _, lines in told.values())
    assert len(told) >= 20
