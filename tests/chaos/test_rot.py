import os
import shutil

import pytest
from chaos.stages import all_commands, run_stage, warm_server


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


def kinds_of(rule, command):
    """Return {(rule, folder or file below results/, suffix): an artifact of this kind that the job reads}."""
    return {(rule, name.split("/")[1], name.rpartition(".")[2]): name for name in command.inputs}


def noticed(copy, environment, command, name):
    """Run a stage while an artifact that it reads is rotten; return None if it said so, else what it did."""
    kept, before = [(copy / output).read_bytes() for output in command.outputs], flip_a_bit(copy / name)
    status, said = run_stage(command, copy, environment)
    (copy / name).write_bytes(before)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    same = kept == [(copy / output).read_bytes() for output in command.outputs]
    # By its sum, before anything was computed.
    told = len(errors) == 1 and f"{name}: damaged, or changed" in errors[0] and "Traceback" not in said
    return None if status != 0 and same and told else (status, same, said[-500:])


def test_one_flipped_bit_in_any_artifact_is_noticed_by_the_stage_that_reads_it(copy):
    told = {}
    with warm_server(copy) as (environment, _):
        for rule, command in all_commands(copy):
            for kind, name in kinds_of(rule, command).items():
                if kind not in told:
                    told[kind] = noticed(copy, environment, command, name)
    assert told == dict.fromkeys(told)
    # Some that not every job of their rule reads.
    rare = {("figures", name, "csv") for name in ("splits", "classifiers", "real_classifiers", "verdict")} | {
        ("figures", "crops", "zip"),
        ("figures", "images", "zip"),
        ("figures", "claims", "json"),
        ("classifiers", "images", "zip"),
        ("classifiers", "copies", "zip"),
        ("classifiers", "filtered", "zip"),
        ("predictions", "real_classifiers", "safetensors"),
        ("quality", "images", "zip"),
        ("poses", "drawn", "zip"),
        ("crops", "drawn", "zip"),
    }
    assert rare <= told.keys()
