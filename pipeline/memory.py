"""What memory is free for this process, so that a stage that would not fit says so before it starts."""

import resource
from pathlib import Path

from pipeline.stage import WrongInput

_MEMINFO = Path("/proc/meminfo")
_OWN_SIZES = Path("/proc/self/statm")
_OWN_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")
# Of control groups of version 1 and 2: where they lie, and the files of limit, use, and what others may take of that.
_VERSION_1 = ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
_VERSION_2 = (".", "memory.max", "memory.current", "inactive_file ")


def expect_memory(needed, what, remedy="take fewer images per class"):
    """Raise WrongInput where `needed` bytes for `what` are more than is free; where nothing tells, all is free."""
    free = free_memory()
    if free is not None and needed > free:
        raise WrongInput(
            f"{what}: {needed / 1e9:.2f} GB of memory are needed, {free / 1e9:.2f} GB are free; {remedy}, or run it"
            " where more is free (Slurm: mem_mb in slurm/config.yaml)"
        )


def free_memory():
    """Return how many bytes this process may still take, by the machine, its limit and its groups; None if unknown."""
    told = [_free_of_machine(), _free_of_limit(), *_free_of_groups()]
    return min((free for free in told if free is not None), default=None)


def _free_of_machine():
    for line in _read(_MEMINFO).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _free_of_limit():
    """Return what `ulimit -v` leaves of this process's addresses."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _read(_OWN_SIZES).split()
    if limit == resource.RLIM_INFINITY or not pages:
        return None
    return max(0, limit - int(pages[0]) * resource.getpagesize())


def _free_of_groups():
    """Yield what each control group around this process leaves: Slurm and containers set such limits."""
    for line in _read(_OWN_GROUP).splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers == "" or "memory" in controllers.split(","):
            yield from _free_around(own, *(_VERSION_1 if controllers else _VERSION_2))


def _free_around(own, place, most, current, others):
    top = _GROUPS / place
    inside = top / own.lstrip("/")
    for group in (inside, *inside.parents):
        limit, held = _read(group / most).strip(), _read(group / current).strip()
        if limit.isdigit() and held.isdigit():
            yield max(0, int(limit) - int(held) + _cached(group, others))
        if group == top:
            return


def _cached(group, others):
    """Return the bytes of files that a group has in memory and lets go when others need them."""
    found = [line.split()[1] for line in _read(group / "memory.stat").splitlines() if line.startswith(others)]
    return int(found[0]) if found else 0


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""
