import os
import shutil

import pytest
from chaos.stages import commands, run_stage, warm_server


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """A copy of the finished tiny study, whose artifacts may rot in it."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("rot") / "repository")


def flip_a_bit(path):
    """Change one bit in the middle of a file, and nothing of its size or times; return what it was."""
    before, times = path.read_bytes(), path.stat()
    rotten = bytearray(before)
    rotten[len(rotten) // 2] ^= 1
    path.write_bytes(rotten)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return before


def test_one_flipped_bit_in_any_artifact_is_noticed_by_the_stage_that_reads_it(copy):
    told, seen = {}, set()
    with warm_server(copy) as (environment, _):
        for rule, command in commands(copy).items():
            for name in command.inputs:
                # One artifact of each kind for each rule that reads it.
                kind = (rule, name.split("/")[1], name.rpartition(".")[2])
                if kind in seen:
                    continue
                seen.add(kind)
                before = flip_a_bit(copy / name)
                kept = [(copy / output).read_bytes() for output in command.outputs]
                status, said = run_stage(command, copy, environment)
                same = kept == [(copy / output).read_bytes() for output in command.outputs]
                (copy / name).write_bytes(before)
                errors = [line for line in said.splitlines() if line.startswith("error: ")]
                noticed = status != 0 and same and len(errors) == 1 and name in errors[0] and "Traceback" not in said
                told[kind] = "noticed" if noticed else said[-500:]
    assert told == dict.fromkeys(told, "noticed")
    assert len(told) >= 30
