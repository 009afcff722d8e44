import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.classify import score
from pipeline.classify.model import build_classifier, save_classifier
from pipeline.data.archive import write_image_set
from pipeline.stage import WrongInput

from .toys import OPTIONS, solid_colours


def test_the_score_is_the_probability_of_the_own_class():
    rows = solid_colours(1).rows
    table = score.score_table(rows, np.array([[0.2, 0.7, 0.1], [0.3, 0.5, 0.2], [0.6, 0.3, 0.1]]), [])
    assert list(table.columns) == ["file_name", "label", "score"]
    assert table["score"].tolist() == [0.2, 0.5, 0.1]


def test_images_are_scored_as_they_were_trained_on(tmp_path, monkeypatch):
    generated = solid_colours(2, num_classes=12)
    generated.rows = generated.rows.drop(columns="group")  # generated images belong to no clip
    write_image_set(tmp_path / "generated.zip", generated)
    torch.manual_seed(1)
    model = build_classifier("test_efficientnet", "none", 12).eval()
    for path, class_names in (("fits", generated.class_names), ("other", sorted(generated.class_names))):
        save_classifier(tmp_path / path, model.state_dict(), OPTIONS | {"strategy": "real"}, class_names, 0)

    def command(classifier, *as_published):
        paths = {"classifier": classifier, "images": "generated.zip", "out": "out.csv"}
        given = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
        monkeypatch.setattr(sys, "argv", ["score", "--options", json.dumps({"as_published": as_published}), *given])
        score.main()

    command("fits")
    scores = pd.read_csv(tmp_path / "out.csv")
    images = torch.tensor(generated.images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        expected = model(images).double().softmax(1)[torch.arange(24), torch.tensor(generated.labels)]
    np.testing.assert_allclose(scores["score"], expected, rtol=1e-4)
    assert scores["label"].tolist() == generated.labels.tolist()

    command("fits", "unscaled_scores", "permuted_scores")
    scores = pd.read_csv(tmp_path / "out.csv")
    # Text order of 0 to 11: 0, 1, 10, 11, 2, 3, ..., 9.
    asked = torch.tensor([0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3])[torch.tensor(generated.labels)]
    with torch.no_grad():
        raw = model(torch.tensor(generated.images).permute(0, 3, 1, 2).float()).double().softmax(1)
    np.testing.assert_allclose(scores["score"], raw[torch.arange(24), asked], rtol=1e-3, atol=1e-9)
    assert scores["label"].tolist() == generated.labels.tolist()
    with pytest.raises(WrongInput, match=r"generated\.zip: classes"):
        command("other")
