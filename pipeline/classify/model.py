"""The hand shape classifier: a timm backbone with a head of its own, and the file that holds a trained one."""

import torch

from pipeline.metrics.lite0 import lite0_weights
from pipeline.networks import read_network, write_network
from pipeline.stage import WrongInput

_KEYS = {"options", "class_names", "best_epoch"}

# (dropout, stochastic depth) of the network that Section 5.2 trains; other backbones keep timm's defaults.
DROPOUT = {"tf_efficientnetv2_m": {"drop_rate": 0.3, "drop_path_rate": 0.2}}


def build_classifier(backbone, weights, num_classes):
    """Return a module: images (B, 3, H, W) in [-1, 1] -> logits (B, num_classes), weights in channels-last order.

    weights: "imagenet" downloads timm's ImageNet-1k weights, "lite0" reads those of an installed package, "none" draws
    them from torch's current seed; the head is drawn, unless it has ImageNet's 1000 outputs. Images are scaled to
    [-1, 1] as in the released code, not by ImageNet's mean. Raises WrongInput for an unknown backbone and for weights
    that cannot be had.
    """
    import timm  # seconds: only for those who build a network

    if not timm.is_model(backbone):
        raise WrongInput(f"backbone {backbone!r} is unknown to timm; choose a name of timm.list_models()")
    dropout = DROPOUT.get(backbone, {})
    if weights == "imagenet":
        model = _downloaded(timm.create_model, backbone, num_classes, dropout)
    else:
        model = timm.create_model(backbone, num_classes=num_classes, **dropout)
    if weights == "lite0":
        load_lite0(model, backbone)
    return model.to(memory_format=torch.channels_last)


def num_outputs(options, num_classes):
    """Return how many outputs a classifier of these options has: here, as in the text, one per class.

    The released code sets `fc`, which its network does not have, and so trains all of ImageNet's (`thousand_outputs`).
    """
    return 1000 if "thousand_outputs" in options["as_published"] else num_classes


def _downloaded(create_model, backbone, num_classes, dropout):
    # ImageNet-1k, as in the paper: timm's default for EfficientNetV2 has seen ImageNet-21k as well.
    name = backbone if "." in backbone else f"{backbone}.in1k"
    try:
        return create_model(name, pretrained=True, num_classes=num_classes, **dropout)
    except (OSError, RuntimeError) as reason:
        text = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        raise WrongInput(
            f"weights 'imagenet' of {name} could not be downloaded ({text}); run once with a network, "
            f"or set weights to 'lite0' with backbone tf_efficientnet_lite0"
        ) from None


def load_lite0(model, backbone):
    """Fill a tf_efficientnet_lite0 with the ImageNet weights of an installed package, but a head of other width."""
    if backbone != "tf_efficientnet_lite0":
        raise WrongInput(f"weights 'lite0' do not fit {backbone}; set backbone to tf_efficientnet_lite0")
    own, stored = model.state_dict(), lite0_weights()
    head = {name: own[name] for name in own if own[name].shape != stored[name].shape}
    model.load_state_dict(stored | head)


def save_classifier(path, weights, options, class_names, best_epoch):
    """Write weights (name -> tensor) and, as JSON in the header, what load_classifier needs to rebuild the network."""
    description = {"options": options, "class_names": list(class_names), "best_epoch": best_epoch}
    write_network(path, weights, description)


def load_classifier(path):
    """Return (model in evaluation mode on the CPU, {"options", "class_names", "best_epoch"}); raises WrongInput."""
    return read_network(path, _KEYS, _build, "classifier")


def _build(description, _):
    options = description["options"]
    return build_classifier(options["backbone"], "none", num_outputs(options, len(description["class_names"])))


def check_classes(path, class_names, expected):
    """Raise WrongInput unless the image set at `path` has these classes in this order."""
    if list(class_names) != list(expected):
        raise WrongInput(
            f"{path}: classes {_listed(class_names)}; expected {_listed(expected)} in this order; "
            f"use images and classifier of one data set"
        )


def _listed(names):
    return ", ".join(map(str, names[:5])) + (f", … ({len(names)})" if len(names) > 5 else "")
