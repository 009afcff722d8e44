"""Work shared among processes of this machine; results come in the order of the tasks, however many processes."""

import collections
import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from concurrent.futures.process import BrokenProcessPool

import cv2

from pipeline.stage import WrongInput, note_memory_beside, peak_memory

_AHEAD = 2  # tasks of each process that are begun before their turn, so that few results wait

_job = None  # of a process that works for another
_shared = 0  # MB that such a process has from the one that it works for


class Workers:
    """`number` processes that each hold `job`, to be entered; one alone is this very process.

    What a job builds for its work, such as networks, it builds in its methods: no process inherits a thread or a GPU.
    """

    def __init__(self, job, number):
        self._job, self._number, self._pool = job, number, None

    def __enter__(self):
        if self._number > 1:
            # One for every core is enough. Said before they are forked: OpenCV's threads would be missing in a fork,
            # which waits for them.
            cv2.setNumThreads(1)
            self._pool = concurrent.futures.ProcessPoolExecutor(self._number, initializer=_begin, initargs=(self._job,))
        return self

    def __exit__(self, failure, *_):
        if self._pool is not None:
            if failure is not None:
                # SIGTERM could be lost: a process that was just forked forgets the signals that came before it ran,
                # and then waits for ever for a lock that died with another one. None has anything to tidy up.
                for process in multiprocessing.active_children():
                    process.kill()
            self._pool.shutdown(cancel_futures=True)

    def ask(self, method):
        """Return job.method() of one of the processes."""
        return getattr(self._job, method)() if self._pool is None else self._result(self._pool.submit(_do, method))

    def each(self, method, tasks):
        """Yield job.method(task) of every task, in their order; what one of them raises is raised here."""
        if self._pool is None:
            yield from map(getattr(self._job, method), tasks)
            return
        begun = collections.deque()
        for task in tasks:
            begun.append(self._pool.submit(_do, method, task))
            if len(begun) > _AHEAD * self._number:
                yield self._result(begun.popleft())
        while begun:
            yield self._result(begun.popleft())

    def _result(self, future):
        try:
            result, process, grown = future.result()
        except BrokenProcessPool:
            raise WrongInput(
                f"one of the {self._number} processes of this stage was ended from outside, perhaps for want of memory;"
                " run the same command again, with fewer cores or more memory"
            ) from None
        note_memory_beside(process, grown)
        return result


def _begin(job):
    global _job, _shared
    _job, _shared = job, peak_memory()
    # A signal to the whole group ends the first process as an exception; this one ends as if it were killed.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """A killed parent closes no queue that its children hold as well, and they would wait for ever."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _do(method, *task):
    """Return the result, this process, and by how many MB it ever grew beyond what it shares."""
    return getattr(_job, method)(*task), os.getpid(), peak_memory() - _shared
