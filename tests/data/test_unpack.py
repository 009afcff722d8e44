import bz2
import gzip
import random
import resource
import stat
import subprocess
import sys
import tarfile
import zipfile

import pytest
from archives import make_tar, make_zip
from conftest import ROOT

from pipeline.data.provenance import PROVENANCE
from pipeline.data.unpack import LISTING, Limits, unpack, verify
from pipeline.stage import WrongInput

LIMITS = Limits()
FILES = {"top/a/1.png": b"one" * 1000, "top/b/2.png": bytes(range(256)), "top/notes.txt": b""}


def tar_of(path, **fields):
    """A tar archive of one good file and one entry with these fields."""
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
        odd = tarfile.TarInfo("odd")
        for name, value in fields.items():
            setattr(odd, name, value)
        archive.addfile(odd)
    return path


def refused(archive, folder, said, limits=LIMITS):
    """Expect one line that names the archive, and nothing on the disk."""
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(WrongInput, match=said) as wrong:
        unpack(archive, folder, limits, {})
    assert archive.name in str(wrong.value) and "\n" not in str(wrong.value)
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_every_kind_gives_the_same_files_without_their_shared_folder(tmp_path, kind):
    files = FILES | {"__MACOSX/top/._x": b"fork", "top/.DS_Store": b"finder"}
    archive = make_zip(tmp_path / "x", files) if kind == "zip" else make_tar(tmp_path / "x", files, kind)
    assert unpack(archive, tmp_path / "out", LIMITS, {"licence": "none"}) == (3, 3256)
    found = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*")}
    assert {name for name, path in found.items() if path.is_file()} == {
        "a/1.png",
        "b/2.png",
        "notes.txt",
        LISTING,
        PROVENANCE,
    }
    assert found["b/2.png"].read_bytes() == bytes(range(256))
    assert not any(path.stat().st_mode & 0o111 for path in found.values() if path.is_file())
    assert '"licence": "none"' in found[PROVENANCE].read_text()
    # Another program reads the listing.
    subprocess.run(["sha256sum", "--check", "--strict", LISTING], cwd=tmp_path / "out", check=True, capture_output=True)


@pytest.mark.parametrize(
    "name",
    ["../x.png", "a/../../x.png", "/etc/x.png", "C:/x.png", "c:x.png", "..\\x.png", "a/\x07.png", "n" * 300],
)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_names_that_lead_elsewhere_are_refused(tmp_path, make, name):
    archive = make(tmp_path / "bad", {"good.png": b"", name: b"x"})
    refused(archive, tmp_path / "in" / "out", "not a name below a folder")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a/x.png", "a/./x.png"], "would overwrite"),
        (["a/x.png", "a/X.png"], "would overwrite"),
        (["a/é.png", "a/e\u0301.png"], "would overwrite"),
        (["a", "a/x.png"], "would overwrite"),
        (["a/x.png", "A"], "would overwrite"),
        ([PROVENANCE], "would overwrite"),
    ],
)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_two_files_of_one_name_are_refused(tmp_path, make, names, said):
    refused(make(tmp_path / "bad", dict.fromkeys(names, b"x")), tmp_path / "out", said)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        archive.writestr("a/x.png", b"first")
        archive.writestr("a/x.png", b"second")
    refused(tmp_path / "bad", tmp_path / "out", "would overwrite 'a/x.png'")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "a.png"},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"type": tarfile.BLKTYPE},
        {"type": tarfile.FIFOTYPE},
    ],
)
def test_links_and_devices_in_a_tar_archive_are_refused(tmp_path, fields):
    refused(tar_of(tmp_path / "bad", **fields), tmp_path / "out", "'odd': a link or device")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_archive_are_refused(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        info = zipfile.ZipInfo("odd")
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "bad", tmp_path / "out", "'odd': a link or device")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_bombs_are_refused_before_they_go_off(tmp_path, make):
    bomb = make(tmp_path / "bomb", {"zeros": bytes(3_000_000)})
    refused(bomb, tmp_path / "out", r"more than \d+ bytes \(100 times its own size")
    refused(bomb, tmp_path / "out", "at most 0.001 GB", Limits(size=1_000_000, ratio=1e6))
    many = make(tmp_path / "many", {f"{number}.png": b"" for number in range(30)})
    refused(many, tmp_path / "out", "more than 20 files", Limits(entries=20, ratio=1e6))


def test_a_header_that_claims_a_name_of_gigabytes_is_not_read(tmp_path):
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 3_000_000_000
    with gzip.open(tmp_path / "bad", "wb") as file:
        file.write(long_name.tobuf() + bytes(10_000))
    refused(tmp_path / "bad", tmp_path / "out", "a header of 3000")


