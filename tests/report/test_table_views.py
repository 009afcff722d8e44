import pandas as pd
import pytest

from pipeline.report.table_views import best_rows, view_of

NAMES = {"target": "t", "gestures": "g", "source": "o"}


@pytest.mark.parametrize(
    ("heading", "best"),
    [("all", {1}), ("FID", {0}), ("KID (lite0)", {0}), ("Fréchet (paper)", {0}), ("x (↓)", {0}), ("Fiddle", {1})],
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
    shown = view(tmp_path, cells, long_of())
    assert shown.headings == [("5", True, True), ("all", False, True)] and shown.beside_paper
