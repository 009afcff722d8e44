import hashlib
from pathlib import Path

import pytest

from pipeline.data.files import replacing
from pipeline.stage import WrongInput, stage_arguments
from pipeline.sums import expect_whole, sum_file


@pytest.fixture
def artifact(tmp_path):
    path = tmp_path / "results" / "crops" / "signs.zip"
    with replacing(path) as beside:
        beside.write_bytes(b"hands")
    return path


def test_a_sum_is_the_files_sha256_in_a_place_of_its_own(artifact, tmp_path):
    place = tmp_path / "results" / ".sums" / "crops" / "signs.zip.sha256"
    assert place.read_text().strip() == hashlib.sha256(b"hands").hexdigest()
    assert [path.name for path in artifact.parent.iterdir()] == ["signs.zip"]
    expect_whole(artifact)


def test_a_changed_file_is_named_with_the_remedy_and_a_new_one_is_whole(artifact):
    artifact.write_bytes(b"hands!")
    with pytest.raises(WrongInput, match=r"signs\.zip: damaged, or changed .*delete it and run Snakemake"):
        expect_whole(artifact)
    with replacing(artifact) as beside:
        beside.write_bytes(b"new hands")
    expect_whole(artifact)


def test_a_stage_looks_at_what_it_is_given_and_not_at_what_it_makes(artifact, tmp_path):
    out = tmp_path / "results" / "images" / "x.zip"
    with replacing(out) as beside:
        beside.write_bytes(b"old")
    out.write_bytes(b"torn")
    parser = stage_arguments("a stage", inputs=["crops"])
    parser.add_argument("--further", nargs="*", default=[])
    given = ["--crops", str(artifact), "--out", str(out)]
    assert parser.parse_args(given).crops == artifact
    artifact.write_bytes(b"rot")
    for rotten in (given, ["--crops", "absent", "--further", "absent", str(artifact), "--out", str(out)]):
        with pytest.raises(WrongInput, match=r"signs\.zip: damaged"):
            parser.parse_args(rotten)


@pytest.mark.parametrize("path", ["data/a.zip", "results/.state/a.pt", "results/recorded/demo/table8.csv", "results"])
def test_what_is_no_artifact_has_no_sum(path):
    assert sum_file(Path(path)) is None
