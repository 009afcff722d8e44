"""Run a stage without waiting for its imports: `python -m pipeline.warm MODULE [ARGUMENTS]`.

Importing torch and timm takes four to ten seconds of a core, as much as many a cell of a small study. While Snakemake
runs, one server process holds these libraries and forks once per stage; the command here hands over its arguments,
folder, environment and standard streams, and ends with the stage's exit status. Where no server listens (on a cluster,
on another machine), the stage runs in this very process, with the same result.

With `--processes N` before MODULE and N above 1, torchrun starts it in so many processes, without the server.

The server imports libraries only, never a module of this project, so that a stage always runs the code on disk; and
only those that it was told of, since a run that makes tables needs no torch.
"""

import contextlib
import glob
import itertools
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time

ADDRESS = "PIPELINE_WARM"  # environment variable: the server's socket
PRELOADED = {
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "cv2": ("cv2",),
    "torch": ("torch", "torch._dynamo", "safetensors.torch"),
    "timm": ("timm",),
    # 1.3 s of a core for each figure, which draws in 0.9.
    "matplotlib": ("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
}


def main():
    module, *arguments = sys.argv[1:]
    if module == "--serve":
        _serve(arguments[0], int(arguments[1]), arguments[2:])
    if module == "--processes":
        number, module, *arguments = arguments
        if int(number) > 1:
            from pipeline.launch import launch

            launch(number, module, arguments)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A job of Slurm stays in its own process: that is what the allocation's memory and GPU are bound to.
        server.connect("" if "SLURM_JOB_ID" in os.environ else os.environ[ADDRESS])
    except (KeyError, OSError):
        _run(module, arguments)
    else:
        sys.exit(_ask(server, module, arguments))


def _run(module, arguments):
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        from pipeline.stage import tell_peak_memory  # of the code on disk, as the stage itself

        tell_peak_memory()


def _ask(server, module, arguments):
    """Hand the stage to the server; return its exit status. Our death closes the socket, which ends the stage."""
    request = json.dumps([module, arguments, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(request)
    answer = server.recv(8)
    return int(answer) if answer else 1


def _serve(address, parent, libraries):
    """Import these of PRELOADED; listen until the parent process is gone; fork a keeper for each command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the commands; their closed sockets end the stages
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(64)
    sweep(os.path.dirname(address))
    for name in itertools.chain.from_iterable(PRELOADED[library] for library in libraries):
        with contextlib.suppress(ImportError):
            __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers leave nothing to wait for
    listener.settimeout(1)
    while os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _keep(client)
            client.close()
    os.unlink(address)
    os.rmdir(os.path.dirname(address))
    sys.exit()


def sweep(own):
    """Remove the folders of servers that were killed, beside our own: their socket is there, and nobody listens."""
    beside, name = os.path.split(own)
    kind = name.partition("-")[0] + "-"
    for other in glob.glob(os.path.join(glob.escape(beside), glob.escape(kind) + "*", "socket")):
        with contextlib.suppress(OSError):
            # Between its birth and its first breath a server does not listen either.
            if time.time() - os.stat(other).st_mtime > 60 and not _listens(other):
                os.unlink(other)
                os.rmdir(os.path.dirname(other))


def _listens(address):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(address)
        except ConnectionRefusedError:
            return False
        return True


def _keep(client):
    """In a process of its own: run the stage in a fork, tell the command how it ended, end it if the command is gone.

    A caller that leaves before it has said all, as one that only looks whether somebody listens, has no stage run.
    The server never has a thread, because a fork of a process with threads may inherit a lock that nobody opens.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    client.settimeout(None)
    head, streams, _, _ = socket.recv_fds(client, 8, 3)
    request = _received(client, int.from_bytes(head, "big"))
    if len(head) < 8 or request is None:
        os._exit(0)
    stage = os.fork()
    if stage == 0:
        client.close()
        _become(streams, *json.loads(request))
    threading.Thread(target=_end_with, args=(client, stage), daemon=True).start()
    _, status = os.waitpid(stage, 0)
    with contextlib.suppress(OSError):
        client.sendall(str(os.waitstatus_to_exitcode(status) & 0xFF).encode())
    os._exit(0)


def _received(client, size):
    """Return so many bytes from a socket, or None where the other end closes before."""
    received = b""
    while len(received) < size:
        more = client.recv(size - len(received))
        if not more:
            return None
        received += more
    return received


def _end_with(client, stage):
    if not client.recv(1):
        # The stage may be so young that it leads no group yet.
        for end in (os.kill, os.killpg):
            with contextlib.suppress(OSError):
                end(stage, signal.SIGTERM)


def _become(streams, module, arguments, folder, environment):
    """In the forked child: take over the command's surroundings, run the stage, and exit."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    status = 1
    try:
        _run(module, arguments)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
