import collections
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import psutil
import pytest
from conftest import ROOT

from pipeline import stage
from pipeline.stage import WrongInput
from pipeline.workers import Workers


class Job:
    """Work whose first tasks take longest."""

    def square(self, number):
        time.sleep(0.02 * (5 - number) if number < 5 else 0)
        return number**2

    def process(self):
        return os.getpid()

    def refuse(self, number):
        if number == 3:
            raise WrongInput("three; expected another number")
        return number

    def die(self, number):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("number", [1, 3])
def test_results_come_in_the_order_of_their_tasks(number):
    with Workers(Job(), number) as workers:
        assert list(workers.each("square", range(12))) == [own**2 for own in range(12)]
        assert (workers.ask("process") == os.getpid()) == (number == 1)


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_task_raises_is_raised_at_its_turn(number):
    came = []
    with pytest.raises(WrongInput, match="three; expected"), Workers(Job(), number) as workers:
        for result in workers.each("refuse", range(9)):
            came.append(result)
    assert came == [0, 1, 2]


@pytest.mark.parametrize("number", [1, 2])
def test_tasks_are_begun_only_a_little_before_their_turn(number):
    begun = []

    def tasks():
        for own in range(100):
            begun.append(own)
            yield own

    with Workers(Job(), number) as workers:
        results = workers.each("refuse", tasks())
        assert [next(results) for _ in range(2)] == [0, 1]
        assert len(begun) <= 2 + 3 * number


class Filling:
    """Work that takes 200 MB, in each process while the other is at it as well."""

    def fill(self, number):
        held = np.ones(25_000_000)
        time.sleep(0.5)
        return len(held)


def test_the_peak_of_a_stage_counts_its_processes_and_what_they_share_once(capsys, monkeypatch):
    monkeypatch.setattr(stage, "_beside", collections.Counter())
    shared = np.ones(25_000_000)
    alone = stage.peak_memory()
    with Workers(Filling(), 2) as workers:
        list(workers.each("fill", range(4)))
    stage.tell_peak_memory()
    told = float(capsys.readouterr().out.split()[2])
    assert 380 < told - alone < 480 and len(shared)


class Resizing:
    def size(self, side):
        return cv2.resize(np.zeros((2000, 2000, 3), np.uint8), (side, side)).shape[0]


def test_processes_work_with_opencv_where_it_has_started_threads_before():
    assert Resizing().size(1500) == 1500
    with Workers(Resizing(), 2) as workers:
        assert list(workers.each("size", [1000, 1200])) == [1000, 1200]


def test_a_process_that_is_ended_from_outside_is_told_in_one_line():
    with (
        pytest.raises(WrongInput, match=r"ended from outside.*run the same command again"),
        Workers(Job(), 2) as workers,
    ):
        list(workers.each("die", range(3)))


_SLEEPERS = """
import signal, sys, time
from pipeline.workers import Workers

signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell ignore it

class Sleeper:
    def sleep(self, seconds):
        time.sleep(seconds)

with Workers(Sleeper(), 2) as workers:
    results = workers.each("sleep", [0, 0, 0, 0, 0, 60, 60])
    next(results)
    print("begun", flush=True)
    list(results)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_it_works_for(number):
    parent = subprocess.Popen(
        [sys.executable, "-c", _SLEEPERS], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout.readline() == b"begun\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) == 2
    parent.send_signal(number)
    parent.wait(10)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


_HARDLY_FORKED = """
import os, signal, sys, time
from pipeline.stage import WrongInput
from pipeline.workers import Workers

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as in every stage
os.register_at_fork(after_in_child=lambda: os.path.exists("late") or os.mkdir("late") or time.sleep(2))

class Job:
    def refuse(self):
        raise WrongInput("expected another number")

try:
    with Workers(Job(), 2) as workers:
        workers.ask("refuse")
except WrongInput:
    print("told", flush=True)
"""


def test_a_process_that_hardly_began_ends_with_the_others(tmp_path):
    found = subprocess.run(
        [sys.executable, "-c", _HARDLY_FORKED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert found.stdout == b"told\n"
