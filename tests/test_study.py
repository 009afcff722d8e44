import copy
import math
from itertools import pairwise

import pytest
import yaml
from conftest import ROOT

from pipeline.budget import RIVALS
from pipeline.classify.strategies import gen_weight
from pipeline.data.entries import loaded
from pipeline.gan.train import AS_PUBLISHED
from pipeline.params import at_size, check_params
from pipeline.recipes import COPIES_RECIPES, SWITCHES, generator_of, is_generated, maker_of, ordered, strategy_of
from pipeline.stage import WrongInput
from pipeline.study import Study

ERRATA = ("studies", "errata", "errata")
TRIES_ERRATA = ("errata", "errata_generators")
SIGNS = ("experiments", "drawn_signs")
MIXUP = ("strategies", "mixup")
REACGAN = ("studies", "demo", *SIGNS, "generators", "reacgan")
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
    if table == "8" and chosen.source == chosen.target:
        rows -= 3  # none of them multi-source
    seeds = {dataset: len(chosen.seeds(dataset)) for _, dataset, _ in chosen.columns(table)}
    assert len(cells) == rows * sum(seeds[dataset] for _, dataset, _ in chosen.columns(table))
    assert len({cell["cell"] for cell in cells}) == len(cells)


def test_published_settings_of_the_few_shot_runs():
    # RWTH-small/ReACGAN-ADC-DiffAug-highcond-5: batch 4, lambda 1; the full RWTH configuration: batch 128, lambda 0.5
    options = study("paper").generator_options("rwth", "5", 0, "reacgan")
    assert (options["batch_size"], options["lambda_cond"], options["discriminator_updates"]) == (4, 1.0, 5)
    options = study("paper").generator_options("rwth", "all", 0, "reacgan")
    assert (options["batch_size"], options["lambda_cond"], options["channels"]) == (128, 0.5, 96)


def test_sizes_grow_by_their_numbers_and_all_comes_last():
    assert ordered({"all", "5", "10"}) == ordered(["all", 10, 5]) == ["5", "10", "all"]


def test_recipes_name_their_maker():
    assert maker_of("real") is None
    assert maker_of("reacgan-filtered-mixup") == ("reacgan", True)
    assert maker_of("spade_bones_from_open_hagrid-pretrain") == ("spade_bones_from_open_hagrid", False)


@pytest.mark.parametrize("recipe", RIVALS)
def test_a_rival_is_its_own_strategy_and_needs_no_images(recipe):
    assert maker_of(recipe) is None and strategy_of(recipe) == recipe and not is_generated(recipe)


def test_copies_take_the_place_of_generated_images_and_are_none():
    assert [strategy_of(recipe) for recipe in COPIES_RECIPES] == ["pretrain", "mixup", "regularization"]
    for recipe in COPIES_RECIPES:
        assert maker_of(recipe) == ("copies", False) and not is_generated(recipe)
    assert is_generated("reacgan-filtered-mixup") and not is_generated("real")


@pytest.mark.parametrize("name", PARAMS["studies"])
def test_the_table_of_rivals_has_what_was_asked_for_and_all_that_is_generated(name):
    chosen = study(name)
    asked, table8 = chosen.settings["rivals"]["recipes"], {recipe for _, _, recipe in chosen.rows("8")}
    recipes = [recipe for _, _, recipe in chosen.rows("rivals")]
    filtered = {f"reacgan-filtered-{strategy}" for strategy in ("pretrain", "mixup", "regularization")}
    assert len(set(recipes)) == len(recipes) and set(recipes) == {*asked} | table8 | filtered
    assert recipes[0] == "real" and recipes[1 : 1 + len(asked)] == [
        recipe for recipe in (*RIVALS, *COPIES_RECIPES) if recipe in asked
    ]
    # The verdict compares the cells of the table, each filtered recipe at the largest size alone.
    cells = [one["cell"] for verdict in chosen.verdicts() for one in verdict["cells"]]
    assert sorted(cells) == sorted(cell["cell"] for cell in chosen.cells("rivals"))
    largest = chosen.sizes(chosen.target)[-1]
    assert {verdict["size"] for verdict in chosen.verdicts() if "filtered" in str(verdict)} == {largest}


