"""Locks that a killed run left behind: Snakemake would refuse the next run until a person unlocks the folder."""

import fcntl
import shutil
from pathlib import Path

_LEFT_BEHIND = Path(".snakemake", "locks")
_HELD = Path(".snakemake", "running")


def begin_alone():
    """Hold the folder for the life of this process; take away Snakemake's locks if no living run holds it.

    Return a file to be kept open, or None where another run holds the folder: it is left to Snakemake to say so. The
    system lets go of the file with its process, however that ends. For runs whose jobs end with them, on one machine:
    jobs that a killed run left on a cluster go on, and a person has to look after them.
    """
    _HELD.parent.mkdir(exist_ok=True)
    held = _HELD.open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        return None
    shutil.rmtree(_LEFT_BEHIND, ignore_errors=True)
    return held
