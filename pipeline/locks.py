"""What killed runs leave: locks, for which Snakemake would refuse the next run, and a Snakemake without its parent."""

import fcntl
import os
import pwd
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

from pipeline import previous
from pipeline.data.files import sweep
from pipeline.stage import NO_ROOM, WrongInput

BEGUN_BY = "PIPELINE_BEGUN_BY"  # environment variable: the process that a run ends with
PATIENCE = 30  # seconds
_ROOM = 1 << 20  # bytes: the locks name every file of a run, 70 kB of the demo's; records and logs come besides

_LEFT_BEHIND = Path(".snakemake", "locks")
_HELD = Path(".snakemake", "running")
_WRITTEN = (Path("results"), Path(".cache"))
_ON_CLUSTER = "cluster"


def begin_alone(on_cluster):
    """Hold the folder for the life of this process; take away the locks and half-written files of runs that are gone.

    Return a file to be kept open, or None where another run holds the folder: it is left to Snakemake to say so. The
    system lets go of the file with its process, however that ends. on_cluster: whether the jobs outlive this process.
    After such a run was killed its locks stay, for its jobs may go on, and a person has to look after them.
    A run that is about to end, since the process that began it is gone, gets PATIENCE to do so.
    Raises WrongInput where there is no room for what Snakemake will write besides artifacts.
    """
    try:
        expect_own()
        _expect_room()
        return _begin(on_cluster)
    except OSError as failure:
        if failure.errno not in NO_ROOM:
            raise
        remedy = "make room (disk or quota) and run the same command again"
        raise WrongInput(f"{_HELD.parent}: no room is left for the records of a run ({failure}); {remedy}") from None


def _expect_room():
    _HELD.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryFile(dir=_HELD.parent) as file:
        file.write(bytes(_ROOM))
        file.flush()
        os.fsync(file.fileno())  # network file systems look at the quota only then


def _begin(on_cluster):
    held = _HELD.open("a+")
    deadline = time.monotonic() + PATIENCE
    while not _lock(held):
        if time.monotonic() > deadline or not _is_alone(held):
            held.close()
            return None
        time.sleep(0.2)
    before, _ = _described(held)
    if not (before == _ON_CLUSTER and any(_LEFT_BEHIND.glob("*"))):
        shutil.rmtree(_LEFT_BEHIND, ignore_errors=True)
        for folder in _WRITTEN:
            sweep(folder)
        held.truncate(0)
        held.write(f"{_ON_CLUSTER if on_cluster else ''}\n{os.environ.get(BEGUN_BY, '')}")
        held.flush()
        previous.put_back()
    return held


def expect_own():
    """Raise WrongInput where another person's run has made, in this folder, what a run has to write into."""
    for place in (Path(), _HELD.parent, _LEFT_BEHIND, _HELD, Path("results"), Path("logs")):
        if place.exists() and not os.access(place, os.W_OK):
            raise WrongInput(
                f"{place.absolute()}: belongs to {_owner(place)}, and {_name(os.geteuid())} may not write there;"
                " run in a clone of your own, and share what comes out by DVC (README, Versions with DVC)"
            )


def _owner(place):
    return _name(place.stat().st_uid)


def _name(user):
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _lock(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _described(held):
    """Return what the holder has written: whether its jobs are on a cluster, and the process that began it, or ""."""
    held.seek(0)
    where, _, begun_by = held.read().partition("\n")
    return where, begun_by


def _is_alone(held):
    """Whether the process that began the holder is gone."""
    _, begun_by = _described(held)
    try:
        os.kill(int(begun_by), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        pass
    return False


def end_with(process):
    """Return at once; when that parent process is gone, interrupt this one and its jobs, as Ctrl-C would."""

    def watch():
        while os.getppid() == process:
            time.sleep(0.5)
        os.killpg(0, signal.SIGINT)

    if os.getpgrp() == os.getpid():  # else the group has others in it, and is not ours
        threading.Thread(target=watch, daemon=True).start()
