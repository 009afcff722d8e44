import json
import re
import sys

import numpy as np
import pandas as pd
import pytest

from pipeline.inspect.contents import read_contents
from pipeline.stage import WrongInput
from pipeline.verdict import statement

RECIPES = {"real": 0.5, "balanced": 0.55, "copies-pretrain": 0.5, "reacgan-pretrain": 0.5}


def state(folder, recipes, seeds=(0, 1, 2), sizes=("all",)):
    """Write predictions of recipes {name: recall} and run the stage; return {file: its text}."""
    labels = np.repeat(np.arange(4), 40)
    # Groups and classes as text that pandas would take for numbers, or for nothing.
    images = pd.DataFrame({"file_name": [f"{number:03}" for number in range(160)], "label": labels})
    images = images.assign(group=[f"{number // 4:03}" for number in range(160)], **{"class": "nan"})
    cells, verdicts = [], []
    for number, size in enumerate(sizes):
        for recipe, recall in recipes.items():
            for seed in seeds:
                right = np.random.default_rng([number, seed, len(recipe)]).random(160) < recall
                path = folder / f"toy-n{size}-s{seed}-{recipe}.csv"
                images.assign(predicted=np.where(right, labels, (labels + 1) % 4)).to_csv(path, index=False)
                cells.append({"size": size, "recipe": recipe, "seed": seed, "cell": path.stem})
        own = [{key: cell[key] for key in ("recipe", "seed", "cell")} for cell in cells if cell["size"] == size]
        verdicts.append({"size": size, "cells": own})
    files = {"out": "verdict.md", "numbers": "verdict.json", "table": "verdict.csv"}
    outputs = [str(part) for name, file in files.items() for part in (f"--{name}", folder / file)]
    options = json.dumps({"dataset": "toy", "verdicts": verdicts})
    inputs = [str(folder / f"{cell['cell']}.csv") for cell in cells]
    sys.argv = ["statement", "--options", options, "--predictions", *inputs, *outputs]
    statement.main()
    return {file: (folder / file).read_text(encoding="utf-8") for file in files.values()}


@pytest.fixture
def arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", [])


def test_no_evidence_is_said_with_its_table_and_its_caveat(tmp_path, arguments):
    files = state(tmp_path, RECIPES)
    said = json.loads(files["verdict.json"])["verdicts"]["all"]
    assert said["finding"] == "no evidence" and (said["ways"], said["rivals"]) == (1, 3)
    text = files["verdict.md"]
    assert text.startswith("# Do generated images help on toy?\n\n## All training images\n\nNo evidence that ")
    assert " ".join(said["sentences"]) in text
    for words in ("over 3 seeds; 160 test images in 40 groups", "(class-balanced sampling)", "by chance alone"):
        assert words in text
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert {len(line.split("|")) for line in text.splitlines() if line.startswith("|")} == {10}
    kinds = {row[0]: row[1] for row in rows[2:]}
    # Copies are a rival: nothing in them is generated.
    assert kinds == {
        "real images": "real",
        "class-balanced sampling": "real",
        "pretraining on copies of real images": "real",
        "pretraining on ReACGAN images": "generated",
    }


def test_help_is_said_size_by_size(tmp_path, arguments):
    files = state(tmp_path, RECIPES | {"reacgan-pretrain": 0.95}, sizes=("5", "all"))
    verdicts = json.loads(files["verdict.json"])["verdicts"]
    assert [own["finding"] for own in verdicts.values()] == ["help", "help"]
    assert re.findall("^## (.*)", files["verdict.md"], re.MULTILINE) == [
        "5 training images per class",
        "All training images",
    ]
    assert "Pretraining on ReACGAN images beats the best of 3 rivals" in files["verdict.md"]
    assert "Each of these 2 verdicts has its own 95 %" in files["verdict.md"]
    table = pd.read_csv(tmp_path / "verdict.csv", dtype={"size": str})
    assert list(table.columns[:3]) == ["size", "recipe", "generated"]
    assert table.groupby("size")["recipe"].first().to_dict() == {"5": "reacgan-pretrain", "all": "reacgan-pretrain"}


def test_one_seed_claims_no_spread(tmp_path, arguments):
    text = state(tmp_path, RECIPES | {"reacgan-pretrain": 0.95}, seeds=(4,))["verdict.md"]
    assert "One seed cannot tell" in text and "one seed, so no spread" in text
    assert "±" not in text and "95 %" not in text


def test_real_images_alone_are_rival_enough(tmp_path, arguments):
    files = state(tmp_path, {"real": 0.5, "reacgan-mixup": 0.5})
    assert "the only rival (real images)" in files["verdict.md"]


def test_the_same_predictions_make_the_same_bytes_whatever_their_order(tmp_path, arguments):
    first = state(tmp_path, RECIPES)
    backwards = state(tmp_path, dict(reversed(RECIPES.items())), seeds=(2, 1, 0))
    assert backwards == first


def test_predictions_of_other_images_are_refused(tmp_path, arguments):
    state(tmp_path, RECIPES)
    path = tmp_path / "toy-nall-s1-balanced.csv"
    path.write_text(path.read_text().replace("\n003,", "\n999,"))
    with pytest.raises(WrongInput, match="balanced"):
        statement.main()


def test_a_person_is_told_what_the_files_are(tmp_path, arguments):
    state(tmp_path, RECIPES)
    kinds = {name: read_contents(tmp_path / name) for name in ("verdict.md", "verdict.json", "verdict.csv")}
    assert [own.kind for own in kinds.values()] == ["verdict", "numbers of a verdict", "compared recipes"]
    assert kinds["verdict.json"].brief == "toy: no evidence (all)"
    assert kinds["verdict.csv"].brief == "4 recipes at 1 sizes"
    assert any("all, reacgan-pretrain" in line for line in kinds["verdict.csv"].lines())
