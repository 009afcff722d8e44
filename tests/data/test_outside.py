import os
import zipfile

import pytest

from pipeline.data.outside import folder_digest


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.png", "b/2.JPG"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "groups.csv").write_text("file,group\na/1.png,ann\n")
    return tmp_path


def test_photographs_that_come_go_or_are_renamed_and_other_labels_are_noticed(folder):
    seen = {folder_digest(folder)}
    (folder / "groups.csv").write_text("file,group\na/1.png,ben\n")
    seen.add(folder_digest(folder))
    (folder / "a/3.png").write_bytes(b"y")
    seen.add(folder_digest(folder))
    (folder / "a/3.png").rename(folder / "a/4.png")
    seen.add(folder_digest(folder))
    assert len(seen) == 4
    assert folder_digest(folder) in seen
    assert folder_digest(folder / "nowhere") == ""


@pytest.mark.parametrize("listing", ["ann_train_val/call.json", "3359-ph2014-MS-handshape-annotations.txt", "A.CSV"])
def test_a_label_corrected_in_a_listing_of_any_size_is_noticed(folder, listing):
    (folder / listing).parent.mkdir(exist_ok=True)
    (folder / listing).write_text("5" * 3_000_000)
    before = folder_digest(folder)
    (folder / listing).write_text("5" * 2_999_999 + "f")
    assert folder_digest(folder) != before


@pytest.mark.parametrize(
    "name", [".DS_Store", "a/._1.png", ".git/HEAD.txt", "NOTES.txt", "PROVENANCE.json", "UNPACKED.sha256", "Thumbs.db"]
)
def test_what_no_reader_reads_concerns_nobody(folder, name):
    before = folder_digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text('{"fetched": "today"}')
    assert folder_digest(folder) == before


def test_links_in_a_circle_and_to_nothing_end_no_plan(folder):
    before = folder_digest(folder)
    for name in ("a", "b"):
        os.symlink("..", folder / name / ".up")
    assert folder_digest(folder) == before
    os.symlink("gone.csv", folder / "labels.csv")
    os.symlink("..", folder / "a/up")
    assert "by a link" in folder_digest(folder)


def test_a_damaged_archive_ends_no_plan(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/1.png", b"x")
    whole = folder_digest(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"PK\x01\x02", b"XXXX"))
    assert zipfile.is_zipfile(tmp_path / "a.zip") and folder_digest(tmp_path / "a.zip") not in ("", whole)
