import numpy as np
import pandas as pd
import pytest

from pipeline.claims.class_changes import class_changes, count_changes, state_class_changes
from pipeline.stage import WrongInput

CLASSES = ["many", "rare", "steady", "unseen", "lost"]
TESTED = {"many": 4, "rare": 2, "steady": 3, "lost": 1}


def predictions(hits):
    """Return predictions in which so many images of each tested class are right, the others taken for `unseen`."""
    rows = [
        (f"{name}/{number}.png", CLASSES.index(name), CLASSES.index(name if number < hits[name] else "unseen"))
        for name, count in TESTED.items()
        for number in range(count)
    ]
    return pd.DataFrame(rows, columns=["file_name", "label", "predicted"])


def subset(fitted):
    rows = [(name, CLASSES.index(name), "fit") for name, count in fitted.items() for _ in range(count)]
    rows += [(name, label, "val") for label, name in enumerate(CLASSES)]
    return pd.DataFrame(rows, columns=["class", "label", "part"])


FITTED = {"many": 200, "rare": 3, "steady": 10, "unseen": 9, "lost": 12}
REAL = {"many": 4, "rare": 0, "steady": 1, "lost": 1}
PRETRAINED = {"many": 3, "rare": 2, "steady": 1, "lost": 0}


def changes():
    return class_changes({"0": predictions(REAL)}, {"0": predictions(PRETRAINED)}, {"0": subset(FITTED)})


def test_each_class_is_held_against_itself_in_points():
    rows = changes().set_index("class")
    assert rows.index.tolist() == CLASSES
    assert rows["train_images"].to_dict() == FITTED  # validation images do not count
    assert rows["test_images"].to_dict() == TESTED | {"unseen": 0}
    assert rows["change"][["many", "rare", "steady", "lost"]].tolist() == [-25, 100, 0, -100]
    assert rows["real"]["many"] == 100 and rows["pretrained"]["many"] == 75
    assert np.isnan(rows["change"]["unseen"])


def test_what_happened_is_counted_with_the_images_behind_it():
    counts = count_changes(changes())
    assert counts == {
        "tested": {"classes": 4, "test_images": 10},
        "rose": {"classes": 1, "test_images": 2},
        "fell": {"classes": 2, "test_images": 5},
        "stayed": {"classes": 1, "test_images": 3},
        "zero_to_all": {"classes": 1, "test_images": 2},
        "zero_to_some": {"classes": 1, "test_images": 2},
        "some_to_zero": {"classes": 1, "test_images": 1},
        "untested": {"classes": 1, "test_images": 0},
    }


def test_a_rise_that_not_every_seed_shares_is_none_to_one_hundred():
    half = PRETRAINED | {"rare": 1}
    real = {seed: predictions(REAL) for seed in ("0", "1", "2")}
    pretrained = {"0": predictions(PRETRAINED), "1": predictions(half), "9": predictions(PRETRAINED)}
    subsets = {"0": subset(FITTED), "1": subset(FITTED | {"rare": 4}), "2": subset(FITTED)}
    rows = class_changes(real, pretrained, subsets)
    # Seeds 0 and 1 are all that the three have in common.
    assert rows.set_index("class").loc["rare", ["train_images", "pretrained"]].tolist() == [3.5, 75]
    assert count_changes(rows)["zero_to_all"]["classes"] == 0 and count_changes(rows)["zero_to_some"]["classes"] == 1


def test_hits_that_change_seeds_are_a_tie():
    """Thirds of three seeds add up differently in floating point when they come in another order."""
    orders = [(1, 2, 0), (0, 1, 2)]
    real, pretrained = (
        {str(seed): predictions(REAL | {"steady": hits}) for seed, hits in enumerate(order)} for order in orders
    )
    rows = class_changes(real, pretrained, {str(seed): subset(FITTED) for seed in range(3)})
    assert count_changes(rows)["stayed"]["classes"] == 4


def test_other_test_images_and_no_common_seed_are_refused():
    with pytest.raises(WrongInput, match="different test images"):
        class_changes({"0": predictions(REAL)}, {"0": predictions(REAL).iloc[1:]}, {"0": subset(FITTED)})
    with pytest.raises(WrongInput, match="common"):
        class_changes({"0": predictions(REAL)}, {"1": predictions(REAL)}, {"0": subset(FITTED)})


def test_the_sentence_is_made_of_the_numbers_and_says_that_they_are_few():
    claim = state_class_changes(changes(), "toy")
    assert claim["sentence"].startswith(
        "toy: of 4 classes 1 rose, 2 fell, 1 stayed; 1 (2 test images) left 0 %, 1 (2 test images) of these for 100 %,"
        " and 1 (1 test image) fell to 0 %. Of the 1 with fewer than 10 training images 1 rose, 0 fell, 0 stayed;"
    )
    assert "went from 60.0 to 60.0 %" in claim["sentence"]
    assert "1 more classes have no test image" in claim["sentence"]
    assert "the median class has 2.5 test images" in claim["sentence"]
    assert [row["change"] for row in claim["classes"]] == [-25, 100, 0, None, -100]


def test_enough_test_images_are_not_called_thin():
    rows = changes().assign(test_images=[50, 50, 50, 0, 50])
    assert "thin" not in state_class_changes(rows, "toy")["sentence"]
    common = rows.assign(train_images=50)
    assert "No class with test images has fewer than 10" in state_class_changes(common, "toy")["sentence"]
