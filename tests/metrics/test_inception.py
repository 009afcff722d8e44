import hashlib

import pytest
import torch

from pipeline.metrics.inception import inception_layers, inception_network
from pipeline.stage import WrongInput


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights, and how its SHA-256 begins."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(inception_layers().state_dict(), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def test_features_and_logits_are_those_of_the_package(weights, monkeypatch):
    from pytorch_fid import inception

    stored = torch.load(weights[0], weights_only=True)
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: stored)
    package, images = inception.InceptionV3([3]).eval(), torch.rand(2, 3, 64, 64)
    features, logits = inception_network(*weights)(2 * images - 1)
    assert features.shape == (2, 2048) and logits.shape == (2, 1008)
    assert (features[0] != features[1]).any()
    with torch.no_grad():
        expected = package(images)[0][:, :, 0, 0]
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())
    torch.testing.assert_close(logits, features @ stored["fc.weight"].T + stored["fc.bias"])


def test_an_image_has_the_same_features_in_any_batch(weights):
    network, images = inception_network(*weights), torch.rand(3, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(network(images)[0][1:2], network(images[1:2])[0], rtol=1e-4, atol=1e-5)


def test_without_the_file_the_error_says_which_one_and_where(tmp_path):
    with pytest.raises(WrongInput, match=r"absent\.pth: .* pt_inception-2015-12-05-6726825d\.pth \(SHA"):
        inception_network(tmp_path / "absent.pth")


def test_another_file_is_refused_before_it_is_read(weights, tmp_path):
    with pytest.raises(WrongInput, match=f"SHA-256 {weights[1]}.*; expected 6726825d…"):
        inception_network(weights[0])
    (tmp_path / "half.pth").write_bytes(b"half")
    with pytest.raises(WrongInput, match=r"half\.pth.*expected 6726825d"):
        inception_network(tmp_path / "half.pth")
