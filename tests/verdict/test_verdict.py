import numpy as np
import pandas as pd
import pytest
from verdict.simulated import long_tail, predict

from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.stage import WrongInput
from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import count_hits
from pipeline.verdict.verdict import _sentences, hold_contest, judge

WAYS, RIVALS = (
    [f"gan{number}" for number in range(9)],
    ["balanced", "copies", "deferred", "mixup", "moved", "real", "w"],
)


def contests(ways, rivals, seeds, groups, classes, gain, draws=100, ahead=0.0, training=0.1):
    """Contests of ways, the first with a true gain over the rest, with rivals, of which one may be ahead of others."""
    draw, names = np.random.default_rng([ways, rivals, seeds]), tuple(WAYS[:ways] + RIVALS[-rivals:])
    for _ in range(draws):
        group, label = long_tail(draw, groups, classes, 6)
        recalls = np.tile(draw.uniform(0.4, 0.85, classes), (ways + rivals, 1))
        recalls[0] += gain
        recalls[ways + 1 :] -= ahead
        counts = predict(draw, group, label, recalls, seeds, training)._replace(recipes=names)
        yield hold_contest(counts, names[:ways], names[ways:])


@pytest.mark.parametrize(
    "ways, rivals, seeds, groups, classes, ahead",
    [(1, 1, 3, 40, 15, 0), (1, 1, 5, 100, 20, 0), (9, 7, 3, 60, 30, 0), (9, 7, 5, 60, 20, 0.2), (9, 1, 3, 60, 10, 0)],
)
def test_without_an_effect_there_is_no_evidence(ways, rivals, seeds, groups, classes, ahead):
    found = [contest.finding for contest in contests(ways, rivals, seeds, groups, classes, 0, ahead=ahead)]
    assert found.count("no evidence") >= 93


@pytest.mark.parametrize("ways, rivals, seeds, groups", [(1, 1, 5, 300), (9, 7, 10, 400)])
def test_a_large_effect_is_found(ways, rivals, seeds, groups):
    found = list(contests(ways, rivals, seeds, groups, 12, 0.08, draws=40))
    helped = [contest for contest in found if contest.finding == "help"]
    assert len(helped) >= 36
    assert {contest.generated for contest in helped} == {"gan0"}
    assert sum(contest.low <= 8 <= contest.high for contest in found) >= 36


def test_a_very_large_effect_is_found_in_a_study_of_three_seeds_and_a_hundred_and_fifty_clips():
    draw, names = np.random.default_rng(7), tuple(f"{family}{n}" for family in "gr" for n in range(12))
    found = []
    for _ in range(20):
        group, label = long_tail(draw, 150, 35, 7)
        recalls = np.tile(draw.uniform(0.2, 0.6, 35), (24, 1))
        recalls[0] += 0.3
        counts = predict(draw, group, label, recalls, 3, 0.1)._replace(recipes=names)
        found.append(hold_contest(counts, names[:12], names[12:]))
    assert [one.finding for one in found].count("help") >= 18
    assert {one.generated for one in found} == {"g0"}


def test_a_large_harm_is_found():
    found = [contest.finding for contest in contests(1, 1, 10, 300, 12, -0.08, draws=40)]
    assert found.count("harm") >= 36


@pytest.mark.parametrize("ways, rivals, ahead", [(1, 1, 0.0), (9, 7, 0.0), (9, 7, 0.2)])
def test_the_lead_that_is_needed_is_the_one_from_which_on_help_is_found(ways, rivals, ahead):
    draw, names = np.random.default_rng(5), tuple(WAYS[:ways] + RIVALS[-rivals:])
    for _ in range(5):
        group, label = long_tail(draw, 60, 12, 6)
        recalls = np.tile(draw.uniform(0.3, 0.6, 12), (ways + rivals, 1))
        recalls[ways + 1 :] -= ahead
        counts = predict(draw, group, label, recalls, 3, 0.3)._replace(recipes=names)
        contest = hold_contest(counts, names[:ways], names[ways:])
        assert contest.finding == "no evidence"
        for beyond, finding in ((-0.01, "no evidence"), (0.01, "help")):
            # In every group so much more is recognised; how far trainings and groups vary stays as it is.
            moved = counts.hits.copy()
            moved[names.index(contest.generated)] += (contest.needed - contest.advantage + beyond) / 100 * counts.images
            shifted = hold_contest(counts._replace(hits=moved), names[:ways], names[ways:])
            assert shifted.finding == finding and shifted.needed == pytest.approx(contest.needed)
            assert shifted.advantage == pytest.approx(contest.needed + beyond)


