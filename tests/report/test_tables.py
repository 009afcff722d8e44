import pandas as pd
import pytest

from pipeline.report.layout import as_rows, mean_and_sd
from pipeline.report.tables import (
    add_absent,
    add_literature,
    add_published,
    as_metrics,
    measure_cell,
    recall_columns,
    summarise,
)


def measured(values):
    """Measured cells of one row and column, one per seed."""
    cell = {"row": 0, "source": "s", "method": "m", "column": "5", "test_images": 9}
    return pd.DataFrame([cell | {"accuracy": value, "macro_recall": value / 2} for value in values])


def test_a_cell_is_the_mean_and_the_sample_sd_over_seeds():
    summary = summarise(measured([40.0, 44.0]))
    assert summary.loc[0, ["accuracy", "macro_recall", "seeds", "test_images"]].tolist() == [42.0, 21.0, 2, 9]
    assert summary["accuracy_sd"][0] == pytest.approx(8**0.5)  # sqrt(((-2)^2 + 2^2) / (2 - 1))
    assert as_rows(summary, {}, {}).loc[0, ["seeds", "5"]].tolist() == ["2", "42.00 ± 2.83"]


def test_one_seed_claims_no_spread():
    assert mean_and_sd(80.62, float("nan")) == "80.62"
    assert as_rows(summarise(measured([80.62])), {}, {})["5"][0] == "80.62"


def test_accuracy_counts_every_test_image_and_recall_every_class():
    predictions = pd.DataFrame({"label": [0, 0, 0, 2], "predicted": [0, 0, 0, 0]})
    assert measure_cell(predictions) == {"accuracy": 75.0, "macro_recall": 50.0, "test_images": 4}


def test_metrics_name_each_cell_by_its_row_and_column():
    summary = summarise(pd.concat([measured([40.0, 44.0]), measured([1.0]).assign(column="all")]))
    assert as_metrics(summary) == {
        "s": {"m": {"5": {"accuracy": 42, "macro_recall": 21}, "all": {"accuracy": 1, "macro_recall": 0.5}}}
    }


def cells_of(columns, rows=10):
    """Measured cells of the first rows of a table."""
    cells = [measured([1.0]).assign(row=row, source=f"s{row}", column=name) for name in columns for row in range(rows)]
    return summarise(pd.concat(cells, ignore_index=True))


def test_the_papers_values_stand_in_the_row_and_column_of_the_paper():
    summary, beside = add_published(cells_of(["10", "all"]), "8")
    table = as_rows(summary, beside, {})
    headings = [heading for size in ("5", "10", "20", "all") for heading in (size, f"{size} (paper)")]
    assert list(table) == ["source", "method", "seeds", *headings]
    assert table["10 (paper)"][1] == "54.16"  # ReACGAN pretrain, 10 samples
    assert table["all (paper)"].tolist()[::9] == ["80.62", "72.52"]


def test_a_cell_that_was_not_run_is_empty_and_says_why():
    summary, beside = add_published(cells_of(["10", "40", "all"]), "8")
    table = as_rows(summary, beside, {})
    assert (table["20"] == "").all() and (table["10"] == "1.00").all()
    assert list(table)[3:] == ["5", "5 (paper)", "10", "10 (paper)", "20", "20 (paper)", "40", "all", "all (paper)"]
    reasons = summary.set_index(["source", "column"])["reason"]
    assert reasons["s3", "20"] == "20 is not among this study's columns (params.yaml)" and reasons["s3", "10"] == ""


def test_data_sets_stand_in_the_papers_order_whatever_their_names():
    summary, beside = add_published(cells_of(["mine"], rows=4), "7")
    assert as_rows(summary, beside, {})["mine (paper)"].tolist() == ["80.62", "85.15", "77.43", "72.52"]
    summary, beside = add_published(cells_of(["mine"]), "5")
    table = as_rows(summary, beside, {})
    assert list(table)[3:] == ["mine", "mine (paper)", "HaGRID", "HaGRID (paper)"]
    assert table["HaGRID (paper)"][9] == "90.00" and table["HaGRID"][9] == ""


def test_the_literature_stands_below_ours_with_its_citations():
    summary, further = add_literature(cells_of(["mine"], rows=3))
    table = as_rows(summary, {}, further)
    assert table["mine"].tolist() == ["1.00"] * 3 + [""] * 7
    assert table["RWTH (published)"].tolist()[3:] == ["80.6", "85.3", "85.2", "82.8", "84.3", "80.3", "62.8"]
    assert table["RWTH (published)"][:3].eq("").all() and table["citation"][8].startswith("Camgoz et al., SubUNets")
    assert (summary["reason"] != "").tolist() == [False] * 3 + [True] * 7


def test_rows_of_unequal_seeds_say_so():
    cells = pd.concat([measured([1.0]), measured([1.0, 2.0, 3.0]).assign(column="all")])
    assert as_rows(summarise(cells), {}, {})["seeds"].tolist() == ["1 to 3"]


def test_rows_and_columns_keep_the_order_of_the_paper():
    cells = pd.concat(
        [
            measured([1.0]).assign(row=row, source=source, column=column)
            for column in ("5", "20", "all")
            for row, source in ((10, "z"), (2, "a"))
        ],
        ignore_index=True,
    )
    table = as_rows(summarise(cells), {}, {})
    assert list(table) == ["source", "method", "seeds", "5", "20", "all"]
    assert table["source"].tolist() == ["a", "z"]


def test_the_table_of_rivals_has_macro_recall_and_says_what_was_not_asked_for():
    summary = cells_of(["5", "all"], rows=2)
    summary = add_absent(summary[~((summary["row"] == 1) & (summary["column"] == "5"))])
    table = as_rows(summary, {}, recall_columns(summary))
    assert list(table) == ["source", "method", "seeds", "5", "all", "5 macro-recall", "all macro-recall"]
    assert table.to_numpy().tolist() == [
        ["s0", "m", "1", "1.00", "1.00", "0.50", "0.50"],
        ["s1", "m", "1", "", "1.00", "", "0.50"],
    ]
    (absent,) = summary[summary["seeds"] == 0].to_dict("records")
    assert absent["source"] == "s1" and "largest size" in absent["reason"]
    assert (summary[summary["seeds"] > 0]["reason"] == "").all()
