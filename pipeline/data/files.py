"""Files that are either whole or absent: written beside their name, then renamed into place."""

import contextlib
import os
import platform
import re
import time
from pathlib import Path

import psutil

from pipeline.stage import NO_ROOM, WrongInput
from pipeline.sums import sha256_of, sum_file

ABANDONED = 24 * 3600  # seconds without a write: no stage pauses so long
_OWNER = re.compile(r"-(\d+)\.part$")
# torch counts what reached the file, and tells no number.
_TORCH_SAYS = ("PytorchStreamWriter failed", "iostream error", "unexpected pos")


@contextlib.contextmanager
def replacing(path):
    """Yield a temporary path beside `path`; rename it into place if the block succeeds, remove it if not.

    Raises WrongInput where there is no room for it; what was at `path` before stays.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        beside = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.part")
        try:
            yield beside
            with open(beside, "rb") as written:
                os.fsync(written.fileno())
            # Before the file itself: who is killed in between leaves a job unfinished, which Snakemake does again.
            note_sum(path, beside)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except Exception as failure:
        if not _for_want_of_room(failure):
            raise
        remedy = "make room (disk, quota or file size limit) and run the same command again"
        raise WrongInput(f"{path}: cannot be written, no room is left for it; {remedy}") from None


def note_sum(path, content):
    """Write the sum of the file `content`, which is or is about to be at `path`; nothing outside of results/."""
    place = sum_file(path)
    if place is not None:
        with replacing(place) as beside:
            beside.write_text(sha256_of(content) + "\n")


def discard(path):
    """Remove a file that has served its purpose, and what killed processes had begun to write to it."""
    path.unlink(missing_ok=True)
    _remove_abandoned(path)


def sweep(folder):
    """Remove what processes that are gone had begun to write anywhere below a folder."""
    for left in Path(folder).rglob(".*.part"):
        if _is_abandoned(left):
            left.unlink(missing_ok=True)


def _remove_abandoned(path):
    """Remove what processes that are gone had begun to write to `path`."""
    for left in path.parent.glob(f".{_literally(path.name)}.*-*.part"):
        if _is_abandoned(left):
            left.unlink(missing_ok=True)


def _literally(name):
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_abandoned(part):
    """Whether nobody writes a part any more: its process, which its name tells, is known to be gone.

    Of another machine's that is not known, so what was written to within ABANDONED seconds stays.
    """
    owner = _OWNER.search(part.name)
    try:
        written = part.stat().st_mtime
    except FileNotFoundError:
        return False
    if owner is None:
        return False
    if part.name[: owner.start()].endswith(f".{platform.node()}"):
        return not _lives(int(owner[1]), written)
    return time.time() - written > ABANDONED


def _lives(process, written):
    """Whether a process of this machine is there that may have written something at that time."""
    try:
        # Another one may have got its number since; a minute, as clocks are set.
        return psutil.Process(process).create_time() < written + 60
    except (psutil.NoSuchProcess, OverflowError):
        return False
    except psutil.Error:
        return True


def _for_want_of_room(failure):
    """Tell by the error's number, or by its words where a library passes on no more (safetensors, torch)."""
    if isinstance(failure, OSError) and failure.errno in NO_ROOM:
        return True
    said = str(failure)
    return any(f"os error {number}" in said for number in NO_ROOM) or any(words in said for words in _TORCH_SAYS)
