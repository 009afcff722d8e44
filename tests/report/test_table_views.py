import pandas as pd
import pytest

from pipeline.report.table_views import OURS, PAPER, TOLD, best_rows, view_of

NAMES = {"target": "t", "gestures": "g", "source": "o"}


@pytest.mark.parametrize(
    ("heading", "best"),
    [
        ("all", {1}),
        ("FID", {0}),
        ("KID (lite0)", {0}),
        ("FD-lite0", {0}),
        ("Fréchet (paper)", {0}),
        ("Fiddle", {1}),
    ],
)
def test_the_best_is_the_largest_and_of_distances_the_smallest(heading, best):
    # As text, 9 would be the largest.
    assert best_rows(["9.00 ± 90.00", "10.00 ± 0.10", ""], heading) == best


def test_equals_are_all_best_and_one_value_is_not():
    assert best_rows(["3.50", "3.50 ± 1.00", "3.49"], "all") == {0, 1}
    assert best_rows(["3.50", "", "none"], "all") == set()


def view(tmp_path, cells, long):
    cells.to_csv(tmp_path / "t.csv", index=False)
    long.to_csv(tmp_path / "l.csv", index=False)
    return view_of("8", tmp_path / "t.csv", tmp_path / "l.csv", NAMES)


def long_of(*rows):
    return pd.DataFrame(rows, columns=["source", "method", "column", "seeds", "reason"])


def test_each_reason_stands_once_and_at_its_own_cells(tmp_path):
    cells = pd.DataFrame(
        {"source": ["a", "a", "b"], "method": ["m", "n", "m"], "5": ["", "1.0", ""], "all": ["", "2", "3"]}
    )
    long = long_of(
        ["a", "m", "5", 0, "few"], ["a", "m", "all", 0, "late"], ["b", "m", "5", 0, "few"], ["a", "n", "5", 2, ""]
    )
    shown = view(tmp_path, cells, long)
    assert shown.notes == ["few", "late"]
    assert [[cell.note for cell in own] for _, _, own in shown.rows] == [[1, 2], [None, None], [1, None]]


def test_the_caption_tells_over_how_many_seeds(tmp_path):
    cells = pd.DataFrame({"source": ["a"], "method": ["m"], "5": ["1.0"]})
    for counts, words in (
        ([2, 2], "over 2 seeds"),
        ([0, 1], "One seed"),
        ([3, 1, 0], "over 1 to 3 seeds"),
        ([0], "No cell"),
    ):
        long = long_of(*(["a", "m", "5", count, ""] for count in counts))
        assert words in view(tmp_path, cells, long).caption


def test_a_column_of_the_paper_belongs_to_the_heading_it_stands_beside(tmp_path):
    cells = pd.DataFrame({"source": ["a"], "method": ["m"], "5": [""], "5 (paper)": ["1"], "all (paper)": ["2"]})
    shown = view(tmp_path, cells, long_of(["a", "m", "5", 0, "few"]))
    assert shown.headings == [("5", [OURS, PAPER]), ("all", [PAPER])] and shown.beside_paper


def test_what_is_no_measure_is_neither_best_nor_missing(tmp_path):
    cells = pd.DataFrame(
        {
            "source": ["t", "t", "VGG16"],
            "method": ["m", "n", ""],
            "seeds": ["2", "1", ""],
            "t": ["80.00", "70.00", ""],
            "RWTH (published)": ["", "", "82.8"],
            "citation": ["", "", "2017"],
        }
    )
    shown = view(
        tmp_path, cells, long_of(["t", "m", "t", 2, ""], ["t", "n", "t", 1, ""], ["VGG16", "", "t", 0, "theirs"])
    )
    assert [kinds for _, kinds in shown.headings] == [[TOLD], [OURS], [PAPER], [TOLD]]
    assert shown.notes == ["theirs"]
    assert [[cell.best for cell in own] for _, _, own in shown.rows] == [
        [False, True, False, False],
        *[[False] * 4] * 2,
    ]


def test_real_images_are_the_yardstick_of_quality_and_not_the_best(tmp_path):
    cells = pd.DataFrame(
        {
            "source": "t",
            "method": ["real training images", "x", "y"],
            "FD-lite0": ["1.00 [0.50, 1.50]", "3.00 ± 1.00 [2.00, 4.00]", "9.00"],
        }
    )
    shown = view(tmp_path, cells, long_of(["t", "x", "FD-lite0", 2, ""]))
    assert [own[0].best for _, _, own in shown.rows] == [False, True, False]
    assert [(own[0].value, own[0].interval) for _, _, own in shown.rows][1:] == [
        ("3.00 ± 1.00", "[2.00, 4.00]"),
        ("9.00", ""),
    ]
