"""The whole path with the real tools, at a size of seconds: from drawn hands to Table 8, twice, and after edits."""

import json
import re
import shutil

import pandas as pd
import pytest
from conftest import ROOT, real_data
from study_copy import CLASSIFIER, GAN, change_params, edit, planned, run, snakemake

from pipeline.study import TABLES


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """A copy of the finished tiny study."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("whole-path") / "repository")


def test_table8_has_ten_rows_of_real_measurements(copy):
    table = pd.read_csv(copy / "results" / "table8.csv", dtype=str)
    assert list(table) == ["source", "method", "seeds", "2", "all"]
    assert len(table) == 10
    assert table[["2", "all"]].astype(float).stack().between(0, 100).all()
    long = pd.read_csv(copy / "results" / "table8_long.csv")
    in_test = (pd.read_csv(copy / "results" / "splits" / "drawn_signs.csv")["part"] == "test").sum()
    assert (long["test_images"] == in_test).all()


def test_tables_5_and_9_and_the_sheets_are_there(copy):
    assert len(pd.read_csv(copy / "results" / "table5.csv")) == 10
    assert len(pd.read_csv(copy / "results" / "table9.csv")) == 7
    for kind in ("crops", "generated"):
        sheets = {path.name for path in (copy / "results" / "sheets" / kind).iterdir()}
        assert sheets == {"drawn_signs.png", "drawn_gestures.png"}


def test_every_figure_is_there_and_claims_are_sentences(copy):
    figures = {path.name for path in (copy / "results" / "figures").iterdir()}
    assert figures == {f"figure{number}.{kind}" for number in range(1, 10) for kind in ("png", "pdf")}
    claims = json.loads((copy / "results" / "claims" / "claims.json").read_text())
    assert len(claims) == 2
    assert all(one["sentence"].startswith("drawn_signs (all training images, 1 seed): ") for one in claims.values())


def test_rivals_meet_generated_images_and_one_seed_claims_nothing(copy):
    table = pd.read_csv(copy / "results" / "rivals.csv", dtype=str)
    assert list(table) == ["source", "method", "seeds", "all", "all macro-recall"]
    assert len(table) == 10 + 3 + 3  # Table 8, its rivals, the filtered rows of Table 5
    verdict = json.loads((copy / "results" / "verdict" / "verdict.json").read_text())["verdicts"]["all"]
    assert (verdict["finding"], verdict["ways"], verdict["rivals"]) == ("one seed", 12, 4)
    assert " ".join(verdict["sentences"]) in (copy / "results" / "verdict.md").read_text()


def test_the_report_tells_the_time_of_every_job(copy):
    page = (copy / "results" / "report" / "report.html").read_text()
    assert "No job came out of DVC's cache." in page and "nothing is recorded" not in page
    assert all(f'id="table{number}"' in page for number in TABLES)


def test_with_nothing_changed_nothing_is_done(copy):
    assert planned(copy) == {}


def test_an_edit_of_one_value_runs_what_depends_on_it(copy):
    restore = edit(copy / "params.yaml", "alpha: 0.0", "alpha: 0.125")
    try:
        # mixup rows: ReACGAN, SPADE and multi-source at two sizes, filtered at one, two of the gestures
        # and Figure 1, which tells how the weight runs
        expected = {"classifiers": 9, "predictions": 9, "tables": 4, "figures": 2, "report": 1}
        assert planned(copy) == expected | {"rivals": 1, "verdict": 1}
    finally:
        restore()


def test_an_edit_of_one_module_runs_what_depends_on_it(copy):
    restore = edit(copy / "pipeline" / "generate" / "keep_best.py", "\nif __name__", "\n# a word\nif __name__")
    try:
        # Table 5's rows, and the recipe of the table of errata with and without errors
        expected = {"filtered": 2, "classifiers": 4, "predictions": 4, "tables": 1, "report": 1}
        assert planned(copy) == expected | {"rivals": 1, "verdict": 1, "figures": 1, "errata": 1}
    finally:
        restore()


def test_another_study_on_the_command_line(copy):
    status, said = snakemake(copy, "-n", "--config", "study=paper", "--", "results/table8.csv")
    assert status == 0
    # 10 rows, of which 9 use generated images, 4 sizes, 3 seeds
    assert re.search(r"\nclassifiers +108\n", said) and re.search(r"\nreal_classifiers +12\n", said)
    assert re.search(r"jobs expected:.*\nAbout \d+ GPU hours.*\nAbout \d+ GB", said)


def test_snakemakes_own_report_and_rule_graph(copy):
    status, said = snakemake(copy, "--report", "report.html")
    assert status == 0, said[-3000:]
    report = (copy / "report.html").read_text()
    assert all(name in report for name in ("table8.csv", "sheets/generated/drawn_signs.png"))
    status, said = snakemake(copy, "--rulegraph")
    assert status == 0 and said.count('label = "') >= 15


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("params.yaml", "study: demo", "study: dmeo", "params.yaml, study: found 'dmeo'"),
        ("params.yaml", "keep_fraction: 0.3", "kept_fraction: 0.3", "'kept_fraction' was unexpected"),
        ("params.yaml", "  - index\n", "  - thumb\n", "class 'index' is not among the 3 classes"),
    ],
)
def test_wrong_input_is_told_in_one_line_and_loses_nothing(copy, file, old, new, said):
    before = {path: path.read_bytes() for path in (copy / "results").glob("*.csv")}
    restore = edit(copy / file, old, new)
    try:
        status, output = snakemake(copy, "all")
    finally:
        restore()
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert status != 0
    assert len(lines) == 1 and said in lines[0], output
    assert {path: path.read_bytes() for path in before} == before


def test_a_missing_folder_is_named_with_the_remedy(copy):
    status, said = snakemake(copy, "--config", "study=paper", "--", "results/manifests/rwth.csv")
    assert status != 0
    assert "error: data/rwth: no such data set; put or link it there" in said


def own_images(source, folder):
    """Lay out photographs of HGR1 as the README asks for one's own: a folder per class, and groups.csv."""
    listed = pd.read_csv(source / "labels.csv")
    listed = listed[listed["label"].isin(["5_P", "L_P", "B_P"]) & (listed["repeat"] <= 2)]
    for row in listed.to_dict("records"):
        place = folder / row["label"] / row["file"].split("/")[-1]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / row["file"], place)
    names = listed["label"] + "/" + listed["file"].str.split("/").str[-1]
    pd.DataFrame({"file": names, "group": listed["signer"]}).to_csv(folder / "groups.csv", index=False)
    return len(listed)