def test_params_may_list_every_rival_and_the_paper_and_small_do():
    schema = yaml.safe_load((ROOT / "pipeline/schemas/params.schema.yaml").read_text())
    allowed = schema["$defs"]["study"]["properties"]["rivals"]["properties"]["recipes"]["items"]["enum"]
    assert allowed == [*RIVALS, *COPIES_RECIPES]
    for name in ("paper", "small"):
        assert study(name).settings["rivals"]["recipes"] == allowed


def test_no_rival_is_asked_for_where_none_is_listed():
    params = wrong(["studies", "demo", "rivals"], {"recipes": [], "sizes": ["all"]})
    chosen = Study(params)
    assert not {recipe for _, _, recipe in chosen.rows("rivals")} & {*RIVALS, *COPIES_RECIPES}
    assert chosen.artifacts()["copies"] == [] and len(chosen.artifacts()["rivals"]) == 3


def test_copies_are_made_for_the_subsets_that_learn_from_them():
    params = wrong(["studies", "demo", "rivals"], {"recipes": ["copies-mixup", "copies-pretrain"], "sizes": [5]})
    chosen = Study(params)
    assert chosen.artifacts()["copies"] == [f"results/copies/drawn_signs-n5-s{seed}.zip" for seed in (0, 1)]
    assert not any("copies" in path for path in chosen.artifacts()["images"] + chosen.artifacts()["filtered"])


