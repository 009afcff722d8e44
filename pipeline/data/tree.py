"""The files of a folder, or of a ZIP archive, which is read where it lies and never unpacked."""

import functools
import lzma
import os
import re
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from pipeline.stage import WrongInput

_LARGEST = 2**28  # bytes of one file of an archive; a photograph is never that large
_ENCRYPTED = 0x1
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")  # of images
UNFIT = re.compile("[\x00-\x1f\ud800-\udfff]")  # control characters, and what stands for bytes that are not UTF-8
# What zipfile raises for archives that are cut, damaged, encrypted or of other methods.
ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


def file_names(root):
    """Return the sorted names, relative to the root, of all files that are not hidden; WrongInput for unsafe ones.

    Hidden are names that begin with a dot, in any folder, and what macOS adds to its archives.
    """
    names = _archived(root) if root.is_file() else _on_disk(root)
    return sorted(name for name in names if not _hidden(name))


def read_bytes(path, remedy="restore it or remove its row from the data set"):
    """Return the content of a file; its path may lead into an archive: `a.zip/b.png`.

    remedy: what a person can do where there is no such file.
    """
    place = _in_archive(path)
    if place is not None:
        archive, name = place
        return read_member(_archive(archive), name)
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        raise WrongInput(f"{path}: no such file; {remedy}") from None


def stamp_of(path):
    """Return what tells a file from a later one at the same path, without reading it; None where there is none.

    The size and the time of the last change in nanoseconds; of a file in an archive the size and the CRC.
    """
    place = _in_archive(path)
    try:
        if place is not None:
            archive, name = place
            member = _archive(archive).getinfo(name)
            return [member.file_size, member.CRC]
        status = os.stat(path)
        return [status.st_size, status.st_mtime_ns]
    except (OSError, ValueError, KeyError, WrongInput):
        return None


def _in_archive(path):
    """Return (archive, the name in it) where a path leads into one: `a.zip/b.png`; else None."""
    for end in re.finditer(r"\.zip(?=/)", path, re.IGNORECASE):
        if os.path.isfile(path[: end.end()]):
            return path[: end.end()], path[end.end() + 1 :]
    return None


def _on_disk(root):
    """Yield the names of all files; raise WrongInput where a link leads to a folder that is read anyway."""
    known = {}
    for folder, folders, names in os.walk(root, onerror=_refuse, followlinks=True):
        # Not entered, so that no loop of links below a hidden folder is.
        folders[:] = [name for name in folders if not _hidden(name)]
        found = os.stat(folder)
        other = known.setdefault((found.st_dev, found.st_ino), folder)
        if other != folder:
            raise WrongInput(f"{folder}: is the folder {other} again, by a link; expected each once; remove the link")
        for name in names:
            yield _checked(Path(folder, name).relative_to(root).as_posix(), root)


def _refuse(error):
    raise WrongInput(
        f"{error.filename}: cannot be looked into ({error.strerror}); let it be read, or hide or remove it"
    )


def _archived(path):
    if path.suffix.lower() != ".zip":
        raise WrongInput(f"{path}: neither a folder nor a ZIP archive (.zip); unpack it and name the folder")
    for member in _archive(str(path)).infolist():
        if member.filename.endswith("/"):
            continue
        name = PurePosixPath(member.filename)
        if not name.parts or name.is_absolute() or ".." in name.parts:
            raise WrongInput(f"{path}: {member.filename!r} leads out of the archive; make the archive again without it")
        if "\\" in member.filename or ":" in name.parts[0]:
            raise WrongInput(
                f"{path}: {member.filename!r} has a backslash or a drive, which lead elsewhere on some systems;"
                " expected folders with /; make the archive again"
            )
        if member.flag_bits & _ENCRYPTED or member.file_size > _LARGEST:
            reason = "is encrypted" if member.flag_bits & _ENCRYPTED else f"has {member.file_size} bytes"
            raise WrongInput(f"{path}: {member.filename!r} {reason}; expected a plain photograph; unpack and mend it")
        yield _checked(member.filename, path)


def _checked(name, root):
    """Return a name that a manifest, which is UTF-8 and has lines, can hold."""
    if UNFIT.search(name):
        raise WrongInput(f"{root}: the name {name!a} has characters that UTF-8 or a line cannot hold; rename the file")
    return name


def _hidden(name):
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def read_member(archive, name):
    """Return the content of a file of an open ZipFile; raise WrongInput where it is missing, damaged or too large."""
    try:
        member = archive.getinfo(name)
        if member.file_size > max(_LARGEST, os.path.getsize(archive.filename)):
            raise WrongInput(f"{archive.filename}/{name}: claims {member.file_size} bytes; have the archive made again")
        return archive.read(member)
    except KeyError:
        where = f"{archive.filename}/{name}"
        raise WrongInput(f"{where}: no such file; restore it or remove its row from the data set") from None
    except ZIP_DAMAGE as wrong:
        where = f"{archive.filename}/{name}"
        raise WrongInput(f"{where}: damaged ({wrong}); restore the archive or have it made again") from None


@functools.lru_cache(maxsize=4)
def _archive(path):
    try:
        return zipfile.ZipFile(path)
    except ZIP_DAMAGE:
        raise WrongInput(f"{path}: not a complete ZIP archive; restore it or have it made again") from None
