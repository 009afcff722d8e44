import pytest

from pipeline.data.manifest import COLUMNS, read_manifest
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


@pytest.mark.parametrize(("read", "columns"), [(read_manifest, COLUMNS), (read_key, ["image", "source", "class"])])
def test_manifests_and_keys_are_refused_without_a_column(tmp_path, read, columns):
    (tmp_path / "t.csv").write_text(",".join(columns[1:]) + "\n")
    with pytest.raises(WrongInput, match=rf"t\.csv: .*expected {', '.join(columns)}"):
        read(tmp_path / "t.csv")
    with pytest.raises(WrongInput, match=r"none\.csv: no such table"):
        read(tmp_path / "none.csv")