def test_a_rival_is_told_the_budget_of_pretraining_and_no_setting_of_others():
    chosen = study("paper")
    options = chosen.classifier_options("rwth", "all", 1, "balanced")
    assert (options["epochs"], options["pretrain_epochs"], options["images_per_class"]) == (100, 25, 1000)
    assert options["strategy"] == "balanced" and options["strategies"] == {}
    assert chosen.classifier_options("rwth", "all", 1, "real_mixup")["strategies"] == {}
    for recipe in ("real", "reacgan-mixup", "copies-pretrain"):
        assert "images_per_class" not in chosen.classifier_options("rwth", "all", 1, recipe)
    assert chosen.classifier_options("rwth", "all", 1, "copies-mixup") == chosen.classifier_options(
        "rwth", "all", 1, "reacgan-mixup"
    )


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
        (["study"], "dmeo", r"study: found 'dmeo'; expected one of \['clips', 'demo', "),
        (["sutdy"], "demo", r"top level: .*'sutdy' was unexpected"),
        (["studies", "demo", "filter", "keep"], 0.3, r"studies\.demo\.filter: .*'keep' was unexpected"),
        (["studies", "demo", "filter", "keep_fraction"], 30, r"studies\.demo\.filter\.keep_fraction: 30 is greater"),
        (["studies", "demo", "spade"], "spade_keypoints", r"drawn_gestures\.generators: 'spade_keypoints' is missing"),
        (["studies", "paper", "experiments", "hagrid", "classifier", "epochs"], {"10": 1}, "no value for size '20'"),
        (["datasets", "drawn_signs", "root"], "results/drawn/other.zip", r"drawn_signs\.root: a drawn data set lies"),
        (["studies", "demo", *SIGNS, "generators", "reacgan", "z_dim"], 81, r"z_dim: 81 is not a multiple of 5"),
        (["studies", "demo", *SIGNS, "classifier", "epochs"], 0, r"classifier\.epochs"),
        (["studies", "demo", "source"], "hagird", r"studies\.demo\.source: found 'hagird'"),
        ([*REACGAN, "extra_images"], "milion_hands", r"reacgan\.extra_images: found 'milion_hands'"),
        ([*REACGAN, "extra_images"], "drawn_signs", r"reacgan\.extra_images: found 'drawn_signs'"),
        (["studies", "demo", *SIGNS, "classifier", "epochs"], {"5": 3}, "no value for size 'all'"),
        (["studies", "demo", *SIGNS, "classifier", *MIXUP, "beta"], {"5": 3}, "beta has no value for size 'all'"),
        (["studies", "demo", "generation", "as_published"], ["truncated"], r"generation\.as_published\.0: 'truncated'"),
        ([*ERRATA, "size"], 10, r"errata\.errata\.size: found 10; expected one of \['all'\]"),
        (
            ["studies", "errata", "errata", "rows"],
            {"reacgan-pretrain": ["adcs"]},
            r"rows\.reacgan-pretrain: found 'adcs'",
        ),
        (
            ["studies", "errata", "errata", "rows"],
            {"biggan-pretrain": ["adc"]},
            r"rows\.biggan-pretrain: found 'biggan'",
        ),
        (["datasets", "my__hands"], {}, r"'my__hands' does not match"),
        ([*ERRATA, "rows"], {"reacgan": ["adc"]}, r"'reacgan' does not match"),
        ([*ERRATA, "variants", "generator"], ["adc"], r"'generator' does not match"),
        ([*ERRATA, "variants", "a__b"], ["adc"], r"'a__b' does not match"),
        ([*ERRATA, "variants", "adc"], ["acd"], r"variants\.adc\.0: 'acd' is not one of"),
        (["studies", "demo", "conditioning", "images"], 0, r"studies\.demo\.conditioning\.images"),
        (["studies", "demo", "rivals", "recipes"], ["weigthed"], r"rivals\.recipes\.0: 'weigthed' is not one of"),
        (["studies", "demo", "rivals", "sizes"], [10], r"demo\.rivals\.sizes: found 10; expected some of \[5, 'all'\]"),
        (["studies", "demo", "audit", "images"], 0, r"audit\.images: 0 is less"),
        (["datasets", "rwth", "reader"], "rwht", r"datasets\.rwth\.reader: 'rwht' is not one of"),
        (
            ["datasets", "drawn_signs", "split", "kind"],
            "untested",
            r"drawn_signs\.split\.test_fraction: 0 was expected",
        ),
        (["datasets", "million_hands", "split", "kind"], "grouped", r"million_hands\.split\.test_fraction: 0 is less"),
        (
            ["datasets", "drawn_signs", "split"],
            PARAMS["datasets"]["million_hands"]["split"],
            r"studies\.demo\.experiments\.drawn_signs: its split is untested; expected test images",
        ),
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


def errata(**variants):
    """Return the demo with these variants, all of them tried with every recipe below."""
    recipes = ("real", "reacgan-pretrain", "reacgan-filtered-pretrain", "spade_bones_from_drawn_gestures-mixup")
    settings = {"size": "all", "variants": variants, "rows": {recipe: list(variants) for recipe in recipes}}
    return Study(wrong(["studies", "demo", "errata"], settings))


def cells_of(chosen, recipe, variant):
    (row,) = (row for row in chosen.errata_rows() if (row["recipe"], row["variant"]) == (recipe, variant))
    return row["cells"][0]


