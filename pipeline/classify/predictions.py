"""Predictions of a classifier, results/predictions/*.csv, as those read them who count hits."""

from pipeline.data.table import check_labels, read_table
from pipeline.stage import WrongInput

COLUMNS = ["file_name", "group", "class", "label", "predicted"]


def read_predictions(path):
    """Return a table of COLUMNS, a row per test image, labels as whole numbers; raise WrongInput for anything else."""
    table = read_table(path, COLUMNS, only=True, numbers={"label": int, "predicted": int})
    if table.empty:
        raise WrongInput(f"{path}: no row; expected one per test image; delete it and run Snakemake again")
    check_labels(path, table, ["label", "predicted"])
    return table
