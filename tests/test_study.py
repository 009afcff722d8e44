import copy

import pytest
import yaml
from conftest import ROOT

from pipeline.params import at_size, check_params
from pipeline.recipes import generator_of, maker_of
from pipeline.stage import WrongInput
from pipeline.study import Study

SIGNS = ("experiments", "drawn_signs")
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def study(name):
    return Study(PARAMS | {"study": name})


def test_table8_of_the_paper_has_its_rows_and_columns():
    paper = study("paper")
    rows = paper.rows("8")
    assert [heading for heading, _, _ in paper.columns("8")] == ["5", "10", "20", "all"]
    assert len(rows) == 10
    assert rows[0] == ("rwth", "pretrain ImageNet", "real")
    assert rows[4] == ("rwth SPADE", "pretrain", "spade_bones-pretrain")
    assert rows[9] == ("hagrid SPADE", "multi-source regularization", "spade_bones_from_hagrid-regularization")


@pytest.mark.parametrize(("table", "rows"), [("5", 10), ("8", 10), ("9", 7)])
@pytest.mark.parametrize("name", PARAMS["studies"])
def test_every_cell_has_a_file_of_its_own(name, table, rows):
    chosen = study(name)
    cells = chosen.cells(table)
    seeds = {dataset: len(chosen.seeds(dataset)) for _, dataset, _ in chosen.columns(table)}
    assert len(cells) == rows * sum(seeds[dataset] for _, dataset, _ in chosen.columns(table))
    assert len({cell["cell"] for cell in cells}) == len(cells)


def test_published_settings_of_the_few_shot_runs():
    # RWTH-small/ReACGAN-ADC-DiffAug-highcond-5: batch 4, lambda 1; the full RWTH configuration: batch 128, lambda 0.5
    options = study("paper").generator_options("rwth", "5", 0, "reacgan")
    assert (options["batch_size"], options["lambda_cond"], options["discriminator_updates"]) == (4, 1.0, 5)
    options = study("paper").generator_options("rwth", "all", 0, "reacgan")
    assert (options["batch_size"], options["lambda_cond"], options["channels"]) == (128, 0.5, 96)


def test_recipes_name_their_maker():
    assert maker_of("real") is None
    assert maker_of("reacgan-filtered-mixup") == ("reacgan", True)
    assert maker_of("spade_bones_from_open_hagrid-pretrain") == ("spade_bones_from_open_hagrid", False)


def test_a_multi_source_generator_has_seen_all_of_its_own_data_set():
    subset = ("rwth", "5", 2)
    assert generator_of(subset, "spade_bones_from_open_hagrid") == (("open_hagrid", "all", 2), "spade_bones")
    assert generator_of(subset, "reacgan") == (subset, "reacgan")


def test_per_size_settings_are_resolved_and_others_kept():
    options = at_size({"batch_size": {"5": 4, "all": 128}, "lr": 0.1, "strategies": {"mixup": {"alpha": 0}}}, "all")
    assert options == {"batch_size": 128, "lr": 0.1, "strategies": {"mixup": {"alpha": 0}}}


def wrong(path, value):
    params = copy.deepcopy(PARAMS)
    place = params
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return params


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["study"], "dmeo", r"study: found 'dmeo'; expected one of \['demo', "),
        (["sutdy"], "demo", r"top level: .*'sutdy' was unexpected"),
        (["studies", "demo", "filter", "keep"], 0.3, r"studies\.demo\.filter: .*'keep' was unexpected"),
        (["studies", "demo", "filter", "keep_fraction"], 30, r"studies\.demo\.filter\.keep_fraction: 30 is greater"),
        (["studies", "demo", "spade"], "spade_keypoints", r"drawn_gestures\.generators: 'spade_keypoints' is missing"),
        (["studies", "paper", "experiments", "hagrid", "classifier", "epochs"], {"10": 1}, "no value for size '20'"),
        (["datasets", "drawn_signs", "root"], "results/drawn/other.zip", r"drawn_signs\.root: a drawn data set lies"),
        (["studies", "demo", *SIGNS, "generators", "reacgan", "z_dim"], 81, r"z_dim: 81 is not a multiple of 5"),
        (["studies", "demo", *SIGNS, "classifier", "epochs"], 0, r"classifier\.epochs"),
        (["studies", "demo", "source"], "hagird", r"studies\.demo\.source: found 'hagird'"),
        (["studies", "demo", *SIGNS, "classifier", "epochs"], {"5": 3}, "no value for size 'all'"),
        (["studies", "demo", "generation", "as_published"], ["truncated"], r"generation\.as_published\.0: 'truncated'"),
        (["studies", "demo", "conditioning", "images"], 0, r"studies\.demo\.conditioning\.images"),
        (["studies", "demo", "audit", "images"], 0, r"audit\.images: 0 is less"),
        (["datasets", "rwth", "reader"], "rwht", r"datasets\.rwth\.reader: 'rwht' is not one of"),
        (["datasets", "rwth", "crop"], {"size": 64}, r"datasets\.rwth\.crop: 'margin' is a required property"),
    ],
)
def test_a_wrong_key_or_value_is_named(path, value, said):
    with pytest.raises(WrongInput, match=said):
        check_params(wrong(path, value))


def test_sizes_grow_however_they_are_listed():
    params = wrong(["studies", "demo", *SIGNS, "sizes"], ["all", 5])
    assert Study(params).sizes("drawn_signs") == ["5", "all"]
    assert Study(params).columns("5") == [("drawn_signs", "drawn_signs", "all")]
