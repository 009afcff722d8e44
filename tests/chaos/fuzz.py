"""Damage good files at random, and see whether every reader reads them or refuses them by name.

    python tests/chaos/fuzz.py --minutes 60 [--results results]
    python tests/chaos/fuzz.py --only "labels.csv" --seed 17

The readers are those of tests/chaos/readers.py; with --results also what `python -m pipeline.inspect` tells of damaged
copies of a study's artifacts. A find is everything but a good read and a WrongInput that names the file: another
exception, a reader that takes too long or too much memory, a process that dies. Each is told once with its seed, by
which the second form makes it again, and how often it came stands in the tally, JSON, at the end. The tests run a
shorter form of it.
"""

import argparse
import collections
import contextlib
import faulthandler
import itertools
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from chaos.readers import READERS, inspected

from pipeline.stage import WrongInput

SECONDS, MEMORY = 20, 2 << 30  # of one case; bytes beyond what the process had before it
BATCH = 200


class _TooLong(BaseException):
    """Not an Exception, so that no reader takes it for damage."""


def damaged(name, reader, good, seed):
    """Return the bytes of a case: they depend on its name, its seed and the good files alone."""
    chance = random.Random(f"{name} {seed}")
    return reader.damage(chance.choice(good), chance.choice(good), chance)


def place_of(reader, folder, seed):
    """Return where the file of a case lies."""
    path = folder / reader.place.replace("*", str(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def outcome(reader, path):
    """Read a file; return ["read"], ["refused"], or ["find", what it was, its words]."""
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        reader.read(path)
        return ["read"]
    except WrongInput as wrong:
        # Of a data set, its folder.
        named = path.name in str(wrong) or str(path.parents[1]) in str(wrong)
        return ["refused"] if named else ["find", "WrongInput without the file's name", str(wrong)]
    except (_TooLong, Exception) as failure:
        return ["find", f"{type(failure).__name__.strip('_')} {_where(failure)}", str(failure)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_long(*_):
    raise _TooLong(f"more than {SECONDS} s")


def _where(failure):
    """Return the last line of ours on the way to a failure."""
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__) if "/pipeline/" in frame.filename]
    frames = frames or traceback.extract_tb(failure.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"


def run_cases(name, reader, good, folder, seeds):
    """Yield (seed, outcome) of each case, read in a forked process that is replaced when it dies."""
    seeds = collections.deque(seeds)
    while seeds:
        process, pipe = _fork(name, reader, good, folder, seeds)
        with os.fdopen(pipe, "rb") as lines:
            while seeds and select.select([lines], [], [], 3 * SECONDS)[0] and (line := lines.readline()):
                yield seeds.popleft(), json.loads(line)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        status = os.waitpid(process, 0)[1]
        if seeds:
            yield seeds.popleft(), ["find", "died", f"status {status}"]


def _fork(name, reader, good, folder, seeds):
    """Begin a process that writes the outcomes of these cases, a line each; return (its number, the pipe to read)."""
    out, into = os.pipe()
    process = os.fork()
    if process:
        os.close(into)
        return process, out
    try:
        faulthandler.disable()  # a death is told by who waits for it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.close(out)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        warnings.simplefilter("ignore")
        most = _memory() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        for seed in seeds:
            path = place_of(reader, folder, seed)
            path.write_bytes(damaged(name, reader, good, seed))
            os.write(into, json.dumps(outcome(reader, path)).encode() + b"\n")
            path.unlink(missing_ok=True)
    finally:
        os._exit(0)


def _memory():
    """Return the bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


class Tally:
    """{reader: {"cases", "read", "refused", "finds": {what: {"count", "seed", "said"}}}}, and what is told at once."""

    def __init__(self):
        self.counts = {}

    def add(self, name, seed, result):
        """Count an outcome; tell of a find that is new."""
        own = self.counts.setdefault(name, {"cases": 0, "read": 0, "refused": 0, "finds": {}})
        own["cases"] += 1
        if result[0] != "find":
            own[result[0]] += 1
            return
        what, said = result[1], " ".join(result[2].split())[:200]
        if what not in own["finds"]:
            print(f"find: --only {name!r} --seed {seed}: {what}: {said}", flush=True)
        own["finds"].setdefault(what, {"count": 0, "seed": seed, "said": said})["count"] += 1

    def finds(self):
        """Return {reader: {what: ...}} of the readers that have any."""
        return {name: own["finds"] for name, own in self.counts.items() if own["finds"]}


def fuzz(readers, folder, first_seed, batches, batch, until=float("inf")):
    """Run batches of cases of every reader in turn, until a time of time.monotonic(); return the Tally."""
    tally, good = Tally(), {}
    for name, reader in readers.items():
        own = folder / "".join(letter if letter.isalnum() else "_" for letter in name)
        own.mkdir()
        good[name] = own, reader.make(own)
    for number in batches:
        seeds = range(first_seed + number * batch, first_seed + (number + 1) * batch)
        for name, reader in readers.items():
            if time.monotonic() >= until:
                return tally
            own, files = good[name]
            for seed, result in run_cases(name, reader, files, own, seeds):
                tally.add(name, seed, result)
        if number % 10 == 0:
            print(f"{sum(own['cases'] for own in tally.counts.values())} cases of {len(readers)} readers", flush=True)
    return tally


def show(name, reader, folder, seed):
    """Make one case again: its file stays, and what its reader raises is told whole."""
    path = place_of(reader, folder, seed)
    path.write_bytes(damaged(name, reader, reader.make(folder), seed))
    print(f"{path}: {path.stat().st_size} bytes")
    reader.read(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--only", help="one reader, or all whose names hold this")
    parser.add_argument("--seed", type=int, help="of one case, which is made again; of others with --from")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--results", type=Path, help="the results of a finished study, of which copies are inspected")
    args = parser.parse_args()
    readers = READERS | (inspected(args.results) if args.results else {})
    if args.only:
        readers = {name: readers[name] for name in readers if args.only in (name, name[: len(args.only)])}
        if not readers:
            parser.error(f"--only {args.only!r}: expected the beginning of one of {', '.join(READERS)}")
    if args.seed is not None:
        ((name, reader),) = [(name, readers[name]) for name in readers if name == args.only]
        show(name, reader, Path(tempfile.mkdtemp(prefix="fuzz-")), args.seed)
        return
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        until = time.monotonic() + 60 * args.minutes
        tally = fuzz(readers, Path(folder), args.first, itertools.count(), BATCH, until)
    print(json.dumps(tally.counts, indent=2))


if __name__ == "__main__":
    main()
