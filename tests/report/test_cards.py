import json

import pandas as pd
from report.made_up import demo

from pipeline.report.cards import card_of
from pipeline.report.curves import EDGE, HEIGHT, WIDTH, best_step, charts_of
from pipeline.report.owners import Owner, owner_of
from pipeline.report.settings import by_size, settings_of

DATA = {
    "reader": "folder",
    "root": "data/mine",
    "poses": {"detector": "mediapipe", "roi": "auto", "min_confidence": 0.5},
    "split": {"kind": "grouped", "min_images": 4},
}


def test_every_lost_photograph_is_counted_where_it_was_lost():
    manifest = pd.DataFrame({"name": list("abcdefg"), "class": list("xxxyyzz"), "group": list("ghgijjj")})
    reasons = ["", "", "", "no hand seen", "", "", "not readable: g.jpg: not a readable image"]
    poses = manifest.assign(found=list("1110110"), reason=reasons)
    split = pd.DataFrame(
        {"name": list("abc"), "class": "x", "part": ["train", "train", "test"], "group": ["g", "h", "g"]}
    )
    subset = pd.DataFrame({"part": ["fit"]})
    card = card_of("mine", DATA, manifest, poses, split, [("subset", subset)])
    assert [(left, lost) for _, left, lost, _ in card.stages] == [
        (7, 0),
        (6, 1),
        (5, 1),
        (3, 2),
        (2, 1),
        (1, 1),
    ]
    assert card.unreadable == [("g", "g.jpg: not a readable image")]
    assert card.stages[2][3] == "no hand seen (1)" and card.stages[5][3].startswith("1 train, 0 validate")
    assert card.stages[3][3].endswith("classes: y (1), z (1)") and card.stages[0][3] == ""
    assert card.groups == {"all": 4, "train": 2, "test": 1, "both": 1}
    assert card.classes[0] == {"name": "x", "photographs": 3, "hands": 3, "train": 2, "test": 1}
    assert [own["name"] for own in card.classes] == ["x", "y", "z"] and card.classes[1]["photographs"] == 2


def test_of_images_that_are_only_lent_no_group_is_on_both_sides():
    manifest = pd.DataFrame({"name": list("abc"), "class": "x", "group": list("ghg")})
    poses = manifest.assign(found="1", reason="")
    split = manifest.assign(part="train")
    data = DATA | {"split": {"kind": "untested", "min_images": 1}}
    assert card_of("lent", data, manifest, poses, split).groups == {"all": 2, "train": 2, "test": 0, "both": 0}


RECORDED = {
    "data_set": "hands",
    "url": "https://owner.example/a.zip",
    "page": "https://owner.example/",
    "sha256": "0",
    "licence": "CC0",
    "citation": "A. Author",
    "fetched": "2024-02-03T04:05",
}
TOLD = Owner("https://owner.example/", "CC0", "A. Author", "2024-02-03")


def record(folder, content=RECORDED):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "PROVENANCE.json").write_text(json.dumps(content))
    return folder


def test_what_a_download_recorded_is_told_of_a_data_set_unless_params_say_otherwise(tmp_path):
    assert owner_of({"root": str(tmp_path)}) == Owner("", "", "")
    record(tmp_path / "part")
    assert owner_of({"root": str(tmp_path)}) == TOLD
    assert owner_of({"root": str(tmp_path), "licence": "own"}).licence == "own"
    # Put there by hand: the registry knows whose it is by its place.
    assert "CC BY-SA" in owner_of({"root": "data/hagrid"}).licence and not owner_of({"root": "data/hagrid"}).fetched


def test_a_record_above_the_root_counts_in_the_data_set_s_own_folder_and_no_further(tmp_path):
    root = tmp_path / "hands" / "archive" / "images"
    record(tmp_path, RECORDED | {"data_set": "others"})
    assert owner_of({"root": str(root)}) == Owner("", "", "")
    record(tmp_path / "hands")
    assert owner_of({"root": str(root)}) == TOLD


def test_what_was_unpacked_from_elsewhere_has_no_owner_and_a_damaged_record_is_named(tmp_path, capsys):
    record(tmp_path / "mine", {"archive": "mine.tar", "sha256": "0", "files": 3})
    assert owner_of({"root": str(tmp_path / "mine")}) == Owner("", "", "")
    assert not capsys.readouterr().err
    record(tmp_path / "mine", {"data_set": "mine"})
    assert owner_of({"root": str(tmp_path / "mine")}) == Owner("", "", "")
    assert "mine/PROVENANCE.json: KeyError: 'url'; expected" in capsys.readouterr().err


def test_settings_that_differ_by_size_are_told_for_each():
    options = {"batch_size": {"5": 8, "all": 16}, "lr": 0.5, "evaluation": {"every": 2}, "betas": [0, 1]}
    assert by_size(options, ["5", "all"]) == {
        "batch_size": "5: 8, all: 16",
        "lr": "0.5",
        "evaluation.every": "2",
        "betas": "[0, 1]",
    }
    assert by_size(options, ["all"])["batch_size"] == "16"


def test_settings_are_those_that_the_jobs_get():
    study = demo()
    groups = {group.title: group for group in settings_of(study)}
    for dataset in study.experiments:
        group = groups[f"Generators of {dataset}"]
        for maker in group.headings:
            job = study.generator_options(dataset, study.sizes(dataset)[-1], 0, maker)
            told = {key: texts[group.headings.index(maker)] for key, texts in group.rows}
            assert told["channels"] == str(job["channels"]) and told["lr"] == str(job["lr"])
            assert told["evaluation.every"] == str(job["evaluation"]["every"])
    classifiers = dict(groups["Classifiers of drawn_signs"].rows)
    jobs = [study.classifier_options("drawn_signs", size, 0, "real") for size in ("5", "all")]
    assert classifiers["epochs"] == [f"5: {jobs[0]['epochs']}, all: {jobs[1]['epochs']}"]


def test_a_chart_is_upright_and_inside_its_frame():
    curve = pd.DataFrame({"step": [2, 4, 8], "loss_d": [1.0, 3.0, 2.0], "loss_g": 2.0, "frechet": [5.0, 1.0, None]})
    losses, distance = charts_of(curve)
    assert (losses.low, losses.high) == (1.0, 3.0)
    (low, high, middle) = losses.lines["loss_d"]
    assert low == (EDGE, HEIGHT - EDGE) and high[1] == EDGE and middle == (WIDTH - EDGE, HEIGHT / 2)
    assert [y for _, y in losses.lines["loss_g"]] == [HEIGHT / 2] * 3
    assert len(distance.lines["frechet"]) == 2 and best_step(curve) == 4
    one = pd.DataFrame({"step": [2], "loss_d": [1.0], "loss_g": [1.0], "frechet": [None]}).astype(float)
    assert charts_of(one)[0].lines["loss_d"] == [(WIDTH / 2, HEIGHT / 2)] and best_step(one) is None