def add_as_the_readme_says(copy):
    """Type the README's first command for one's own images in the copy, and leave next to no work in its study."""
    section = (ROOT / "README.md").read_text().split("### Your own images")[1]
    shutil.copy(ROOT / "params.yaml", copy / "params.yaml")
    said = run(copy, re.search(r"```\n(.*?)\n", section)[1])

    def shrink(params):
        experiment = params["studies"]["mine"]["experiments"]["mine"]
        experiment["generators"] = {name: own | GAN for name, own in experiment["generators"].items()}
        experiment["classifier"] |= CLASSIFIER
        return params

    change_params(copy, shrink)
    return said


def test_ones_own_photographs_as_the_readme_says(copy):
    photographs = own_images(real_data("hgr1-700"), copy / "data" / "mine")
    assert f"{photographs} images" in add_as_the_readme_says(copy)
    wanted = [f"results/predictions/mine-nall-s0-{name}.csv" for name in ("real", "spade_bones-mixup")]
    status, said = snakemake(copy, "--config", "study=mine", "--", *wanted)
    assert status == 0, said[-3000:]

    report = pd.read_csv(copy / "results" / "poses" / "mine.csv")
    assert len(report) == photographs
    assert report["found"].mean() > 0.9
    split = pd.read_csv(copy / "results" / "splits" / "mine.csv")
    signers = split.groupby("part")["group"].agg(set)
    assert not signers["train"] & signers["test"]
    assert len(pd.read_csv(copy / wanted[0])) == (split["part"] == "test").sum() > 0
