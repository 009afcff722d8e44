"""Archives from elsewhere, ZIP or tar: checked whole, then unpacked into a new folder.

    python -m pipeline.data.unpack ARCHIVE FOLDER [--max-entries N] [--max-gb X] [--max-ratio R]

An archive is refused, before a file is written, if a name leads outside the folder, if two names are one where case
does not count, if it holds a link or a device, is encrypted, cut or damaged, or holds more than the limits allow.
Archives inside it stay files. The folders that all files share are left out, and so is what macOS adds.
"""

import argparse
import bz2
import contextlib
import errno
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.data.files import replacing
from pipeline.data.provenance import PROVENANCE
from pipeline.stage import WrongInput, run_stage

LISTING = "UNPACKED.sha256"  # what was unpacked, as `sha256sum --check` reads it
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error, ValueError)
_AS_WRITTEN = {"encoding": "utf-8", "errors": "surrogateescape"}  # names that are not UTF-8 stay as they are
_BLOCK = 1 << 20
_PADDING = 1 << 24  # zeros after the end of a tar archive


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: files, bytes in all, and bytes per byte of the archive."""

    entries: int = 2_000_000
    size: int = 200_000_000_000
    ratio: float = 100


@dataclass(frozen=True)
class _Entry:
    """A file of an archive: its name there, its size as the archive claims it, and how to open it."""

    name: str
    size: int
    open: object


def unpack(archive, folder, limits, provenance):
    """Unpack `archive` into `folder`, which must be new or empty; return (files, bytes).

    The folder is whole or absent; in it lie a listing of the files with their hashes, and `provenance` as JSON.
    Raises WrongInput for an archive that is unsafe, damaged or larger than `limits`.
    """
    archive, folder = Path(archive), Path(os.path.realpath(folder))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongInput(f"{folder}: is there already; {archive.name} needs a new folder; name another")
    shared, size = _check(archive, limits)
    _check_room(archive, folder, size)
    scratch = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        files = _write_all(archive, scratch, shared)
        with replacing(scratch / PROVENANCE) as beside:
            beside.write_text(json.dumps(provenance | {"files": files, "unpacked_bytes": size}, indent=2) + "\n")
        os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return files, size


def verify(folder):
    """Return how many files of an unpacked folder there are; raise WrongInput where they are not as they were."""
    folder, wrong, count = Path(folder), [], 0
    with open(folder / LISTING, **_AS_WRITTEN) as listing:
        for line in listing:
            digest, _, name = line.rstrip("\n").partition("  ")
            path, count = folder / name, count + 1
            if not os.path.isfile(path) or file_digest(path) != digest:
                wrong.append(name)
    if wrong:
        raise WrongInput(
            f"{folder / wrong[0]}: missing or changed since it was unpacked, as are {len(wrong) - 1} other files of"
            f" {count}; move {folder} away and fetch it again"
        )
    return count


def file_digest(path):
    """Return the sha256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(archive, limits):
    """Return (folders that all files share, bytes) of an archive that may be unpacked; raise WrongInput for others."""
    taken = {LISTING.casefold(): LISTING, PROVENANCE.casefold(): PROVENANCE}
    folders, shared, entries, size = set(), None, 0, 0
    allowed = min(limits.size, limits.ratio * archive.stat().st_size)
    for entry in _entries(archive):
        parts = _parts(entry.name, archive)
        entries, size = entries + 1, size + entry.size
        if entries > limits.entries:
            raise WrongInput(f"{archive}: more than {limits.entries} files; unpack it by hand if you trust it")
        if size > allowed:
            raise WrongInput(
                f"{archive}: unpacks to more than {allowed:.0f} bytes ({limits.ratio:g} times its own size, and at most"
                f" {limits.size / 1e9:g} GB); unpack it by hand if you trust it"
            )
        _claim(archive, parts, taken, folders)
        shared = parts[:-1] if shared is None else _common(shared, parts[:-1])
    if not entries:
        raise WrongInput(f"{archive}: holds no file; fetch it again")
    return len(shared), size


def _claim(archive, parts, taken, folders):
    """Note a name; raise WrongInput where it is that of another file or folder, on a disk that ignores case too."""
    name = "/".join(parts)
    key = _key(name)
    above = [_key("/".join(parts[:end])) for end in range(1, len(parts))]
    other = taken.get(key) or (name if key in folders else next((taken[one] for one in above if one in taken), None))
    if other is not None:
        raise WrongInput(f"{archive}, {name!r}: would overwrite {other!r}; have the archive made again")
    taken[key] = name
    folders.update(above)


def _key(name):
    return unicodedata.normalize("NFC", name).casefold()


