import json
import sys

import pandas as pd
import pytest

from pipeline.report import quality_tables
from pipeline.report.layout import as_rows
from pipeline.report.quality_tables import add_published, as_metrics, images_behind, read_quality, summarise
from pipeline.stage import WrongInput

MEASURES = ("frechet_distance", "kernel_distance", "inception_score", "precision", "recall", "density", "coverage")


def quality(value, features="inception"):
    """What the stage `quality` writes, the same number for every measure."""
    interval = {"value": value, "low": value - 1, "high": value + 2, "sd": 0.5, "bias": 0.1}
    counts = {"features": features, "real_images": 30, "generated_images": 40}
    return counts | {"measures": dict.fromkeys(MEASURES, interval)}


def cell(row, method, seed=0, published=""):
    name = f"toy-nall-s{seed}-{row}"
    return {"row": row, "source": "toy", "method": method, "published": published, "maker": f"m{row}", "cell": name}


TWO_SEEDS = [cell(0, "real", published="real"), cell(1, "SPADE-bones", 0), cell(1, "SPADE-bones", 1)]


def test_a_cell_is_mean_and_sd_over_seeds_and_its_interval():
    summary = summarise(TWO_SEEDS, [quality(10.0), quality(4.0), quality(8.0)])
    table = as_rows(summary, {}, {})
    assert table["FID"].tolist() == ["10.00 [9.00, 12.00]", "6.00 ± 2.83 [5.00, 8.00]"]
    assert table["KID"][0] == "10.0000 [9.0000, 12.0000]" and table["seeds"].tolist() == ["1", "2"]
    assert images_behind(summary) == {0: "30, 40", 1: "30, 40"}
    assert as_metrics(summary)["toy"]["SPADE-bones"]["coverage"] == 6.0


def test_nobody_takes_other_features_for_those_of_fid():
    table = as_rows(summarise(TWO_SEEDS[:1], [quality(10.0, "lite0")]), {}, {})
    assert list(table)[3:] == [
        "FD-lite0",
        "KD-lite0",
        "IS-lite0",
        *(f"{name}-lite0" for name in ("precision", "recall", "density", "coverage")),
    ]


def test_the_papers_values_stand_beside_the_same_generator_whatever_our_order():
    rows = ["real", "SPADE-bones", "ReACGAN λ_cond = 1"]
    cells = [cell(number, name, published=name) for number, name in enumerate(rows)]
    summary, beside = add_published(summarise(cells, [quality(1.0)] * 3), cells, "3")
    table = as_rows(summary, beside, {}).set_index("method")
    assert table["FID (paper)"].to_dict() == {
        "real": "",
        "SPADE-bones": "51.05",
        "ReACGAN λ_cond = 1": "45.19",
        "ReACGAN λ_cond = 0.5": "45.45",
        "SPADE-keypoints": "51.96",
    }
    assert table["human (paper)"]["real"] == "4.4" and table["FID"]["SPADE-keypoints"] == ""
    absent = summary[summary["method"] == "SPADE-keypoints"]
    assert absent["reason"].str.contains("no generator of this study").all() and len(absent) == len(MEASURES)


def test_values_of_other_features_stand_apart_from_the_papers():
    cells = [cell(0, "SPADE-bones", published="SPADE-bones")]
    summary, beside = add_published(summarise(cells, [quality(1.0, "lite0")]), cells, "4")
    table = as_rows(summary, beside, {})
    assert table["FID (paper)"][0] == "33.21" and "FID" not in table


def test_the_stage_writes_table_cells_and_metrics(tmp_path, monkeypatch):
    paths = [tmp_path / f"{one['cell']}.json" for one in TWO_SEEDS]
    for path, value in zip(paths, (10.0, 4.0, 8.0), strict=True):
        path.write_text(json.dumps(quality(value)))
    outputs = {name: tmp_path / f"{name}.out" for name in ("out", "long", "metrics")}
    options = json.dumps({"table": "3", "cells": TWO_SEEDS, "beside_paper": False, "form": "form.html"})
    people = dict.fromkeys(("mean", "sd", "low", "high")) | {"ratings": 0, "images": 0}
    rated = {"mean": 4.5, "sd": 0.5, "low": 4.0, "high": 4.75, "ratings": 40, "images": 10}
    (tmp_path / "ratings.json").write_text(json.dumps({"sources": {"m0": rated, "m1": people}}))
    flags = [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
    # The files come in another order than the cells.
    monkeypatch.setattr(sys, "argv", ["x", "--options", options, "--quality", *map(str, reversed(paths)), *flags])
    sys.argv += ["--ratings", str(tmp_path / "ratings.json")]
    quality_tables.main()
    long = pd.read_csv(outputs["long"]).set_index(["method", "column"])
    assert long.loc[[("SPADE-bones", "FID")], ["seeds", "value", "low"]].to_numpy().tolist() == [[2, 6, 5]]
    assert long["reason"].to_dict()["SPADE-bones", "human"] == "nobody has rated these images on form.html"
    assert pd.read_csv(outputs["out"])["human"].tolist()[0] == "4.50 ± 0.50 [4.00, 4.75]"
    assert json.loads(outputs["metrics"].read_text())["toy"]["real"]["FID"] == 10
    assert pd.read_csv(outputs["out"])["images (real, compared)"].tolist() == ["30, 40", "30, 40"]


UNKNOWN = '{"features": "lite0", "real_images": 1, "generated_images": 1, "measures": {"charm": {}}}'


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"features": "lite0", "real_images": 1}', UNKNOWN])
def test_another_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(WrongInput, match=r"x\.json: .*run Snakemake again"):
        read_quality(tmp_path / "x.json")


def test_a_set_that_could_not_be_measured_is_empty_with_its_reason():
    unmeasured = quality(1.0) | {"measures": {}, "real_images": 1}
    summary = summarise(TWO_SEEDS[:2], [unmeasured, quality(4.0)])
    table = as_rows(summary, {}, {"images": images_behind(summary)})
    assert table["FID"].tolist() == ["", "4.00 [3.00, 6.00]"] and table["seeds"].tolist() == ["", "1"]
    assert table["images"].tolist() == ["1, 40", "30, 40"]
    assert set(summary[summary["row"] == 0]["reason"]) == {"fewer than two images to compare"}
    assert list(as_metrics(summary)["toy"]) == ["SPADE-bones"]
