"""The table of errata against answers that are known beforehand."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from pipeline.report import errata
from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import count_hits, for_measure

GROUPS, PER_GROUP, CLASSES = 30, 10, 5


def predicted(right, seed=0):
    """Return predictions of 300 test images in 30 clips, of which this share is right, at random."""
    random = np.random.default_rng([seed, round(1000 * right)])
    labels = np.arange(GROUPS * PER_GROUP) % CLASSES
    hit = random.random(len(labels)) < right
    return pd.DataFrame(
        {
            "file_name": [f"{number:03d}.png" for number in range(len(labels))],
            "group": [f"clip{number // PER_GROUP}" for number in range(len(labels))],
            "class": [str(label) for label in labels],
            "label": labels,
            "predicted": np.where(hit, labels, (labels + 1) % CLASSES),
            "probability": 0.5,
        }
    )


def row(recipe, variant, dropped_at=None, seeds=3):
    switches = [variant] if variant else []
    cells = [f"{recipe}__{variant}-s{seed}" for seed in range(seeds)]
    return {"recipe": recipe, "variant": variant, "switches": switches, "cells": cells, "dropped_at": dropped_at}


ROWS = [
    row("reacgan-pretrain", ""),
    row("reacgan-pretrain", "dropped_last_batch", 128),
    row("reacgan-regularization", ""),
    row("reacgan-regularization", "permuted_labels"),
    row("reacgan-filtered-pretrain", ""),
    row("reacgan-filtered-pretrain", "inverted_filter"),
]
SHARES = [0.6, 0.6, 0.85, 0.2, 0.9, 0.62]


def tables(rows=ROWS, shares=SHARES):
    return {
        cell: predicted(share, seed)
        for one, share in zip(rows, shares, strict=True)
        for seed, cell in enumerate(one["cells"])
    }


def by_row():
    return [[tables()[cell] for cell in one["cells"]] for one in ROWS]


def measured():
    return errata.measure_rows(ROWS, tables())


def test_a_row_has_the_mean_over_seeds_of_all_test_images():
    table, _, _ = measured()
    made = tables()
    for one, (_, told) in zip(ROWS, table.iterrows(), strict=True):
        shares = [100 * (made[cell]["label"] == made[cell]["predicted"]).mean() for cell in one["cells"]]
        assert told["accuracy"] == pytest.approx(np.mean(shares)) and told["seeds"] == 3
        assert told["accuracy_sd"] == pytest.approx(np.std(shares, ddof=1)) and told["test_images"] == 300
        of_class = [made[one["cells"][0]].loc[lambda t, c=c: t["label"] == c] for c in range(CLASSES)]
        assert all(len(own) == 60 for own in of_class)


def test_differences_are_to_the_same_recipe_without_the_error():
    table, *_ = measured()
    known = table.set_index(["recipe", "variant"])
    wrong = known.loc[("reacgan-filtered-pretrain", "inverted_filter")]
    right = known.loc[("reacgan-filtered-pretrain", "")]
    assert wrong["accuracy_difference"] == pytest.approx(wrong["accuracy"] - right["accuracy"])
    assert -40 < wrong["accuracy_low"] < wrong["accuracy_difference"] < wrong["accuracy_high"] < -15
    assert np.isnan(right["accuracy_difference"]) and np.isnan(right["macro_recall_low"])
    # As the verdict's intervals have it, of these two alone.
    pair = {name: made for name, made in tables().items() if name.startswith("reacgan-filtered")}
    keyed = {(name.split("-s")[0], int(name[-1])): own for name, own in pair.items()}
    own = count_hits(keyed)
    first = own.recipes.index("reacgan-filtered-pretrain__inverted_filter")
    alone = differences(spread(for_measure(own, "macro_recall")), [first], [1 - first]).interval(0.025)
    assert [wrong["macro_recall_low"], wrong["macro_recall_high"]] == pytest.approx([end[0, 0] for end in alone])


def test_only_what_the_released_code_counts_is_printed_and_all_images_divide_it():
    table, _, _ = measured()
    printed = table["printed"].tolist()
    assert [np.isnan(value) for value in printed] == [True, False, True, True, True, True]
    made = [tables()[cell] for cell in ROWS[1]["cells"]]
    hits = [(own["label"] == own["predicted"])[:256].sum() for own in made]
    assert printed[1] == pytest.approx(100 * np.mean(hits) / 300)
    perfect = [row("real", ""), row("real", "dropped_last_batch", 128)]
    both = errata.measure_rows(perfect, tables(perfect, [1, 1]))[0]
    assert both["accuracy"].tolist() == [100, 100] and both["printed"][1] == pytest.approx(100 * 256 / 300)


def test_the_sentences_say_what_the_intervals_do():
    _, counts, spreads = measured()
    told = errata.questions(counts, spreads)
    assert list(told) == [
        "reacgan-filtered-pretrain",
        "reacgan-filtered-pretrain or all",
        "reacgan-regularization",
        "reacgan-regularization permuted_labels",
    ]
    assert [one["sentence"].rsplit(": ", 1)[1] for one in told.values()] == [
        "it does better.",
        "it does better.",
        "it does better.",
        "it does worse.",
    ]
    filtered, regularized = (told[f"reacgan-{name}"]["sentence"] for name in ("filtered-pretrain", "regularization"))
    assert filtered.startswith("reacgan-filtered-pretrain, which keeps the best-scored images, is ")
    means = [np.mean([(own["label"] == own["predicted"]).mean() for own in seeds]) for seeds in by_row()]
    gain = 100 * (means[4] - means[5])
    assert f"is {gain:.1f} points of accuracy above reacgan-filtered-pretrain with inverted_filter (95 %" in filtered
    unfiltered = told["reacgan-filtered-pretrain or all"]["sentence"]
    assert f"is {100 * (means[4] - means[0]):.1f} points of accuracy above reacgan-pretrain (95 % interv" in unfiltered
    assert (
        f"is {100 * (means[2] - means[0]):.1f} points of accuracy above reacgan-pretrain (95 % interval" in regularized
    )
    assert "; 3 seeds)" in told["reacgan-regularization"]["sentence"]
    same = [row("reacgan-pretrain", ""), row("reacgan-filtered-pretrain", "")]
    _, counts, spreads = errata.measure_rows(same, tables(same, [0.7, 0.701]))
    (only,) = errata.questions(counts, spreads).values()
    assert only["sentence"].endswith(": no evidence either way.") and only["accuracy"]["low"] < 0


def test_with_permuted_labels_regularization_meets_pretraining_with_permuted_labels():
    rows = [row(f"reacgan-{how}", bad) for how in ("pretrain", "regularization") for bad in ("", "permuted_labels")]
    _, counts, spreads = errata.measure_rows(rows, tables(rows, [0.9, 0.3, 0.8, 0.7]))
    told = errata.questions(counts, spreads)["reacgan-regularization permuted_labels"]["sentence"]
    assert " points of accuracy above reacgan-pretrain with permuted_labels (95 %" in told
    assert told.endswith(": it does better.")


def test_a_question_without_its_rows_is_not_answered():
    rows = [row("reacgan-filtered-pretrain", ""), row("reacgan-filtered-pretrain", "unscaled_scores")]
    _, counts, spreads = errata.measure_rows(rows, tables(rows, [0.7, 0.5]))
    assert errata.questions(counts, spreads) == {}


def test_the_command_writes_text_numbers_and_sentences(tmp_path, monkeypatch):
    for cell, own in tables().items():
        own.to_csv(tmp_path / f"{cell}.csv", index=False)
    files = [str(tmp_path / f"{cell}.csv") for one in ROWS for cell in one["cells"]]
    made = {"out": "errata.csv", "long": "errata_long.csv", "sentences": "errata.json"}
    given = [part for name, file in made.items() for part in (f"--{name}", str(tmp_path / file))]
    options = ["--options", json.dumps({"rows": ROWS})]

    def contents():
        monkeypatch.setattr(sys, "argv", ["errata", *options, "--predictions", *files, *given])
        errata.main()
        return [(tmp_path / name).read_bytes() for name in made.values()]

    once = contents()
    assert once == contents()
    table = pd.read_csv(tmp_path / "errata.csv", keep_default_na=False)
    assert table["erratum"].tolist()[:2] == ["none (corrected)", "dropped_last_batch"]
    assert table["accuracy difference"][0] == "" and table["accuracy difference"][5].startswith("\N{MINUS SIGN}2")
    assert (table["accuracy as printed"] != "").tolist() == [False, True, False, False, False, False]
    long = pd.read_csv(tmp_path / "errata_long.csv", keep_default_na=False, na_values=[""])
    assert len(long) == 6 and long["accuracy_low"].isna().tolist() == [True, False, True, False, True, False]