@pytest.mark.parametrize(
    ("switch", "recipe", "cell"),
    [
        ("permuted_labels", "reacgan-filtered-pretrain", "nall-s0-reacgan-filtered-pretrain__v"),
        ("unscaled_scores", "reacgan-filtered-pretrain", "nall-s0-reacgan-filtered__v-pretrain"),
        ("inverted_filter", "reacgan-filtered-pretrain", "nall-s0-reacgan-filtered__v-pretrain"),
        ("test_poses", "reacgan-pretrain", "nall-s0-reacgan__v-pretrain"),
        ("adc", "reacgan-filtered-pretrain", "nall-s0-reacgan__v-filtered-pretrain"),
        ("independent_subsets", "reacgan-pretrain", "nall-s0-reacgan__v-pretrain"),
        ("unstratified_subsets", "reacgan-pretrain", "nall__v-s0-reacgan-pretrain"),
        ("no_imagenet", "real", "nall-s0-real__v"),
        ("default_weight", "reacgan-pretrain", "nall-s0-reacgan-pretrain__v"),
        (
            "test_poses",
            "spade_bones_from_drawn_gestures-mixup",
            "nall-s0-spade_bones_from_drawn_gestures__v-mixup",
        ),
    ],
)
def test_a_variant_is_named_where_it_begins(switch, recipe, cell):
    chosen = errata(v=[switch])
    assert cells_of(chosen, recipe, "v") == f"drawn_signs-{cell}"
    assert "__" not in cells_of(chosen, recipe, "")


def new_files(switch, recipe):
    """Return {rule: files} that a variant of one switch adds for a recipe, first seed, histories left out."""
    tried = {"size": "all", "variants": {"v": [switch]}, "rows": {recipe: ["v"]}}
    with_it, without = (Study(wrong(["studies", "demo", "errata"], {**tried, "rows": r})) for r in (tried["rows"], {}))
    before = {path for paths in without.artifacts().values() for path in paths}
    added = {path for paths in with_it.artifacts().values() for path in paths} - before
    names = [path.split("/", 1)[1] for path in sorted(added) if "-s0" in path and not path.endswith(".png")]
    return [name.removesuffix(".csv").replace("drawn_signs-", "") for name in names if not name.startswith("training")]


@pytest.mark.parametrize(
    ("switch", "made"),
    [
        ("inverted_filter", ["filtered/nall-s0-reacgan-filtered__v.zip"]),
        (
            "permuted_scores",
            ["filtered/nall-s0-reacgan-filtered__v.zip", "scores/nall-s0-reacgan-filtered__v"],
        ),
        (
            "truncation",
            ["filtered/nall-s0-reacgan__v.zip", "images/nall-s0-reacgan__v.zip", "scores/nall-s0-reacgan__v"],
        ),
        (
            "relu_skip",
            [
                "filtered/nall-s0-reacgan__v.zip",
                "generators/nall-s0-reacgan__v.safetensors",
                "images/nall-s0-reacgan__v.zip",
                "scores/nall-s0-reacgan__v",
            ],
        ),
        (
            "independent_subsets",
            [
                "filtered/nall-s0-reacgan__v.zip",
                "generators/nall__generator-s0-reacgan.safetensors",
                "images/nall-s0-reacgan__v.zip",
                "scores/nall-s0-reacgan__v",
                "subsets/nall__generator-s0",
            ],
        ),
        ("test_flips", []),
    ],
)
def test_what_comes_before_an_error_is_shared(switch, made):
    files = new_files(switch, "reacgan-filtered-pretrain")
    assert [name for name in files if not name.startswith(("classifiers", "predictions"))] == made
    assert sum(name.startswith("predictions") for name in files) == 1


