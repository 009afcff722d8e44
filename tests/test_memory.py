import resource
import signal
import struct

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import memory
from pipeline.data.archive import ImageSet, encode_png, read_image_set, write_encoded, write_image_set
from pipeline.stage import WrongInput, run_stage


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 8 GB free, and a job whose outer group has a limit of 3 GB, of which 1 GB is held."""
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    (tmp_path / "own").write_text("1:cpu:/elsewhere\n0::/job/step\n")
    step = tmp_path / "groups" / "job" / "step"
    step.mkdir(parents=True)
    (step / "memory.max").write_text("max\n")
    (step / "memory.current").write_text("1000000000\n")
    (step.parent / "memory.max").write_text("3000000000\n")
    (step.parent / "memory.current").write_text("1000000000\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_OWN_SIZES", tmp_path / "none")
    monkeypatch.setattr(memory, "_OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def test_the_tightest_limit_counts_and_what_files_hold_in_memory_does_not(machine):
    assert memory.free_memory() == 2_000_000_000
    (machine / "groups" / "job" / "memory.stat").write_text("anon 1\ninactive_file 400000000\n")
    assert memory.free_memory() == 2_400_000_000
    (machine / "meminfo").write_text("MemAvailable: 1000 kB\n")
    assert memory.free_memory() == 1_024_000
    (machine / "meminfo").unlink()
    (machine / "own").unlink()
    assert memory.free_memory() is None
    memory.expect_memory(10**15, "anything")


def test_groups_of_version_1_count(machine):
    (machine / "own").write_text("4:cpu,memory:/job/step\n0::/\n")
    job = machine / "groups" / "memory" / "job"
    job.mkdir(parents=True)
    (job / "memory.limit_in_bytes").write_text("3000000000\n")
    (job / "memory.usage_in_bytes").write_text("1500000000\n")
    (job.parent / "memory.limit_in_bytes").write_text("9223372036854771712\n")  # none
    (job.parent / "memory.usage_in_bytes").write_text("5000000000\n")
    assert memory.free_memory() == 1_500_000_000
    (job / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 400000000\n")
    assert memory.free_memory() == 1_900_000_000


def test_a_limit_of_addresses_counts(machine, monkeypatch):
    (machine / "statm").write_text("1000 500 300\n")
    monkeypatch.setattr(memory, "_OWN_SIZES", machine / "statm")
    monkeypatch.setattr("resource.getrlimit", lambda which: (500_000_000, -1) if which == resource.RLIMIT_AS else None)
    assert memory.free_memory() == 500_000_000 - 1000 * resource.getpagesize()


def test_one_huge_image_of_a_set_is_refused_by_its_header(machine, tmp_path, monkeypatch):
    """30,000 by 30,000 pixels, where 2 GB are free."""
    png = bytearray(encode_png(np.zeros((8, 8, 3), np.uint8)))
    struct.pack_into(">II", png, 16, 30_000, 30_000)
    rows = pd.DataFrame({"file_name": ["a.png"], "label": [0], "class": ["x"]})
    write_encoded(tmp_path / "set.zip", [bytes(png)], rows, ["x"])
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(
        WrongInput, match=r"set\.zip/a\.png, 30000x30000 pixels: 7\.20 GB .* are needed, 2\.00 GB are free"
    ):
        read_image_set(tmp_path / "set.zip")


@pytest.mark.parametrize(
    "take",
    [
        lambda: np.empty(1 << 60, np.uint8),
        lambda: torch.empty(1 << 60, dtype=torch.uint8),
        lambda: [0] * (1 << 60),
    ],
    ids=["numpy", "torch", "python"],
)
def test_a_stage_that_gets_no_memory_says_so_in_one_line(take, capsys):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        run_stage(take)
    signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    assert end.value.code == 1 and said.startswith("error: no memory is left for this stage") and said.count("\n") == 1


def test_another_failure_of_torch_is_no_want_of_memory():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="shape"):
        run_stage(lambda: torch.zeros(2).reshape(3))
    signal.signal(signal.SIGTERM, before)


def test_images_that_would_not_fit_are_refused_before_they_are_read(machine, tmp_path):
    rows = pd.DataFrame({"file_name": ["a.png", "b.png"], "label": [0, 0], "class": ["x", "x"]})
    images = np.zeros((2, 16, 16, 3), np.uint8)
    path = tmp_path / "set.zip"
    write_image_set(path, ImageSet(images, rows, ["x"]))
    (machine / "meminfo").write_text("MemAvailable: 2 kB\n")
    assert read_image_set(path).images.shape == images.shape  # 1536 bytes
    (machine / "meminfo").write_text("MemAvailable: 1 kB\n")
    with pytest.raises(WrongInput, match=r"set\.zip, 2 images of 16x16: .* are needed, .* are free; take fewer"):
        read_image_set(path)
    assert len(read_image_set(path, keep=lambda rows: rows["file_name"] == "a.png")) == 1


def test_an_image_of_another_size_is_named(tmp_path):
    rows = pd.DataFrame({"file_name": ["a.png", "b.png"], "label": [0, 0], "class": ["x", "x"]})
    write_image_set(tmp_path / "set.zip", ImageSet([np.zeros((s, 8, 3), np.uint8) for s in (8, 1)], rows, ["x"]))
    with pytest.raises(WrongInput, match=r"set\.zip/b\.png: 8x1 pixels; expected 8x8"):
        read_image_set(tmp_path / "set.zip")
