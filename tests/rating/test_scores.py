import numpy as np
import pytest

from pipeline.rating.scores import human_score, interval

SEEN = np.array([[1.0, 5.0], [2.0, 2.0], [np.nan, 4.0]])


def test_a_score_is_the_mean_and_the_sample_sd_over_all_ratings():
    score = human_score(np.array([[1.0, 5.0, np.nan]]), (0, "real"))
    assert score == {"mean": 3, "sd": round(8**0.5, 4), "ratings": 2, "images": 2, "low": None, "high": None}


def test_what_was_not_rated_has_no_score():
    nothing = {"mean": None, "sd": None, "ratings": 0, "images": 0, "low": None, "high": None}
    assert human_score(np.zeros((0, 4)), (0, "real")) == nothing
    assert human_score(np.full((2, 4), np.nan), (0, "real")) == nothing


def test_one_rater_or_one_image_says_nothing_of_others():
    assert interval(np.array([[1.0, 2.0, 5.0]]), (0,)) == (None, None)
    assert interval(np.array([[1.0], [2.0], [5.0]]), (0,)) == (None, None)
    # A second rater who was silent is none.
    assert interval(np.array([[1.0, 2.0], [np.nan, np.nan]]), (0,)) == (None, None)


@pytest.mark.parametrize("across", [lambda table: table, lambda table: table.T])
def test_many_ratings_of_one_rater_or_image_are_not_many_raters_or_images(across):
    # Every rater has a habit and no image matters: 11 habits, however many images; and the other way round.
    habits = np.linspace(1, 5, 11)
    low, high = interval(across(np.repeat(habits[:, None], 100, axis=1)), (0,))
    half = 1.96 * habits.std() / 11**0.5
    assert (low, high) == (pytest.approx(3 - half, abs=0.1), pytest.approx(3 + half, abs=0.1))


def test_raters_and_images_both_count():
    draw = np.random.default_rng(0)
    raters, images = draw.normal(size=(11, 1)), draw.normal(size=(1, 10))
    width = {
        name: np.ptp(interval(3 + table, (0,)))
        for name, table in {
            "raters": raters + 0 * images,
            "images": images + 0 * raters,
            "both": raters + images,
        }.items()
    }
    assert width["both"] == pytest.approx(np.hypot(width["raters"], width["images"]), rel=0.1)


def test_an_interval_is_of_its_address_and_its_ratings_alone():
    assert interval(SEEN, (0, "a")) == interval(SEEN, (0, "a"))
    low, high = interval(SEEN, (0, "a"))
    assert 1 <= low < np.nanmean(SEEN) < high <= 5
    assert interval(np.full((3, 4), 2.0), (0, "a")) == (2, 2)