def test_each_stage_is_told_its_own_switches():
    every = [switch for switches in SWITCHES.values() for switch in switches]
    chosen = errata(all_of_them=every)
    assert cells_of(chosen, "reacgan-filtered-pretrain", "all_of_them") == (
        "drawn_signs-nall__all_of_them-s0-reacgan__all_of_them-filtered__all_of_them-pretrain__all_of_them"
    )
    size, maker = "all__all_of_them", "reacgan__all_of_them"
    origin, condition = chosen.generator_of(("drawn_signs", size, 0), maker)
    assert origin == ("drawn_signs", "all__all_of_them__generator", 0) and condition == maker
    classifier = chosen.classifier_options("drawn_signs", size, 0, f"{maker}-pretrain__all_of_them")
    told = {
        "subsets": chosen.subset_options(size, 0)["as_published"],
        "own_subsets": sorted(set(chosen.subset_options(origin[1], 0)["as_published"]) - {"unstratified_subsets"}),
        "generators": chosen.generator_options(*origin, condition)["as_published"],
        "images": chosen.image_options(0, maker)["as_published"],
        "scores": chosen.score_options(f"{maker}-filtered__all_of_them")["as_published"],
        "filtered": chosen.filter_options(f"{maker}-filtered__all_of_them")["as_published"],
        "classifiers": classifier["as_published"],
    }
    assert told == {stage: sorted(switches) for stage, switches in SWITCHES.items()}
    assert classifier["weights"] == "none" and chosen.subset_options(size, 0)["size"] == "all"
    assert chosen.subset_options("5__generator", 0) == {
        "size": 5,
        "seed": 0,
        "val_fraction": 0.2,
        "as_published": ["independent_subsets"],
    }


def test_the_default_weight_of_generated_images_explodes_or_shuts_them_out():
    chosen = errata(v=["default_weight"])

    def weights(recipe, strategy):
        own = chosen.classifier_options("drawn_signs", "all", 0, recipe)["strategies"][strategy]
        return [gen_weight(epoch, own["alpha"], own["beta"], own["growing"]) for epoch in range(3)]

    assert weights("reacgan-regularization__v", "regularization") == pytest.approx([1, math.e, math.e**2])
    assert weights("reacgan-mixup__v", "mixup") == [1, 1, 1]
    assert max(weights("reacgan-regularization", "regularization")) == 0.5


def test_params_and_code_name_the_same_switches():
    schema = yaml.safe_load((ROOT / "pipeline" / "schemas" / "params.schema.yaml").read_text())
    listed = schema["$defs"]["study"]["properties"]["errata"]["properties"]["variants"]["additionalProperties"]
    assert sorted(listed["items"]["enum"]) == sorted(switch for own in SWITCHES.values() for switch in own)
    tried = [study(name).settings["errata"] for name in TRIES_ERRATA]
    variants = tried[0]["variants"]
    assert {switch for own in variants.values() for switch in own} == set(listed["items"]["enum"])
    assert {name for own in tried for names in own["rows"].values() for name in names} == set(variants)
    generators = schema["$defs"]["generator"]["properties"]["as_published"]["items"]["enum"]
    assert tuple(generators) == SWITCHES["generators"] == AS_PUBLISHED
    images = schema["$defs"]["study"]["properties"]["generation"]["properties"]["as_published"]["items"]["enum"]
    assert tuple(images) == SWITCHES["images"]


@pytest.mark.parametrize("name", [name for name in PARAMS["studies"] if name not in TRIES_ERRATA])
def test_other_studies_try_no_errata(name):
    assert study(name).errata_rows() == [] and study(name).artifacts()["errata"] == []


NEST = "a: &a {}\n" + "".join(f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in pairwise("abcdefghijk"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study: [", r"params\.yaml: .*mend it"),
        ("study: " + "[" * 5000, r"params\.yaml: .*mend it"),
        ("study: " + "1" * 5000, r"params\.yaml: .*mend it"),
        ("study: 2026-01-01", r"params\.yaml, study: found datetime"),
        ("study: !!binary aGFuZA==", r"params\.yaml, study: found b'hand'"),
        ("study: .nan", r"params\.yaml, study: found nan; expected a text, a number"),
        ("studies: {demo: {val_fraction: -.inf}}", r"params\.yaml, studies\.demo\.val_fraction: found -inf"),
        ("study: &a [*a]", r"params\.yaml, study.*: a nest without end"),
        (NEST, r"params\.yaml, .*: a nest without end"),
        ("", r"params\.yaml, top level"),
        ("demo", r"params\.yaml, top level"),
    ],
)
def test_rotten_params_are_named(text, said):
    with pytest.raises(WrongInput, match=said):
        Study(loaded(text))