def _common(one, other):
    """Return the folders with which both paths begin."""
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _parts(name, archive):
    """Return the folders and the file of a name; raise WrongInput where it leads elsewhere than below a folder."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if (
        not parts
        or name.startswith("/")
        or ".." in parts
        or re.match(r"[A-Za-z]:", parts[0])
        or re.search(r"[\x00-\x1f\x7f\\]", name)
        or max(len(os.fsencode(part)) for part in parts) > 255
    ):
        raise WrongInput(f"{archive}, {name!r}: not a name below a folder; do not unpack this archive")
    return parts


def _of_macos(name):
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(("._", ".DS_Store"))


def _check_room(archive, folder, size):
    above = next(path for path in folder.absolute().parents if path.exists())
    free = shutil.disk_usage(above).free
    if free < size:
        raise WrongInput(f"{above}: {free / 1e9:.1f} GB free; {archive} needs {size / 1e9:.1f}; make room")


def _write_all(archive, folder, shared):
    """Write every file, without the folders that all share, and the listing; return how many they are."""
    files = 0
    with (
        replacing(folder / LISTING) as beside,
        open(beside, "x", encoding="utf-8", errors="surrogateescape") as listing,
    ):
        for entry in _entries(archive):
            name = "/".join(_parts(entry.name, archive)[shared:])
            listing.write(f"{_write(entry, folder / name, archive)}  {name}\n")
            files += 1
    return files


def _write(entry, path, archive):
    """Write one file, never over another; return its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with _named(archive), entry.open() as source, open(path, "xb") as target:
        while block := source.read(_BLOCK):
            count += len(block)
            if count > entry.size:
                raise WrongInput(f"{archive}, {entry.name!r}: larger than it claims; do not unpack this archive")
            digest.update(block)
            target.write(block)
        if count < entry.size:
            raise WrongInput(f"{archive}, {entry.name!r}: cut; fetch the archive again")
    return digest.hexdigest()


def _entries(archive):
    """Yield the files of a ZIP or tar archive, whose kind its first bytes tell, but for those that macOS adds."""
    with open(archive, "rb") as file:
        start = file.read(262 + 512)
    kind = next((opener for magic, opener in _COMPRESSED.items() if start.startswith(magic)), None)
    if start.startswith(b"PK"):
        entries = _zip_entries(archive)
    elif kind is not None or start[257:262] == b"ustar":
        entries = _tar_entries(archive, kind or open)
    else:
        raise WrongInput(f"{archive}: neither ZIP nor tar (it begins with {start[:16]!r}); fetch the archive again")
    with _named(archive):
        yield from (entry for entry in entries if not _of_macos(entry.name))


@contextlib.contextmanager
def _named(archive):
    """Turn what the libraries raise for damaged archives into one WrongInput."""
    try:
        yield
    except _DAMAGE as damage:
        raise WrongInput(f"{archive}: cut or damaged ({damage}); fetch it again") from None
    except (NotImplementedError, RuntimeError) as unknown:
        raise WrongInput(f"{archive}: of a kind that is not read here ({unknown}); unpack it by hand") from None
    except OSError as wrong:
        # Of the disk; gzip's and bz2's own have no number, and EINVAL is a place before the archive's beginning.
        if wrong.errno not in (None, errno.EINVAL):
            raise
        raise WrongInput(f"{archive}: cut or damaged ({wrong}); fetch it again") from None


def _zip_entries(path):
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & 1:
                raise WrongInput(f"{path}, {info.filename!r}: encrypted; unpack the archive by hand")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise WrongInput(f"{path}, {info.filename!r}: a link or device; do not unpack this archive")
            # The library cuts names at a zero byte; the name as written is what is judged.
            if not info.filename.endswith("/"):
                yield _Entry(info.orig_filename, info.file_size, lambda info=info: archive.open(info))


def _tar_entries(path, opener):
    with opener(path, "rb") as raw:
        stream = _Forward(raw, path)
        archive = tarfile.TarFile(fileobj=stream)
        while (info := archive.next()) is not None:
            archive.members.clear()  # a million of them would fill the memory
            if info.isdir():
                continue
            if not info.isfile() or info.issparse():
                raise WrongInput(f"{path}, {info.name!r}: a link or device; do not unpack this archive")
            yield _Entry(info.name, info.size, lambda info=info: archive.extractfile(info))
        # The library takes a damaged header for the end; the true one is a block of zeros.
        if len(stream.last) < tarfile.BLOCKSIZE or any(stream.last):
            raise WrongInput(f"{path}: cut or damaged; fetch it again")
        end = stream.place
        while stream.read(_BLOCK):  # to the checksum of the compression
            if any(stream.last) or stream.place > end + _PADDING:
                raise WrongInput(f"{path}: goes on after its end; do not unpack this archive")


class _Forward:
    """A stream that is read forwards only, as tarfile does, and never more at once than a header may hold."""

    def __init__(self, raw, path):
        self.raw, self.path, self.place, self.last = raw, path, 0, b""

    def tell(self):
        return self.place

    def seek(self, place):
        while self.place < place and self.read(min(_BLOCK, place - self.place)):
            pass

    def read(self, size):
        if size > _BLOCK:  # the library reads a long name at once, however long it claims to be
            raise WrongInput(f"{self.path}: a header of {size} bytes; do not unpack this archive")
        self.last = self.raw.read(size)
        self.place += len(self.last)
        return self.last


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--max-entries", type=int, default=Limits.entries)
    parser.add_argument("--max-gb", type=float, default=Limits.size / 1e9)
    parser.add_argument("--max-ratio", type=float, default=Limits.ratio, help="bytes per byte of the archive")
    args = parser.parse_args()
    if not args.archive.is_file():
        raise WrongInput(f"{args.archive}: no such archive; name a ZIP or tar file")
    limits = Limits(args.max_entries, int(args.max_gb * 1e9), args.max_ratio)
    provenance = {"archive": args.archive.name, "sha256": file_digest(args.archive)}
    files, size = unpack(args.archive, args.folder, limits, provenance)
    print(f"{args.folder}: {files} files, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    run_stage(main)