def test_more_ways_to_choose_from_need_more_evidence():
    contest, few = (next(contests(ways, 1, 4, 60, 10, 0.1)) for ways in (9, 1))
    assert few.finding != "harm" and contest.needed > few.needed


def tables(draw, recalls, seeds=4):
    """Predictions of recipes {name: about this recall, of every class} as tables; an image is as hard for all."""
    group, label = long_tail(draw, 60, 8, 5)
    images = pd.DataFrame(
        {"file_name": [f"{number:04}" for number in range(len(label))], "group": group, "label": label}
    )
    images["group"] = "clip" + images["group"].astype(str)
    wrong = {True: label, False: (label + 1) % 8}
    chance = draw.uniform(size=len(label))
    return {
        (name, seed): images.assign(
            predicted=np.where(0.7 * chance + 0.3 * draw.uniform(size=len(label)) < recall, wrong[True], wrong[False])
        )
        for name, recall in recalls.items()
        for seed in range(seeds)
    }


NAMES = {
    "real": "real images",
    "weighted": "weighting",
    "gan-pretrain": "pretraining on GAN images",
    "gan-mixup": "mixup",
}


def judged(recalls, seeds=4):
    predictions = tables(np.random.default_rng(0), recalls, seeds)
    return judge(predictions, [name for name in recalls if name.startswith("gan")], NAMES)


def test_help_is_told_with_what_stands_behind_it():
    found = judged({"real": 0.4, "weighted": 0.45, "gan-pretrain": 0.75, "gan-mixup": 0.4})
    contest = found.against_rivals
    assert (found.finding, contest.generated, contest.rival) == ("help", "gan-pretrain", "weighted")
    span = f"(95 % interval {contest.low:.1f} to {contest.high:.1f}; 4 seeds, {found.images} test images in 60 groups)."
    assert found.sentences[0] == (
        "Pretraining on GAN images beats the best of 2 rivals (weighting) by "
        f"{contest.advantage:.1f} points of macro-recall {span}"
    )
    gain = found.against_real.advantage
    assert found.sentences[1].startswith(f"Pretraining on GAN images is {gain:.1f} points above real images alone (")
    assert "choosing among 2 ways to use generated images and 2 rivals" in found.sentences[2]


def test_nothing_found_is_told_with_the_interval():
    found = judged({"real": 0.6, "gan-pretrain": 0.58})
    assert found.finding == "no evidence"
    assert found.sentences[0].startswith("No evidence that generated images help here: the only way to use them (pre")
    assert f"\N{MINUS SIGN}{abs(found.against_rivals.low):.1f} to " in found.sentences[0]
    assert f"counts from about {found.against_rivals.needed:.1f} points on" in found.sentences[-1]
    assert len(found.sentences) == 2


def test_harm_is_told():
    found = judged({"real": 0.8, "weighted": 0.7, "gan-pretrain": 0.3, "gan-mixup": 0.35})
    assert found.finding == "harm"
    assert found.sentences[0].startswith(
        "Generated images do worse than doing without: the best of 2 ways to use them ("
    )
    assert " points below the best of 2 rivals (real images) in macro-recall (95 %" in found.sentences[0]


def test_one_seed_claims_nothing_however_large_the_difference():
    found = judged({"real": 0.2, "gan-pretrain": 0.9}, seeds=1)
    assert found.against_rivals.low > 0 and found.finding == "one seed"
    assert "how training varies is unknown" in found.sentences[0] and "95 %" not in " ".join(found.sentences)
    assert found.table["macro_recall_sd"].isna().all()


def test_an_advantage_beyond_what_the_rival_leaves_is_no_advantage_that_would_be_found():
    draw = np.random.default_rng(3)
    group, label = long_tail(draw, 9, 3, 20)
    recalls = np.array([[0.9] * 3, [0.9] * 3])
    counts = predict(draw, group, label, recalls, 3)._replace(recipes=("gan", "real"))
    contest = hold_contest(counts, ["gan"], ["real"])
    assert contest.room == pytest.approx(100 - 100 * (counts.hits[1].sum(1) / counts.images.sum(0)).mean())
    assert contest.room < contest.needed < 100
    behind = {"ways": 1, "rivals": 1, "seeds": 3, "images": 180, "groups": 9}
    told = _sentences(contest, contest, behind, {"gan": "g", "real": "r"})
    assert told[-1] == "With so few seeds or groups no lead, however large, would have been told from chance."


