"""The Inception network behind FID and the Inception score, with weights from a file that the user brings.

The network is pytorch-fid's port of the TensorFlow graph of 2015-12-05. No installed package carries its weights, and
nothing here downloads them.
"""

import hashlib
from pathlib import Path

import torch

from pipeline.stage import WrongInput

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d"  # how the file's begins
_SIDE = 299  # pixels


def inception_network(path, sha256=SHA256):
    """Return a module: images (B, 3, H, W) in [-1, 1] -> features (B, 2048) and logits (B, 1008), in evaluation mode.

    Raises WrongInput where the file is missing or its SHA-256 does not begin with `sha256`.
    """
    stored = torch.load(_checked(Path(path), sha256), map_location="cpu", weights_only=True)
    return InceptionNetwork(stored).eval().requires_grad_(False)


class InceptionNetwork(torch.nn.Module):
    """pytorch-fid's Inception with its last layer beside it.

    Images are resized to 299 x 299 as pytorch-fid does, bilinear and without antialiasing (clean-fid's values differ).
    The logits are those of the whole last layer, its bias included.
    """

    def __init__(self, weights):
        super().__init__()
        self.trunk = inception_layers()
        self.trunk.load_state_dict(weights)
        self.head, self.trunk.fc = self.trunk.fc, torch.nn.Identity()

    def forward(self, images):
        images = torch.nn.functional.interpolate(images, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
        features = self.trunk(images)
        return features, self.head(features)


def inception_layers():
    """Return torchvision's Inception with the blocks that pytorch-fid puts in their places, not yet trained."""
    from pytorch_fid import inception  # with torchvision, seconds: only for those who need it
    from torchvision.models import inception_v3

    model = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    for name, channels, pooled in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        setattr(model, f"Mixed_{name}", inception.FIDInceptionA(channels, pool_features=pooled))
    for name, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(model, f"Mixed_{name}", inception.FIDInceptionC(768, channels_7x7=channels))
    model.Mixed_7b, model.Mixed_7c = inception.FIDInceptionE_1(1280), inception.FIDInceptionE_2(2048)
    return model


def _checked(path, sha256):
    """Return the path of the weights; raise WrongInput where they are missing or other than expected."""
    if not path.is_file():
        raise WrongInput(
            f"{path}: no Inception weights; FID and the Inception score need {WEIGHTS} (SHA-256 {SHA256}…), a file of"
            " pytorch-fid's release fid_weights on GitHub; put it there, or use the features 'lite0': they need none"
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise WrongInput(f"{path}: SHA-256 {found}; expected {sha256}…, the weights {WEIGHTS}; fetch the file again")
    return path
