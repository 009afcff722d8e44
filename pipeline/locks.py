"""Locks that a killed run left behind: Snakemake would refuse the next run until a person unlocks the folder."""

import fcntl
import shutil
from pathlib import Path

_LEFT_BEHIND = Path(".snakemake", "locks")
_HELD = Path(".snakemake", "running")
_ON_CLUSTER = "cluster"


def begin_alone(on_cluster):
    """Hold the folder for the life of this process; take away Snakemake's locks if no living run holds it.

    Return a file to be kept open, or None where another run holds the folder: it is left to Snakemake to say so. The
    system lets go of the file with its process, however that ends. on_cluster: whether the jobs outlive this process.
    After such a run was killed its locks stay, for its jobs may go on, and a person has to look after them.
    """
    _HELD.parent.mkdir(exist_ok=True)
    held = _HELD.open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        return None
    held.seek(0)
    if not (held.read() == _ON_CLUSTER and any(_LEFT_BEHIND.glob("*"))):
        shutil.rmtree(_LEFT_BEHIND, ignore_errors=True)
        held.truncate(0)
        held.write(_ON_CLUSTER if on_cluster else "")
        held.flush()
    return held
