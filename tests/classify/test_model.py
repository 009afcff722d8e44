import pytest
import timm
import torch

from pipeline.classify.model import (
    build_classifier,
    check_classes,
    load_classifier,
    save_classifier,
)
from pipeline.metrics.lite0 import lite0_weights
from pipeline.networks import write_network
from pipeline.stage import WrongInput

OPTIONS = {"backbone": "test_efficientnet", "strategy": "real", "seed": 3, "as_published": []}


def test_the_network_of_the_paper_has_the_published_size():
    with torch.device("meta"):
        model = build_classifier("tf_efficientnetv2_m", "none", 39)
    assert sum(parameter.numel() for parameter in model.parameters()) == 52_908_315
    assert model.drop_rate == 0.3


@pytest.mark.parametrize("backbone, weights", [("test_efficientnet", "none"), ("tf_efficientnet_lite0", "lite0")])
def test_every_parameter_of_the_classifier_learns(backbone, weights):
    model = build_classifier(backbone, weights, num_classes=13)
    logits = model(torch.randn(2, 3, 64, 64))
    assert logits.shape == (2, 13)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 12])).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.requires_grad] == []
    heads = [name for name, p in model.named_parameters() if 13 in p.shape and p.grad.abs().sum() > 0]
    assert heads == ["classifier.weight", "classifier.bias"]


def test_lite0_weights_fill_all_but_the_head():
    stored = lite0_weights()
    built = build_classifier("tf_efficientnet_lite0", "lite0", 7).state_dict()
    assert [name for name in stored if not torch.equal(built[name], stored[name])] == [
        "classifier.weight",
        "classifier.bias",
    ]


def test_what_cannot_be_built_names_the_remedy(monkeypatch):
    with pytest.raises(WrongInput, match="unknown to timm"):
        build_classifier("tf_efficientnetv3_m", "none", 3)
    with pytest.raises(WrongInput, match="set backbone to tf_efficientnet_lite0"):
        build_classifier("test_efficientnet", "lite0", 3)

    def no_network(name, pretrained, **_):
        assert (name, pretrained) == ("tf_efficientnetv2_m.in1k", True)
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(timm, "create_model", no_network)
    with pytest.raises(WrongInput, match=r"\(no route to host\); run once with a network"):
        build_classifier("tf_efficientnetv2_m", "imagenet", 3)


def test_a_stored_classifier_is_the_same_classifier(tmp_path):
    class_names = [str(c) for c in range(12)]  # as text they sort 0, 1, 10, 11, 2
    torch.manual_seed(0)
    model = build_classifier("test_efficientnet", "none", 12)
    for name in ("a", "b"):
        save_classifier(tmp_path / name, model.state_dict(), OPTIONS, class_names, best_epoch=4)
    loaded, description = load_classifier(tmp_path / "a")
    assert description == {"options": OPTIONS, "class_names": class_names, "best_epoch": 4}
    images = torch.randn(2, 3, 32, 32)
    assert not loaded.training and torch.equal(loaded(images), model.eval()(images))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_no_classifier_is_named(tmp_path):
    (tmp_path / "torn").write_bytes(b"\x10\x00")
    for name in ("torn", "absent"):
        with pytest.raises(WrongInput, match=f"{name}: no"):
            load_classifier(tmp_path / name)


def test_classes_in_another_order_are_refused():
    check_classes("a.zip", ["x", "y"], ["x", "y"])
    with pytest.raises(WrongInput, match=r"a\.zip: classes y, x; expected x, y"):
        check_classes("a.zip", ["y", "x"], ["x", "y"])


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ["a", "b"]},
        {"class_names": "abc"},
        {"options": []},
        {"options": {"backbone": "test_efficientnet"}},
        {"options": OPTIONS | {"backbone": "-x"}},
        {"options": OPTIONS | {"backbone": 3}},
        {"options": OPTIONS | {"as_published": ["thousand_outputs"]}},
    ],
)
def test_a_classifier_described_as_something_else_is_named(tmp_path, change):
    weights = build_classifier("test_efficientnet", "none", 3).state_dict()
    description = {"options": OPTIONS, "class_names": ["a", "b", "c"], "best_epoch": 1}
    write_network(tmp_path / "good", weights, description)
    load_classifier(tmp_path / "good")
    write_network(tmp_path / "odd", weights, description | change)
    with pytest.raises(WrongInput, match=r"odd: not a classifier of this program"):
        load_classifier(tmp_path / "odd")
