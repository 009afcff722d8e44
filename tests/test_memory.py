import numpy as np
import pandas as pd
import pytest

from pipeline import memory
from pipeline.data.archive import ImageSet, read_image_set, write_image_set
from pipeline.stage import WrongInput


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
