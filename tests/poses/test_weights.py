import hashlib
import zipfile

import pytest

from pipeline.poses import weights
from pipeline.poses.weights import FILES, fetch_weights, model_path, unpack
from pipeline.stage import WrongInput


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel of small stand-ins, with their hashes pinned."""
    path = tmp_path / "mediapipe-0.whl"
    pinned = {}
    with zipfile.ZipFile(path, "w") as archive:
        for name, (place, _) in FILES.items():
            archive.writestr(place, name)
            pinned[name] = (place, hashlib.sha256(name.encode()).hexdigest())
    monkeypatch.setattr(weights, "FILES", pinned)
    return path


def test_the_pinned_files_are_unpacked_and_the_second_call_fetches_nothing(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_download_wheel", lambda folder: wheel)
    assert fetch_weights(tmp_path / "models") == list(FILES)
    monkeypatch.setattr(weights, "_download_wheel", None)
    assert fetch_weights(tmp_path / "models") == []
    assert model_path(tmp_path / "models", "LICENSE").read_text() == "LICENSE"


def test_a_damaged_model_is_not_used_and_is_fetched_again(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_download_wheel", lambda folder: wheel)
    fetch_weights(tmp_path / "models")
    damaged = tmp_path / "models" / "hand_landmark_full.tflite"
    damaged.write_text("half")
    with pytest.raises(WrongInput, match="differs"):
        model_path(tmp_path / "models", damaged.name)
    assert fetch_weights(tmp_path / "models") == [damaged.name]


def test_a_wheel_with_other_models_is_refused_and_leaves_nothing(wheel, tmp_path, monkeypatch):
    place = FILES["LICENSE"][0]
    monkeypatch.setattr(weights, "FILES", {"LICENSE": (place, "0" * 64)})
    with pytest.raises(WrongInput, match="sha256"):
        unpack(wheel, tmp_path / "models", ["LICENSE"])
    assert not (tmp_path / "models").exists()


def test_missing_models_name_the_command_that_fetches_them(tmp_path):
    with pytest.raises(WrongInput, match=r"python -m pipeline\.poses\.weights"):
        model_path(tmp_path, "palm_detection_full.tflite")


def test_without_pip_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WrongInput, match="pip"):
        fetch_weights(tmp_path)
