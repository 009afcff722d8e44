import contextlib
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from safetensors.torch import save_file

import pipeline.sums
from pipeline.data.files import ABANDONED, discard, replacing
from pipeline.locks import begin_alone
from pipeline.stage import WrongInput
from pipeline.sums import expect_whole

ROOM = 20_000  # bytes that a file may have here, less than any of these writers needs
NOISE = np.random.default_rng(0).integers(0, 256, 50_000, np.uint8)


def write_archive(path):
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("noise", NOISE.tobytes())


WRITERS = {
    "text": lambda path: path.write_text("x" * 50_000),
    "csv": lambda path: pd.DataFrame({"number": NOISE}).to_csv(path),
    "archive": write_archive,
    "safetensors": lambda path: save_file({"noise": torch.tensor(NOISE)}, path),
    "torch": lambda path: torch.save({"noise": torch.tensor(NOISE)}, path),
    "npz": lambda path: np.savez(path.open("wb"), noise=NOISE),
}


@contextlib.contextmanager
def little_room():
    """A limit on the size of files: a full disk as one process sees it.

    It is over before the test is, for pytest may write into a file of that size as well.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", WRITERS)
def test_without_room_the_file_is_named_and_the_old_one_stays(tmp_path, kind):
    path = tmp_path / "result"
    path.write_text("good")
    refused = pytest.raises(WrongInput, match=r"result: cannot be written, no room.*make room")
    with refused, little_room(), replacing(path) as beside:
        WRITERS[kind](beside)
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_other_failures_keep_their_words(tmp_path):
    with pytest.raises(RuntimeError, match="as it was"), replacing(tmp_path / "result"):
        raise RuntimeError("as it was")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "result"):
        (tmp_path / "nowhere").read_text()


def killed_while_writing(path):
    """Have a process begin to write a file and die by SIGKILL; return how many files it left behind."""
    code = (
        "import os, signal, sys; from pathlib import Path; from pipeline.data.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as beside:\n"
        "    beside.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, check=False).returncode == -9
    return len(list(path.parent.iterdir()))


def test_what_a_killed_process_began_goes_with_the_next_write_or_with_the_file(tmp_path):
    path = tmp_path / "a[1]*.csv"
    assert killed_while_writing(path) == 1
    assert killed_while_writing(path) == 1
    with replacing(path) as beside:
        beside.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == ["a[1]*.csv"]
    assert killed_while_writing(path) == 2
    discard(path)
    assert list(tmp_path.iterdir()) == []


def part_of(path, host, process, age):
    """Lay down what a process of a machine began to write to `path` so many seconds ago."""
    part = path.with_name(f".{path.name}.{host}-{process}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("half")
    os.utime(part, (time.time() - age,) * 2)
    return part


def test_what_another_machine_began_goes_after_a_day_and_one_that_got_the_number_since_keeps_nothing(tmp_path):
    path, here = tmp_path / "a.zip", platform.node()
    with subprocess.Popen(["sleep", "60"]) as living:
        gone = [
            part_of(path, "node1.cluster", 1490, ABANDONED + 60),
            part_of(path, here, living.pid, 3600),  # another process had that number then
        ]
        kept = [
            part_of(path, "node1.cluster", 1491, ABANDONED - 600),
            part_of(path.with_name("b.zip"), here, living.pid, 0),
        ]
        with replacing(path) as beside:
            beside.write_text("whole")
        assert [part for part in (*gone, *kept) if part.exists()] == kept
        living.kill()


def test_a_new_run_sweeps_what_others_left_that_it_does_not_write_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = part_of(Path("results/crops/a.zip"), "node1", 7, ABANDONED + 60)
    summed = part_of(Path("results/.sums/crops/a.zip.sha256"), platform.node(), 2**22 + 7, 0)  # beyond all numbers
    remembered = part_of(Path(".cache/poses/x/a.npz"), "node1", 7, ABANDONED + 60)
    written = part_of(Path("results/crops/b.zip"), "node1", 7, 600)
    with begin_alone(on_cluster=False):
        assert [part.exists() for part in (old, summed, remembered, written)] == [False, False, False, True]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    path = tmp_path / "result"
    with replacing(path) as own, replacing(path.with_name("other")) as other:
        own.write_text("mine")
        other.write_text("theirs")
        beside = [file.name for file in tmp_path.iterdir()]
        discard(tmp_path / "result")
        assert sorted(beside) == sorted(file.name for file in tmp_path.iterdir())
    assert path.read_text() == "mine" and os.path.exists(tmp_path / "other")


WRITER = """
import sys
from itertools import count
from pathlib import Path

from pipeline.data.files import replacing

for number in count():
    with replacing(Path(sys.argv[1])) as beside:
        beside.write_bytes(bytes([number % 256]) * int(sys.argv[2]))
"""


@pytest.fixture
def writing(tmp_path):
    """Return a function that has processes write an artifact of so many bytes over and over; it returns the path."""
    writers, path = [], tmp_path / "results" / "crops" / "signs.zip"

    def begin(processes, size):
        command = [sys.executable, "-c", WRITER, path, str(size)]
        writers.extend(subprocess.Popen(command, cwd=ROOT) for _ in range(processes))
        while not path.exists():
            time.sleep(0.01)
        return path

    yield begin
    for writer in writers:
        writer.kill()
        writer.wait()


def test_who_reads_while_others_write_reads_a_whole_file(writing):
    # Two writers, as two runs by mistake would be; on a shared file system a rename is one step as well.
    path, seen = writing(processes=2, size=1_000_000), set()
    for _ in range(300):
        content = path.read_bytes()
        assert len(content) == 1_000_000 and len(set(content)) == 1
        seen.add(content[0])
    assert len(seen) > 1


def test_who_looks_while_another_writes_is_not_told_of_damage(writing, monkeypatch):
    monkeypatch.setattr(pipeline.sums, "PAUSE", 0.05)
    # Small, so that much of the time lies between the two renames.
    path, seen = writing(processes=1, size=1000), set()
    for _ in range(400):
        expect_whole(path)
        seen.add(path.read_bytes()[0])
    assert len(seen) > 1


def test_without_room_for_the_sum_the_old_file_is_still_whole(tmp_path):
    path = tmp_path / "results" / "crops" / "signs.csv"
    with replacing(path) as beside:
        beside.write_text("good")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # bytes: a sum has 65
    try:
        with pytest.raises(WrongInput, match=r"signs\.csv\S*: cannot be written, no room"), replacing(path) as beside:
            beside.write_text("new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "good"
    expect_whole(path)
