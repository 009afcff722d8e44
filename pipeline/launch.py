"""Start a stage in several processes of this machine, by torchrun; end with the status of the first that failed."""

import os
import sys

_SECONDS_TO_STOP = 120  # for a stage to keep its state after the step it is in, before it is killed


def launch(number, module, arguments):
    """Run the module in so many processes and exit: with the first failure's status, or 128 plus a signal."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a stage sets its own number; without this, torchrun warns
    options = ["--standalone", "--nproc-per-node", str(number), "--shutdown-timeout", str(_SECONDS_TO_STOP)]
    # Signals reach the stage through its launcher, also the one that says that a job's time is running out.
    options += ["--signals-to-handle", "SIGTERM,SIGINT,SIGHUP,SIGUSR1"]
    try:
        run.run(run.parse_args([*options, "-m", module, *arguments]))
    except SignalException as stop:
        sys.exit(128 + stop.sigval)
    except ChildFailedError as failed:
        _, first = failed.get_first_failure()
        sys.exit(first.exitcode if first.exitcode > 0 else 128 - first.exitcode)
    sys.exit(0)
