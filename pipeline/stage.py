"""What the stage commands share: their arguments, and errors of one line."""

import argparse
import collections
import contextlib
import errno
import json
import os
import resource
import signal
import sys
from pathlib import Path

# What a write ends with for want of room: the disk is full, the quota spent, the file larger than a limit allows.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TORCH_LACKS_MEMORY = ("can't allocate memory", "out of memory")  # of the machine, of the GPU
PEAK_LINE = "peak memory {:.0f} MB"


class WrongInput(Exception):
    """Something a person can mend: the message names the place, what was expected and found, and the remedy."""


class _StageParser(argparse.ArgumentParser):
    """Looks whether the files that a stage is given are whole, before it computes with them."""

    outputs = ()

    def parse_args(self, *args, **kwargs):
        from pipeline.sums import expect_whole  # which needs WrongInput from here

        found = super().parse_args(*args, **kwargs)
        given = [value for name, value in vars(found).items() if name not in self.outputs]
        for value in given:
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, str | Path):
                    expect_whole(Path(path))
        return found


def stage_arguments(description, inputs=(), outputs=("out",), optional=()):
    """Return a parser with --options (JSON), --threads and one path argument per input and output.

    It raises WrongInput where a file that is no output is not what its checksum says.
    """
    parser = _StageParser(description=description)
    parser.outputs = tuple(outputs)
    parser.add_argument("--options", type=json.loads, default={}, help="settings of this stage, as JSON")
    parser.add_argument("--threads", type=int, default=1)
    for name in (*inputs, *outputs):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in optional:
        parser.add_argument(f"--{name}", type=Path)
    return parser


def note(text):
    """Tell the person at the terminal, not only the log, something that was done otherwise than asked."""
    print("note: " + text, file=sys.stderr, flush=True)


class StopRequest:
    """While it is entered, a signal to end is noted and not obeyed: `number` is None until one comes.

    SIGTERM is what schedulers and people send; SIGUSR1 what `sbatch --signal` sends some time before a job's limit.
    """

    def __enter__(self):
        self.number = None
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGUSR1)}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, _):
        self.number = number


_beside = collections.Counter()


def peak_memory(who=resource.RUSAGE_SELF):
    """Return the most memory in MB that this process, or of RUSAGE_CHILDREN one that ended, ever held."""
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kB elsewhere
    return resource.getrusage(who).ru_maxrss / unit


def note_memory_beside(process, megabytes):
    """Note the most memory that another process of this stage ever held besides what it shares with this one."""
    _beside[process] = max(_beside[process], megabytes)


def tell_peak_memory():
    """Print the most memory in MB that this stage, its workers included, can have held at once; the report reads it."""
    held = max(peak_memory() + _beside.total(), peak_memory(resource.RUSAGE_CHILDREN))
    with contextlib.suppress(OSError):  # no room for the log
        print(PEAK_LINE.format(held), flush=True)


def run_stage(main):
    """Run main(); what a person can mend, input or want of room or memory, ends in one line on stderr and status 1.

    SIGTERM ends it as an exception, so that files half written are removed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still to be written goes nowhere, or Python would complain of it once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("error: nobody reads the output any more, as after `| head`; run it without that", file=sys.stderr)
        sys.exit(1)
    except WrongInput as wrong:
        _end(str(wrong))
    except OSError as failure:
        if failure.errno not in NO_ROOM:
            raise
        # Of outputs `replacing` tells; this was another write, most likely of the log.
        _end(f"no room is left to write ({failure}); make room and run the same command again")
    except (MemoryError, RuntimeError) as failure:
        if not (isinstance(failure, MemoryError) or any(words in str(failure) for words in _TORCH_LACKS_MEMORY)):
            raise
        remedy = "run it where more is free (Slurm: mem_mb in slurm/config.yaml), or with smaller settings"
        _end(f"no memory is left for this stage ({failure}); {remedy}")


def _end(text):
    print("error: " + " ".join(text.split()), file=sys.stderr)
    sys.exit(1)
