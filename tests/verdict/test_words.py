import pytest
import yaml
from conftest import ROOT

from pipeline.study import Study
from pipeline.verdict.words import words_of

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("real", "real images"),
        ("copies-mixup", "mixup with copies of real images"),
        ("reacgan-filtered-pretrain", "pretraining on the best ReACGAN images"),
        ("spade_bones_from_hagrid-regularization", "regularization with SPADE-bones images by a generator of hagrid"),
    ],
)
def test_a_recipe_is_called_by_what_it_does(recipe, words):
    assert words_of(recipe) == words


@pytest.mark.parametrize("name", PARAMS["studies"])
def test_every_recipe_of_a_study_has_words_of_its_own(name):
    recipes = [recipe for _, _, recipe in Study(PARAMS | {"study": name}).rows("rivals")]
    assert len({words_of(recipe) for recipe in recipes}) == len(recipes)
