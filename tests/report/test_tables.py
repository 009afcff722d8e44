import pandas as pd
import pytest

from pipeline.report.tables import add_published, as_metrics, lay_out, mean_and_sd, measure_cell, summarise


def measured(values):
    """Measured cells of one row and column, one per seed."""
    cell = {"row": 0, "source": "s", "method": "m", "column": "5", "test_images": 9}
    return pd.DataFrame([cell | {"accuracy": value, "macro_recall": value / 2} for value in values])


def test_a_cell_is_the_mean_and_the_sample_sd_over_seeds():
    summary = summarise(measured([40.0, 44.0]))
    assert summary.loc[0, ["accuracy", "macro_recall", "seeds", "test_images"]].tolist() == [42.0, 21.0, 2, 9]
    assert summary["accuracy_sd"][0] == pytest.approx(8**0.5)  # sqrt(((-2)^2 + 2^2) / (2 - 1))
    assert lay_out(summary, ["5"])["5"][0] == "42.00 ± 2.83"


def test_one_seed_claims_no_spread():
    assert mean_and_sd(80.62, float("nan")) == "80.62"
    assert lay_out(summarise(measured([80.62])), ["5"])["5"][0] == "80.62"


def test_accuracy_counts_every_test_image_and_recall_every_class():
    predictions = pd.DataFrame({"label": [0, 0, 0, 2], "predicted": [0, 0, 0, 0]})
    assert measure_cell(predictions) == {"accuracy": 75.0, "macro_recall": 50.0, "test_images": 4}


def test_metrics_name_each_cell_by_its_row_and_column():
    summary = summarise(pd.concat([measured([40.0, 44.0]), measured([1.0]).assign(column="all")]))
    assert as_metrics(summary) == {
        "s": {"m": {"5": {"accuracy": 42, "macro_recall": 21}, "all": {"accuracy": 1, "macro_recall": 0.5}}}
    }


def test_the_papers_values_stand_in_the_row_and_column_of_the_paper():
    rows = [("a", "m")] * 10
    table = pd.DataFrame(rows, columns=["source", "method"]).assign(**{"10": "x", "all": "y"})
    beside = add_published(table, "8", ["10", "all"])
    assert list(beside) == ["source", "method", "10", "10 (paper)", "all", "all (paper)"]
    assert beside["10 (paper)"][1] == "54.16"  # ReACGAN pretrain, 10 samples
    assert beside["all (paper)"].tolist()[::9] == ["80.62", "72.52"]


def test_rows_and_columns_keep_the_order_of_the_paper():
    cells = pd.concat(
        [
            measured([1.0]).assign(row=row, source=source, column=column)
            for column in ("20", "5", "all")
            for row, source in ((10, "z"), (2, "a"))
        ],
        ignore_index=True,
    )
    table = lay_out(summarise(cells), ["5", "20", "all"])
    assert list(table) == ["source", "method", "5", "20", "all"]
    assert table["source"].tolist() == ["a", "z"]