def test_an_archive_inside_an_archive_stays_a_file(tmp_path):
    inner = make_zip(tmp_path / "inner.zip", {"../x": b"x"}).read_bytes()
    unpack(make_zip(tmp_path / "x", {"a/inner.zip": inner, "a/1.png": b""}), tmp_path / "out", LIMITS, {})
    assert (tmp_path / "out" / "inner.zip").read_bytes() == inner


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97, 0.999])
def test_a_cut_archive_is_refused_wherever_it_was_cut(tmp_path, kind, share):
    files = {f"{number}.png": random.Random(number).randbytes(700 + number) for number in range(40)}
    archive = make_zip(tmp_path / "x", files) if kind == "zip" else make_tar(tmp_path / "x", files, kind)
    data = archive.read_bytes()
    # A tar archive ends with zeros; what is cut there is nothing.
    end = len(data.rstrip(b"\0")) if kind == "w" else len(data)
    archive.write_bytes(data[: int(share * end)])
    refused(archive, tmp_path / "in" / "out", "cut|damaged|neither")


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_a_byte_changed_in_the_middle_is_found(tmp_path, kind):
    files = {f"{number}.png": random.Random(number).randbytes(2000) for number in range(9)}
    archive = make_zip(tmp_path / "x", files) if kind == "zip" else make_tar(tmp_path / "x", files, kind)
    data = bytearray(archive.read_bytes())
    if kind == "w":  # without checksums of content, only a header can be seen to be wrong
        data[2 * (512 + 2048) + 3] ^= 8
    else:
        data[len(data) // 2] ^= 8
    archive.write_bytes(data)
    refused(archive, tmp_path / "in" / "out", "cut|damaged")


def test_an_encrypted_archive_is_refused(tmp_path):
    data = bytearray(make_zip(tmp_path / "x", {"a.png": b"secret"}).read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    (tmp_path / "x").write_bytes(data)
    refused(tmp_path / "x", tmp_path / "out", "encrypted")


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><title>404</title>", b"", bz2.compress(b"no tar"), b"PK\x05\x06"])
def test_what_is_no_archive_is_named(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    refused(tmp_path / "x.zip", tmp_path / "out", "neither ZIP nor tar|cut or damaged|holds no file")


def test_what_is_there_is_never_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.png").write_bytes(b"mine")
    archive = make_zip(tmp_path / "x", FILES)
    refused(archive, tmp_path / "out", "is there already")
    assert (tmp_path / "out" / "mine.png").read_bytes() == b"mine"


def test_verify_names_a_file_that_changed_or_went(tmp_path):
    unpack(make_zip(tmp_path / "x", FILES), tmp_path / "out", LIMITS, {})
    assert verify(tmp_path / "out") == 3
    (tmp_path / "out" / "a" / "1.png").write_bytes(b"two")
    with pytest.raises(WrongInput, match=r"a/1\.png: missing or changed .* 0 other files of 3"):
        verify(tmp_path / "out")
    (tmp_path / "out" / "b" / "2.png").unlink()
    with pytest.raises(WrongInput, match="1 other files of 3"):
        verify(tmp_path / "out")


def test_the_command_takes_limits_and_says_what_came(tmp_path):
    make_zip(tmp_path / "x.zip", FILES)
    call = [sys.executable, "-m", "pipeline.data.unpack", tmp_path / "x.zip", tmp_path / "out"]
    done = subprocess.run([*call, "--max-entries", "2"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "3 files" in done.stdout and (tmp_path / "out" / "notes.txt").exists()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    archive = make_zip(tmp_path / "x.zip", {"a.png": random.Random(0).randbytes(200_000)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(WrongInput, match="no room is left"):
            unpack(archive, tmp_path / "out", LIMITS, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_a_zip_archive_whose_members_begin_before_it_is_refused(tmp_path):
    archive = make_zip(tmp_path / "x.zip", FILES)
    data = bytearray(archive.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 16 : end + 20] = (int.from_bytes(data[end + 16 : end + 20], "little") + 5000).to_bytes(4, "little")
    archive.write_bytes(data)
    refused(archive, tmp_path / "out", "cut or damaged")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_file_without_a_name_is_refused(tmp_path, make):
    refused(make(tmp_path / "x", {"a.png": b"x", "": b"y"}), tmp_path / "out", "not a name below a folder")


def test_a_damaged_listing_does_not_verify(tmp_path):
    unpack(make_zip(tmp_path / "x", FILES), tmp_path / "out", LIMITS, {})
    for line in ("no hash", "", "0" * 64 + "  " + "x" * 5000, "0" * 64 + "  a\0b"):
        (tmp_path / "out" / LISTING).write_text(line + "\n")
        with pytest.raises(WrongInput, match="missing or changed"):
            verify(tmp_path / "out")
