import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from conftest import ROOT

from pipeline.warm import sweep

STAGE = """
import os, sys, time
if sys.argv[1] == "fail":
    print("error: it is wrong", file=sys.stderr)
    sys.exit(3)
if sys.argv[1] == "sleep":
    open(sys.argv[2], "w").write(str(os.getpid()))
    time.sleep(60)
if sys.argv[1] == "modules":
    print(*sorted({"pandas", "torch"} & set(sys.modules)))
    sys.exit()
print(sys.argv[1:], os.getcwd(), os.environ["ADDRESS_OF_TEST"])
"""


@pytest.fixture(scope="module", params=["cold", "warm"])
def folder(request, tmp_path_factory):
    """A folder with a stage in it; with a server listening (warm) or without (cold)."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "some_stage.py").write_text(STAGE)
    address = folder / "w" / "socket"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADDRESS_OF_TEST", "here")
        patch.setenv("PYTHONPATH", f"{ROOT}:{folder}")
        patch.setenv("PIPELINE_WARM", str(address))
        if request.param == "warm":
            address.parent.mkdir()
            command = [sys.executable, "-m", "pipeline.warm", "--serve", address, str(os.getpid()), "pandas"]
            server = subprocess.Popen(command)
            while not address.exists():
                time.sleep(0.05)
        yield folder
        if request.param == "warm":
            server.kill()
            server.wait()


@pytest.fixture
def run_stage(folder):
    """Return a function that starts the stage with these words."""
    command = [sys.executable, "-m", "pipeline.warm", "some_stage"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return lambda *words: subprocess.Popen([*command, *words], cwd=folder, **pipes)


def test_a_stage_gets_its_surroundings_and_its_output_comes_back(run_stage, folder):
    stage = run_stage("a b", "{}")
    out, _ = stage.communicate(timeout=60)
    told, peak = out.splitlines()
    assert told == f"['a b', '{{}}'] {folder} here" and peak.startswith("peak memory ")
    assert stage.returncode == 0


def test_the_server_holds_what_it_was_told_of_alone(run_stage, folder):
    out, _ = run_stage("modules").communicate(timeout=60)
    assert out.splitlines()[0] == ("pandas" if folder.name.startswith("warm") else "")


def test_exit_status_and_error_come_back(run_stage):
    stage = run_stage("fail")
    _, err = stage.communicate(timeout=60)
    assert (stage.returncode, err) == (3, "error: it is wrong\n")


def test_a_serversweeps_the_folders_of_those_that_were_killed(tmp_path):
    kept = []
    for name, listens, age in (("killed", False, 120), ("new", False, 0), ("busy", True, 120)):
        address = tmp_path / f"warm-{name}" / "socket"
        address.parent.mkdir()
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(address))
        if listens:
            server.listen()
        else:
            server.close()
        kept.append(server)
        os.utime(address, (time.time() - age,) * 2)
    (tmp_path / "elsewhere").mkdir()
    sweep(str(tmp_path / "warm-own"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "warm-busy", "warm-new"]


@pytest.fixture
def server(tmp_path):
    """(address, process) of a server that is about to listen, whose errors are in tmp_path."""
    address = tmp_path / "w" / "socket"
    address.parent.mkdir()
    with open(tmp_path / "errors", "w") as errors:
        command = [sys.executable, "-m", "pipeline.warm", "--serve", address, str(os.getpid())]
        process = subprocess.Popen(command, cwd=ROOT, stderr=errors)
    yield str(address), process
    process.kill()
    process.wait()


def connected_to(address):
    """Return a socket, as soon as somebody listens at the address."""
    while True:
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            caller.connect(address)
            return caller
        caller.close()
        time.sleep(0.05)


@pytest.mark.parametrize("said", [b"", b"\x00" * 3, (100).to_bytes(8, "big"), (100).to_bytes(8, "big") + b'["some'])
def test_a_caller_that_hangs_up_has_no_stage_run_and_leaves_no_keeper(server, tmp_path, said):
    address, process = server
    with connected_to(address) as caller:
        keepers = []
        while not keepers:  # the server may be about to look whether it is still wanted
            keepers = psutil.Process(process.pid).children()
            time.sleep(0.05)
        if said:
            socket.send_fds(caller, [said[:8]], [0, 1, 2])
            caller.sendall(said[8:])
    _, left = psutil.wait_procs(keepers, timeout=10)
    for keeper in left:
        keeper.kill()
    assert not left and (tmp_path / "errors").read_text() == ""


def test_a_killed_command_ends_its_stage(run_stage, tmp_path):
    stage = run_stage("sleep", str(tmp_path / "pid"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    stage.send_signal(signal.SIGKILL)
    stage.wait()
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            return
        time.sleep(0.05)
    pytest.fail("the stage outlived the command that started it")