def test_one_group_claims_nothing():
    predictions = tables(np.random.default_rng(0), {"real": 0.2, "gan-pretrain": 0.9})
    found = judge({cell: table.assign(group="all") for cell, table in predictions.items()}, ["gan-pretrain"], NAMES)
    assert found.finding == "no evidence" and found.sentences[-1].endswith("would have been told from chance.")


def test_identical_predictions_are_no_evidence():
    same = tables(np.random.default_rng(0), {"real": 0.5})
    found = judge(same | {("gan-mixup", seed): table for (_, seed), table in same.items()}, ["gan-mixup"], NAMES)
    contest = found.against_rivals
    assert found.finding == "no evidence" and contest.advantage == 0 and contest.low < 0 < contest.high


def test_order_and_names_of_recipes_images_and_labels_do_not_matter():
    draw = np.random.default_rng(4)
    predictions = tables(draw, {"real": 0.5, "weighted": 0.5, "gan-pretrain": 0.6, "gan-mixup": 0.55})
    found = judge(predictions, ["gan-pretrain", "gan-mixup"], NAMES)
    labels, recipes = draw.permutation(8) * 3, {"gan-mixup": "z", "gan-pretrain": "b", "real": "real", "weighted": "y"}
    changed = {
        (recipes[recipe], seed): table.sample(frac=1, random_state=seed).assign(
            label=lambda table: labels[table["label"]], predicted=lambda table: labels[table["predicted"]]
        )
        for (recipe, seed), table in reversed(predictions.items())
    }
    other = judge(changed, ["z", "b"], {recipes[name]: words for name, words in NAMES.items()})
    assert other.sentences == found.sentences
    numbers = found.table.select_dtypes("number").columns
    np.testing.assert_allclose(other.table[numbers], found.table[numbers], rtol=1e-9, atol=1e-9)


def test_the_table_has_the_plain_measures_and_the_interval_of_each_pair():
    predictions = tables(np.random.default_rng(5), {"real": 0.5, "weighted": 0.6, "gan-pretrain": 0.55}, seeds=3)
    found = judge(predictions, ["gan-pretrain"], NAMES)
    table, counts = found.table.set_index("recipe"), count_hits(predictions)
    assert table["macro_recall"].is_monotonic_decreasing and table["generated"].sum() == 1
    for recipe in table.index:
        for measure, plain in (("macro_recall", macro_recall), ("accuracy", accuracy)):
            own = [100 * plain(*predictions[recipe, seed][["label", "predicted"]].to_numpy().T) for seed in range(3)]
            assert table.loc[recipe, measure] == pytest.approx(np.mean(own))
            assert table.loc[recipe, f"{measure}_sd"] == pytest.approx(np.std(own, ddof=1))
    number = [counts.recipes.index(recipe) for recipe in ("gan-pretrain", "real")]
    low, high = differences(spread(counts), number[:1], number[1:]).interval(0.025)
    columns = ["macro_recall_to_real_low", "macro_recall_to_real_high"]
    assert table.loc["gan-pretrain", columns].tolist() == pytest.approx([low.item(), high.item()])
    assert table.loc["real", "macro_recall_to_real":"macro_recall_to_real_high"].isna().all()
    best = table.loc[~table["generated"], "macro_recall"].idxmax()
    gap = table.loc["gan-pretrain", "accuracy"] - table.loc[best, "accuracy"]
    assert table.loc["gan-pretrain", "accuracy_to_best_rival"] == pytest.approx(gap)


@pytest.mark.parametrize(
    "generated, said", [(["gan-mixup"], "'gan-mixup' is not among"), ([], r"found \[\], expected")]
)
def test_families_that_cannot_compete_are_refused(generated, said):
    predictions = tables(np.random.default_rng(0), {"real": 0.5, "gan-pretrain": 0.5})
    with pytest.raises(WrongInput, match=said):
        judge(predictions, generated, NAMES)
