"""What memory is free for this process, so that a stage that would not fit says so before it starts."""

from pathlib import Path

from pipeline.stage import WrongInput

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def expect_memory(needed, what):
    """Raise WrongInput where `needed` bytes for `what` are more than is free; where nothing tells, all is free."""
    free = free_memory()
    if free is not None and needed > free:
        raise WrongInput(
            f"{what}: {needed / 1e9:.2f} GB of memory are needed, {free / 1e9:.2f} GB are free; take fewer images per"
            " class, or run it where more is free (Slurm: mem_mb in slurm/config.yaml)"
        )


def free_memory():
    """Return how many bytes this process may still take, by the machine and by its control groups; None if unknown."""
    told = [_free_of_machine(), *_free_of_groups()]
    return min((free for free in told if free is not None), default=None)


def _free_of_machine():
    for line in _read(_MEMINFO).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _free_of_groups():
    """Yield what each control group (version 2) around this process leaves: Slurm and containers set such limits."""
    own = next((line.removeprefix("0::") for line in _read(_OWN_GROUP).splitlines() if line.startswith("0::")), "/")
    inside = _GROUPS / own.lstrip("/")
    for group in (inside, *inside.parents):
        limit, held = _read(group / "memory.max").strip(), _read(group / "memory.current").strip()
        if limit.isdigit() and held.isdigit():
            yield max(0, int(limit) - int(held) + _cached(group))
        if group == _GROUPS:
            return


def _cached(group):
    """Return the bytes of files that a group has in memory and lets go when others need them."""
    found = [line.split()[1] for line in _read(group / "memory.stat").splitlines() if line.startswith("inactive_file ")]
    return int(found[0]) if found else 0


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""
