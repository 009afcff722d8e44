import json

import pytest

from pipeline.data.document import NUMBER_OR_NONE, read_document
from pipeline.stage import WrongInput

SHAPE = {"name": str, "sources": {str: {"mean": NUMBER_OR_NONE}}, "refused": [{"file": str}]}
GOOD = {"name": "a", "sources": {"real": {"mean": 1.5}, "gan": {"mean": None}}, "refused": [], "further": 1}


def test_a_document_of_the_shape_comes_as_it_is(tmp_path):
    (tmp_path / "d.json").write_text(json.dumps(GOOD))
    assert read_document(tmp_path / "d.json", SHAPE) == GOOD


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": 1}, r"it\['name'\] is of type int; expected str"),
        ({"sources": []}, r"it\['sources'\] is of type list; expected dict"),
        ({"sources": {"gan": {}}}, r"it\['sources'\]\['gan'\] has no 'mean'"),
        ({"sources": {"gan": {"mean": "1"}}}, "expected int or float or NoneType"),
        ({"refused": [{"file": "a"}, {"file": None}]}, r"it\['refused'\]\['1'\]\['file'\] is of type NoneType"),
        ({"name": "\ud800"}, "not whole JSON"),
    ],
)
def test_the_first_part_of_another_shape_is_named_with_its_file(tmp_path, changed, said):
    (tmp_path / "d.json").write_text(json.dumps(GOOD | changed))
    with pytest.raises(WrongInput, match=rf"d\.json: .*{said}.*; delete it and run Snakemake again"):
        read_document(tmp_path / "d.json", SHAPE)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path, content):
    (tmp_path / "d.json").write_bytes(content)
    with pytest.raises(WrongInput, match=r"d\.json: not whole JSON"):
        read_document(tmp_path / "d.json", SHAPE)
    with pytest.raises(WrongInput, match=r"none\.json: no such file"):
        read_document(tmp_path / "none.json", SHAPE)
