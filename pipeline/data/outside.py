"""What tells files outside the graph, such as photographs, from those that lay there before."""

import hashlib
import re
import zipfile
from pathlib import Path, PurePosixPath

from pipeline.data.provenance import PROVENANCE
from pipeline.data.tree import SUFFIXES, ZIP_DAMAGE, file_names
from pipeline.stage import WrongInput

# What readers take labels, groups, poses and answers from; a note beside them concerns nobody.
_LISTING = re.compile(r".*\.(csv|json)|.*(annotations|alignment)\.txt", re.IGNORECASE)


def folder_digest(root):
    """Return a hash of the names of images under `root` and of the listings there, such as groups.csv; "" for none.

    Of a file, its content; of a ZIP archive, that of its directory, which has a checksum of each member. It tells
    added, removed and renamed photographs, corrected labels and other answers of raters at the price of a directory
    walk and of reading the listings; not a photograph whose pixels were changed in place. Hidden files, notes and the
    record of a download, which has a time of its own, do not count.
    """
    root = Path(root)
    if root.is_file():
        return _short(_directory(root))
    try:
        found = [_named(root, name) for name in file_names(root)] if root.is_dir() else []
    except WrongInput as wrong:
        return str(wrong)  # the stage that reads the folder says it
    return _short(b"".join(found)) if any(found) else ""


def _named(root, name):
    """Return a file's name, and of a listing the sha256, as bytes; nothing for a file that no reader reads."""
    path = PurePosixPath(name)
    if path.suffix.lower() in SUFFIXES:
        return name.encode() + b"\0"
    if not _LISTING.fullmatch(path.name) or path.name == PROVENANCE:
        return b""
    try:
        with open(root / name, "rb") as file:
            return name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return name.encode() + b"\0"  # a link to nothing, say


def _directory(path):
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            return repr([(member.filename, member.CRC, member.file_size) for member in archive.infolist()]).encode()
    except ZIP_DAMAGE as wrong:
        return str(wrong).encode()  # the stage that reads it says it


def _short(content):
    return hashlib.sha256(content).hexdigest()[:16]
