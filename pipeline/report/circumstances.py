"""What the results of a study came from beside its parameters: revision, job times, software, machine."""

import importlib.metadata
import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import finished_job, ran
from pipeline.stage import PEAK_LINE

_SOFTWARE = ("torch", "snakemake", "dvc", "numpy")
_PEAK_LINE = re.compile("^" + PEAK_LINE.format(0).replace("0", r"(\d+)") + "$", re.MULTILINE)


@dataclass(frozen=True)
class RuleTimes:
    """Jobs of a rule: those that ran here (seconds of each), and those without a run; files that no record knows.

    peak: the most memory that a process of a job held, in MB, or None where no log tells.
    """

    rule: str
    seconds: list
    without_run: int
    unrecorded: int
    peak: float | None

    @property
    def jobs(self):
        """How many jobs are recorded."""
        return len(self.seconds) + self.without_run

    @property
    def median(self):
        """The median of the seconds; None where no job ran."""
        return statistics.median(self.seconds) if self.seconds else None


def times_of(artifacts, root=Path()):
    """Return the RuleTimes of {rule: its files}, told by Snakemake's records and the logs below `root`."""
    return [_times_of_rule(rule, files, root) for rule, files in artifacts.items() if files]


def _times_of_rule(rule, files, root):
    # The files of one job name the same log.
    records = {path: finished_job(path, root) for path in files}
    jobs = {tuple(record["log"]): record for record in records.values() if record}
    seconds = [job["endtime"] - job["starttime"] for job in jobs.values() if ran(job)]
    unrecorded = sum(record is None for record in records.values())
    return RuleTimes(rule, seconds, len(jobs) - len(seconds), unrecorded, _peak(jobs, root))


def _peak(jobs, root):
    logs = (root / log for logs in jobs for log in logs)
    told = (_PEAK_LINE.findall(log.read_text(errors="replace")) for log in logs if log.is_file())
    return max((int(megabytes) for lines in told for megabytes in lines), default=None)


def revision():
    """Return (commit, True where files differ from it) of the current folder, or None where it is no repository."""
    head = _git("rev-parse", "--show-prefix", "HEAD")
    # A repository further up knows nothing of this folder.
    if head is None or head[0]:
        return None
    return head[1], bool(_git("status", "--porcelain"))


def _git(*arguments):
    """Return the lines that git says, or None where there is no git, no repository or no commit."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()


def software():
    """Return {name: version} of Python and of what the results depend on most."""
    return {"python": platform.python_version()} | {name: _version(name) for name in _SOFTWARE}


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed here"


def machine():
    """Return {what: text} of the machine that this runs on: which others worked for it, only their records know."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        "system": f"{platform.system()}, {platform.machine()}",
        "cores": str(cores),
        "GPU": ", ".join(gpus) or "none",
    }
