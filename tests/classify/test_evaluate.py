import sys

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.classify import evaluate
from pipeline.classify.model import build_classifier, save_classifier
from pipeline.data.archive import write_image_set
from pipeline.metrics.accuracy import accuracy
from pipeline.stage import WrongInput

from .toys import OPTIONS, solid_colours


class Perfect(torch.nn.Module):
    """Reads the label that the test hides in the corner of an image; a mirrored image has none."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images):
        labels = ((images[:, 0, 0, 0] + 1) * 127.5).round().long()
        return torch.nn.functional.one_hot(labels, 256).float()[:, :12] * 30


@pytest.mark.parametrize("pass_size", [1, 7, 64, 128, 1000])
def test_a_perfect_model_scores_exactly_one(pass_size, monkeypatch):
    monkeypatch.setattr(evaluate, "PASS_SIZE", pass_size)
    test = solid_colours(11, num_classes=12)
    test.images[:, 0, 0] = test.labels[:, None]
    probabilities = evaluate.class_probabilities(Perfect(), test.images, 32)
    table = evaluate.predictions(test.rows, probabilities)
    assert accuracy(table["label"], table["predicted"]) == 1.0
    assert len(table) == 132 and table["probability"].min() > 0.999


def test_the_table_gives_the_probability_of_the_true_class():
    rows = solid_colours(1).rows
    table = evaluate.predictions(rows, np.array([[0.2, 0.7, 0.1], [0.3, 0.5, 0.2], [0.6, 0.3, 0.1]]))
    assert list(table.columns) == ["file_name", "group", "class", "label", "predicted", "probability"]
    assert table["predicted"].tolist() == [1, 1, 0]
    assert table["probability"].tolist() == [0.2, 0.5, 0.1]


def test_the_command_predicts_the_images_of_its_classes_only(tmp_path, monkeypatch, capsys):
    test = solid_colours(2)
    write_image_set(tmp_path / "test.zip", test)
    model = build_classifier("test_efficientnet", "none", 3)
    options = OPTIONS | {"strategy": "real"}
    save_classifier(tmp_path / "fits", model.state_dict(), options, test.class_names, 0)
    save_classifier(tmp_path / "other", model.state_dict(), options, ["0", "2", "1"], 0)

    def command(classifier):
        paths = {"crops": "test.zip", "classifier": classifier, "out": "out.csv"}
        given = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
        monkeypatch.setattr(sys, "argv", ["evaluate", *given])
        evaluate.main()

    command("fits")
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["file_name"].tolist() == test.rows["file_name"].tolist()
    assert "6 images: accuracy" in capsys.readouterr().out
    with pytest.raises(WrongInput, match=r"test\.zip: classes 0, 1, 2; expected 0, 2, 1"):
        command("other")


def test_a_diverged_classifier_gives_no_prediction(tmp_path, monkeypatch):
    test = solid_colours(2)
    model = build_classifier("test_efficientnet", "none", 3)
    next(model.parameters()).data.fill_(float("nan"))
    save_classifier(tmp_path / "nan", model.state_dict(), OPTIONS | {"strategy": "real"}, test.class_names, 0)
    with pytest.raises(WrongInput, match=r"nan: no finite probabilities for 6 of 6 images; .*lr in params\.yaml"):
        evaluate.probabilities_of(test, "test.zip", tmp_path / "nan")
    write_image_set(tmp_path / "test.zip", test)
    paths = {"crops": "test.zip", "classifier": "nan", "out": "out.csv"}
    monkeypatch.setattr(sys, "argv", ["evaluate", *(f"--{name}={tmp_path / file}" for name, file in paths.items())])
    with pytest.raises(WrongInput, match="no finite probabilities"):
        evaluate.main()
    assert not (tmp_path / "out.csv").exists()
