"""Kill processes of a study at random moments, and see whether the same command ends with the same bytes.

    python tests/chaos/kills.py --kills 100

runs a study of seconds (tests/study_copy.py) in copies of the repository: once undisturbed, then disturbed until so
many processes were killed, some twenty in each copy. Any process of a run may be hit, Snakemake, its shells, the warm
server or a stage, by SIGKILL, SIGTERM or SIGINT. After it the same command is typed again, at once, with nothing mended
by hand, and trainings go on from their last checkpoints. Prints a line per copy and the tally as JSON. `--study demo`
does it with the demo, in hours. The tests call it with fewer kills.
"""

import argparse
import collections
import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from study_copy import copy_repository, start_history, tiny

from pipeline.records import finished_job
from pipeline.states import read_state

COMMAND = [sys.executable, "-m", "pipeline.progress", "--", "all"]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
KILLS_PER_COPY = 20
LONGEST = 3600  # seconds that a whole undisturbed run may take
# Tells times and machine of the run itself; everything else is bound to be equal.
_OF_ITS_OWN = ("results/report/report.html", "results/.sums/report/report.html.sha256")


def study_in(folder, shrink=tiny):
    """Make a copy of the repository with nothing done yet, under git and DVC; return the folder."""
    copy_repository(folder, shrink)
    start_history(folder)
    return folder


def finish(folder, target="all"):
    """Type the command with nothing to disturb it; AssertionError with its last words unless it ends well."""
    done = subprocess.run(
        [*COMMAND[:-1], target], cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def disturb(folder, kills, pause, chance, cores=()):
    """Kill so many processes of runs in `folder`, each after a pause up to 2 * `pause` seconds.

    Returns {"<signal> to <process>": how often}, fewer in all where the study came to its end meanwhile, and the last
    checkpoints that there were when a run was begun anew. cores: options of Snakemake, such as --cores 3.
    """
    tally, run, last = collections.Counter(), None, {}
    command = [*COMMAND[:-2], *cores, *COMMAND[-2:]]
    with (folder / "disturbed.log").open("ab") as log:
        while tally.total() < kills:
            if run is None or run.poll() is not None:
                if run is not None and run.returncode == 0:
                    break
                last |= checkpoints(folder)
                run = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
            time.sleep(chance.uniform(0, 2 * pause))
            if victim := _one_of(folder, chance):
                number = chance.choice(SIGNALS)
                name = _name_of(victim)
                try:
                    victim.send_signal(number)
                except psutil.NoSuchProcess:
                    continue
                tally[f"{number.name} to {name}"] += 1
        run.wait(LONGEST)
    return tally, last | checkpoints(folder)


def checkpoints(folder):
    """Return {training below results/: (steps or epochs that its state has, when that was seen)} of those under way."""
    found, root = {}, folder / "results" / ".state"
    for path in root.rglob("*.pt"):
        state = read_state(path)
        done = state and state.get("step", state.get("epochs_done"))
        if done:
            found[path.relative_to(root).with_suffix("").as_posix()] = (done, time.time())
    return found


def lost(folder, seen):
    """Return the trainings that began once more after a checkpoint was seen, and not where that was or later."""
    return [name for name, (done, moment) in seen.items() if _began_before(folder, name, done, moment)]


def _began_before(folder, name, done, moment):
    job = finished_job(f"results/{name}.safetensors", folder)
    if job is None or job["starttime"] < moment:
        return False
    said = (folder / "logs" / f"{name}.log").read_text()
    went_on = re.search(r"goes on after step (\d+)|resumed after (\d+) epochs", said)
    return went_on is None or int(went_on[1] or went_on[2]) < done


def _one_of(folder, chance):
    living = [process for process in psutil.process_iter() if _works_in(folder, process)]
    return chance.choice(living) if living else None


def _works_in(folder, process):
    try:
        return Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _name_of(process):
    """Return what a process is: the module that its python runs, or its program."""
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return "process that had ended"
    module = words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name if words else "process"
    # The server, its keepers and the stages that it forks have one command line.
    return "warm server or stage" if "--serve" in words else module


def products(folder):
    """Return {path below the folder: sha256} of everything that a study leaves behind in results/, and dvc.lock."""
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in [*files, folder / "dvc.lock"]}
    compared = sorted(names.keys() - set(_OF_ITS_OWN))
    return {name: hashlib.sha256(names[name].read_bytes()).hexdigest() for name in compared}


def unlike(disturbed, undisturbed):
    """Return the names that only one of two dicts of products() has, or that differ. dvc.lock tells of the report."""
    names = (disturbed.keys() | undisturbed.keys()) - {"dvc.lock"}
    return sorted(name for name in names if disturbed.get(name) != undisturbed.get(name))


def left_behind(folder):
    """Return what a finished run should not leave: half-written files, states of trainings, locks of Snakemake."""
    parts = [path for path in folder.rglob("*.part") if path.is_file()]
    states = [path for path in (folder / "results" / ".state").rglob("*") if path.is_file()]
    locks = list((folder / ".snakemake" / "locks").glob("*"))
    return [path.relative_to(folder).as_posix() for path in (*parts, *states, *locks)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--study", choices=["tiny", "demo"], default="tiny")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    shrink, chance = tiny if args.study == "tiny" else lambda params: params, random.Random(args.seed)
    with tempfile.TemporaryDirectory() as place:
        undisturbed = study_in(Path(place, "undisturbed"), shrink)
        began = time.monotonic()
        finish(undisturbed)
        expected, whole = products(undisturbed), time.monotonic() - began
        print(f"undisturbed: {whole:.0f} s, {len(expected)} files", flush=True)
        tally, went_on = collections.Counter(), 0
        while tally.total() < args.kills:
            folder = study_in(Path(place, f"disturbed-{tally.total()}"), shrink)
            kills = min(KILLS_PER_COPY, args.kills - tally.total())
            own, seen = disturb(folder, kills, whole / KILLS_PER_COPY, chance)
            finish(folder)
            found = unlike(products(folder), expected) + left_behind(folder) + lost(folder, seen)
            went_on += len(seen)
            assert found == [], found
            tally += own
            print(f"{own.total()} kills: the same bytes, nothing left behind", flush=True)
    print(f"{went_on} checkpoints seen between runs, none of them lost")
    print(json.dumps(dict(sorted(tally.items())), indent=1))


if __name__ == "__main__":
    main()
