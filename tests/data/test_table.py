import numpy as np
import pytest

from pipeline.claims.convergence import read_history
from pipeline.classify.predictions import read_predictions
from pipeline.data.manifest import COLUMNS, read_manifest
from pipeline.data.split import read_split
from pipeline.data.subset import read_rows
from pipeline.data.table import read_table
from pipeline.rating.key import read_key
from pipeline.stage import WrongInput


def test_fields_stay_as_they_stand_there(tmp_path):
    (tmp_path / "t.csv").write_text('class,group\n1,007\nnan,\n"a, b","""x"""\n')
    assert read_table(tmp_path / "t.csv", ["group"]).to_numpy().tolist() == [["1", "007"], ["nan", ""], ["a, b", '"x"']]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a CSV file"),
        (b"\xff\xfe\x00", "not a CSV file"),
        (b'a,b\n1,"2\n', "not a CSV file"),
        (b"a,b\n1,2\n1,2,3\n", "not a CSV file"),
        (b"a,c\n1,2\n", "columns a, c; expected a, b"),
        # pandas would shift the fields of both rows.
        (b"a,b\n1,2,3\n4,5,6\n", "as many fields"),
    ],
)
def test_what_is_no_such_table_is_named(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(WrongInput, match=rf"t\.csv: .*{said}.*run Snakemake again"):
        read_table(tmp_path / "t.csv", ["a", "b"])


def test_numbers_are_numbers_and_an_empty_float_is_none(tmp_path):
    (tmp_path / "t.csv").write_text("class,label,loss\n1,7,0.1\nnan,8,\n")
    table = read_table(tmp_path / "t.csv", ["class", "label", "loss"], numbers={"label": int, "loss": float})
    assert table["class"].tolist() == ["1", "nan"] and table["label"].tolist() == [7, 8]
    assert table["loss"][0] == 0.1 and np.isnan(table["loss"][1])
    for cells in ("1,7.5,0.1", "1,,0.1", "1,x,0.1", "1,7,x"):
        (tmp_path / "t.csv").write_text(f"class,label,loss\n{cells}\n")
        with pytest.raises(WrongInput, match=r"t\.csv: not a CSV file"):
            read_table(tmp_path / "t.csv", ["class"], numbers={"label": int, "loss": float})


PREDICTED = "file_name,group,class,label,predicted\n"
ROWS = "file_name,class,label,group,part\n"
SPLIT = "name,part,class,label,group\n"


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (read_predictions, PREDICTED, "no row"),
        (read_predictions, PREDICTED + "a,g,x,0,-1\n", "row 1: predicted -1; expected 0 to"),
        (read_predictions, PREDICTED + "a,g,x,0,1\na,g,x,100000000000,1\n", "row 2: label 100000000000; expected 0"),
        (read_predictions, PREDICTED.replace("label", "labels") + "a,g,x,0,1\n", "expected file_name, group"),
        (read_rows, ROWS + "a,x,0,g,fitt\n", "row 1: part 'fitt'; expected fit or val"),
        (read_split, SPLIT + "a,val,x,0,g\n", "row 1: part 'val'; expected train or test"),
        (read_split, SPLIT, "no row"),
        (read_history, "phase,train_accuracy\npretrain,0.5\n", "no epoch of phase train"),
    ],
)
def test_what_others_count_with_is_refused_by_name_and_row(tmp_path, read, content, said):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(WrongInput, match=rf"t\.csv.*{said}.*run Snakemake again"):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize(("read", "columns"), [(read_manifest, COLUMNS), (read_key, ["image", "source", "class"])])
def test_manifests_and_keys_are_refused_without_a_column(tmp_path, read, columns):
    (tmp_path / "t.csv").write_text(",".join(columns[1:]) + "\n")
    with pytest.raises(WrongInput, match=rf"t\.csv: .*expected {', '.join(columns)}"):
        read(tmp_path / "t.csv")
    with pytest.raises(WrongInput, match=r"none\.csv: no such table"):
        read(tmp_path / "none.csv")
