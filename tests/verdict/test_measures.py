import numpy as np
import pandas as pd
import pytest

from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.stage import WrongInput
from pipeline.verdict.measures import count_hits, for_measure, weighted_macro_recall

# Group x: two images of class 4, one of class 7. Group y: one of class 4. Group z: one of class 9, which has no other.
IMAGES = pd.DataFrame({"file_name": list("abcde"), "group": list("xxxyz"), "label": [4, 4, 7, 4, 9]})


def table(*predicted):
    return IMAGES.assign(predicted=predicted)


def macro(predictions, *weights):
    return weighted_macro_recall(count_hits(predictions), np.array(weights, dtype=float))[:, 0, 0]


def test_a_class_that_drops_out_leaves_the_mean():
    found = macro({("real", 0): table(4, 7, 7, 4, 0)}, [1, 1, 1], [1, 1, 0], [0, 3, 0], [0, 0, 2])
    # Recalls 2/3, 1, 0; then without class 9; class 4 of group y alone; class 9 alone.
    assert found == pytest.approx([500 / 9, 250 / 3, 100, 0])


def test_a_group_counted_twice_is_there_twice():
    assert macro({("real", 0): table(4, 7, 7, 4, 0)}, [2, 1, 0])[0] == pytest.approx(50 * (3 / 5 + 1))


def test_no_image_left_has_no_recall():
    assert np.isnan(macro({("real", 0): table(4, 4, 7, 4, 9)}, [0, 0, 0])[0])


def test_resampled_measures_are_the_plain_ones_of_the_repeated_images():
    draw = np.random.default_rng(0)
    images = pd.DataFrame({"group": draw.integers(8, size=60).astype(str), "label": draw.integers(5, size=60)})
    images["file_name"] = [f"{number:02}" for number in range(60)]
    predictions = {
        (recipe, seed): images.assign(predicted=draw.integers(5, size=60)) for recipe in "ab" for seed in (3, 1)
    }
    counts = count_hits(predictions)
    assert counts.recipes == ("a", "b") and counts.seeds == (1, 3)
    weights = draw.multinomial(8, np.full(8, 1 / 8), size=4)
    for measure, plain in (("macro_recall", macro_recall), ("accuracy", accuracy)):
        found = weighted_macro_recall(for_measure(counts, measure), weights)
        for number, row in enumerate(weights):
            repeats = row[np.unique(images["group"], return_inverse=True)[1]]
            for cell, own in predictions.items():
                shown = own.loc[own.index.repeat(repeats)]
                expected = 100 * plain(shown["label"].to_numpy(), shown["predicted"].to_numpy())
                place = number, counts.recipes.index(cell[0]), counts.seeds.index(cell[1])
                assert found[place] == pytest.approx(expected)


def test_the_order_of_images_does_not_matter():
    own, other = table(4, 7, 7, 4, 0), table(4, 4, 4, 4, 9)
    straight = count_hits({("a", 0): own, ("b", 0): other})
    mixed = count_hits({("b", 0): other[::-1], ("a", 0): own.sample(frac=1, random_state=0)})
    assert np.array_equal(straight.hits, mixed.hits) and np.array_equal(straight.images, mixed.images)


@pytest.mark.parametrize(
    "other, said",
    [
        (table(4, 4, 7, 4, 9)[:4], r"'b', seed 0: found 4 images, expected 5"),
        (table(4, 4, 7, 4, 9).assign(group=list("xxxyy")), r"'b', seed 0, image 'e', group: found y, expected z"),
        (table(4, 4, 7, 4, 9).assign(label=[4, 7, 7, 4, 9]), r"image 'b', label: found 7, expected 4"),
        (table(4, 4, 7, 4, 9).assign(file_name=list("abcdf")), r"image 'f', file_name: found f, expected e"),
    ],
)
def test_predictions_of_other_images_are_refused(other, said):
    with pytest.raises(WrongInput, match=said):
        count_hits({("a", 0): table(4, 4, 7, 4, 9), ("b", 0): other})


def test_a_missing_seed_is_named():
    own = table(4, 4, 7, 4, 9)
    with pytest.raises(WrongInput, match="'b' has no predictions of seed 1"):
        count_hits({("a", 0): own, ("a", 1): own, ("b", 0): own})
