import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.audit.fingerprints import Fingerprints
from pipeline.audit.leaks import audit_split, calibrate, summarise, worst


def prints_of(points, groups):
    """Fingerprints whose features are points (N, D), seen from one side, and whose hashes are all far apart."""
    rows = pd.DataFrame({"file_name": [f"{n}" for n in range(len(points))], "class": "a", "group": groups})
    hashes = np.sign(np.random.default_rng(9).normal(size=(len(points), 64))) / 2
    vectors = {"hash": torch.tensor(hashes[None]).half(), "features": torch.tensor(np.asarray(points)[None]).half()}
    pixels = np.array([[f"{view}{n}" for n in range(len(points))] for view in "im"], "S16")
    return Fingerprints(rows, pixels, vectors)


def clips(count, frames, seed=0):
    """Points of clips: scenes far apart, frames near each other; and the group of each."""
    drawn = np.random.default_rng(seed)
    scenes = drawn.normal(0, 10, (count, 8)).repeat(frames, axis=0)
    return scenes + drawn.normal(0, 0.1, scenes.shape), np.arange(count).repeat(frames).astype(str)


def told_of(prints, is_test):
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    calibration = calibrate(prints, train)
    table = audit_split(prints, train, test, calibration)
    return calibration, table, summarise(table, calibration)


def test_near_is_what_frames_of_one_clip_are_and_next_to_no_others():
    points, groups = clips(100, 3)
    calibration, _, told = told_of(prints_of(points, groups), groups.astype(int) >= 70)
    distances = np.linalg.norm(points[:210, None] - points[None, :210], axis=2)
    apart = np.sort(np.where(groups[:210, None] == groups[:210], np.inf, distances).min(axis=1))
    assert calibration.thresholds["features"] == pytest.approx(apart[1], rel=1e-2)  # half a percent of 210
    assert calibration.own.all() and calibration.other.mean() <= 0.01
    assert not told["leaks"] and told["near_own_group"] == 0


def test_frames_of_one_clip_on_both_sides_are_found():
    points, groups = clips(100, 3)
    _, table, told = told_of(prints_of(points, groups), np.arange(300) % 3 == 0)
    assert table["features_same_group"].all() and table["flagged"].all()
    assert (told["flagged"], told["near_own_group"], told["groups_near_others"]) == (100, 100, 0)
    assert told["leaks"] and not told["excess"]


def test_clips_that_come_back_under_another_name_are_an_excess():
    points, groups = clips(100, 3)
    is_test = groups.astype(int) >= 70
    points[210:240] = points[:30] + 0.05  # ten clips again
    _, table, told = told_of(prints_of(points, groups), is_test)
    assert told["near_own_group"] == 0 and told["groups_near_others"] >= 10
    assert told["excess"] and told["leaks"] and told["chance"] < 1e-3
    assert table["flagged"].to_numpy()[:30].all()


def test_a_split_by_chance_of_clips_without_a_leak_is_seldom_blamed():
    points, groups = clips(90, 3)
    points += np.random.default_rng(1).normal(0, 10, (18, 8)).repeat(15, axis=0)  # some clips are of one signer
    prints, blamed = prints_of(points / 4, groups), 0
    for seed in range(60):
        tested = np.random.default_rng(seed).permutation(90)[:27]
        blamed += told_of(prints, np.isin(groups.astype(int), tested))[2]["leaks"]
    assert blamed <= 4


def test_equal_and_mirrored_pixels_are_told_apart_and_always_leak():
    points, groups = clips(40, 1)
    prints = prints_of(points, groups)
    prints.pixels[0, 30], prints.pixels[1, 31] = prints.pixels[0, 3], prints.pixels[0, 4]
    _, table, told = told_of(prints, np.arange(40) >= 30)
    assert table["exact"].tolist() == ["equal", "mirrored", *[""] * 8]
    assert (told["equal"], told["mirrored"]) == (1, 1) and told["leaks"]


def test_without_a_second_group_only_equal_pixels_are_found():
    points, _ = clips(12, 1)
    prints = prints_of(points, ["one"] * 12)
    calibration, table, told = told_of(prints, np.arange(12) >= 8)
    assert calibration.thresholds == {"hash": 0.0, "features": 0.0}
    assert not table["flagged"].any() and not told["leaks"]


def test_the_closest_pairs_come_first_and_name_the_nearer_measure():
    points, groups = clips(40, 1)
    points[30] = points[5] + 0.01
    prints = prints_of(points, groups)
    prints.vectors["hash"][0, 31] = prints.vectors["hash"][0, 7]
    calibration, table, _ = told_of(prints, np.arange(40) >= 30)
    assert worst(table, calibration, 2) in ([(0, 5), (1, 7)], [(1, 7), (0, 5)])
    assert len(worst(table, calibration, 24)) == 10
