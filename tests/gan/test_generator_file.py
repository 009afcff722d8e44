import json

import pytest
import torch
from gan.small import OPTIONS, colour_set
from safetensors.torch import load_file, save_file

from pipeline.gan.batches import TrainingBatches
from pipeline.gan.finished import finished_generator
from pipeline.gan.generator_file import load_generator, save_generator
from pipeline.gan.generators import build_generator
from pipeline.gan.state import new_training
from pipeline.stage import WrongInput


@pytest.fixture
def saved(tmp_path):
    training = new_training(2, OPTIONS, "cpu")
    generator = finished_generator(training, TrainingBatches(colour_set(), OPTIONS, "cpu"), OPTIONS)
    save_generator(tmp_path / "g.safetensors", generator, OPTIONS, ["a", "b"])
    return generator, tmp_path / "g.safetensors"


def test_a_generator_survives_its_file(saved):
    generator, path = saved
    loaded, description = load_generator(path)
    assert description == {"condition": "reacgan", "class_names": ["a", "b"], "options": OPTIONS}
    z, labels = torch.randn(3, OPTIONS["z_dim"]), torch.tensor([0, 1, 1])
    assert torch.equal(loaded(z, labels), generator(z, labels))
    plain = build_generator("reacgan", 2, OPTIONS)
    assert sum(p.numel() for p in loaded.parameters()) == sum(p.numel() for p in plain.parameters())


def test_equal_generators_are_equal_files(saved, tmp_path):
    generator, path = saved
    for _ in range(5):
        save_generator(tmp_path / "again.safetensors", generator, OPTIONS, ["a", "b"])
        assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_a_file_that_does_not_fit_is_named(saved, tmp_path):
    path = saved[1]
    tensors = load_file(path)
    description = {"condition": "reacgan", "class_names": ["a", "b"], "options": {**OPTIONS, "channels": 16}}
    metadata = {"description": json.dumps(description)}
    save_file(tensors, tmp_path / "wider.safetensors", metadata=metadata)
    save_file(tensors, tmp_path / "bare.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(path.read_bytes()[:1000])
    for name in ("wider", "bare", "torn", "absent"):
        with pytest.raises(WrongInput, match=f"{name}.safetensors"):
            load_generator(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": 2},
        {"class_names": [1, 2]},
        {"class_names": ["a"]},
        {"condition": {}},
        {"condition": "stylegan"},
        {"options": None},
        {"options": {}},
        {"options": {**OPTIONS, "channels": 2.5}},
        {"options": {**OPTIONS, "channels": "8"}},
        {"options": {**OPTIONS, "channels": 10**9}},  # exabytes
        {"more": 1},
    ],
)
def test_a_description_of_something_else_is_named(saved, tmp_path, change):
    description = {"condition": "reacgan", "class_names": ["a", "b"], "options": OPTIONS} | change
    save_file(load_file(saved[1]), tmp_path / "odd.safetensors", metadata={"description": json.dumps(description)})
    with pytest.raises(WrongInput, match=r"odd\.safetensors: not a generator of this program"):
        load_generator(tmp_path / "odd.safetensors")


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "[" * 100_000, "1" * 5000])
def test_a_description_that_is_none_is_named(saved, tmp_path, text):
    save_file(load_file(saved[1]), tmp_path / "odd.safetensors", metadata={"description": text})
    with pytest.raises(WrongInput, match=r"odd\.safetensors: not a generator of this program"):
        load_generator(tmp_path / "odd.safetensors")
