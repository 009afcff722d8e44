"""The Slurm profile on a real Slurm of one node: a whole table, and what goes wrong on a cluster.

The cluster is installed, started, stopped and removed again by tests/slurm/, so it takes root and a Debian container.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import ROOT
from study_copy import copy_repository, edit, snakemake, tiny

SCRIPTS = ROOT / "tests" / "slurm"
SIZES = {"CPUS": "5", "GPUS": "5"}
NO_PACKAGES = 75  # exit status of up.sh
DAEMONS = {"munged", "slurmctld", "slurmd", "slurmstepd"}

# What is cut off, and how; each has its last checkpoint to go on from.
KILLED = "generators/drawn_signs-n2-s0-reacgan"
CANCELLED = "generators/drawn_signs-n2-s0-spade_bones"
OUT_OF_TIME = "generators/drawn_signs-n2-s0-spade_keypoints"
PREEMPTED = "real_classifiers/drawn_signs-n2-s0-real"
TRAININGS = [KILLED, CANCELLED, OUT_OF_TIME, PREEMPTED]


def one_size(params):
    """The tiny study with Table 8 at one size: ten classifiers."""
    params = tiny(params)
    params["studies"]["demo"]["experiments"]["drawn_signs"]["sizes"] = [2]
    params["studies"]["demo"]["rivals"]["sizes"] = [2]
    params["studies"]["demo"]["errata"]["rows"] = {}
    return params


def longer_trainings(params):
    """The same with trainings of some seconds, which save their state several times."""
    signs = one_size(params)["studies"]["demo"]["experiments"]["drawn_signs"]
    for generator in signs["generators"].values():
        generator |= {"steps": 36, "checkpoint_every": 4}
    signs["classifier"] |= {"epochs": 8}
    return params


# Snakemake asks Slurm less and less often, down to every three minutes; a test has no time for that.
ASK_OFTEN = """
import asyncio
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.sleep = lambda self: asyncio.sleep(1)
"""


def copy_for_slurm(folder, shrink):
    copy_repository(folder, shrink)
    edit(folder / "Snakefile", 'configfile: "params.yaml"\n', 'configfile: "params.yaml"\n' + ASK_OFTEN)
    # Groups are as much smaller as the study.
    edit(folder / "slurm" / "config.yaml", "predictions: 12", "predictions: 4")
    return folder


def surroundings():
    """The environment of a person who has activated the project's own."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


class Call:
    """A command in the background."""

    running = []  # noqa: RUF012  # of all calls, so that none outlives the tests

    def __init__(self, folder, *command):
        self.folder = folder
        self.spoken = folder / f"call{time.monotonic_ns()}.txt"
        with self.spoken.open("w") as output:
            streams = {"stdout": output, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(command, cwd=folder, env=surroundings(), start_new_session=True, **streams)
        self.running.append(self)

    @property
    def said(self):
        return self.spoken.read_text()

    def wait(self, seconds):
        """Return the exit status; fail if the call takes longer."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {seconds} s:\n{self.said[-3000:]}")

    @classmethod
    def end_all(cls):
        for call in cls.running:
            if call.process.poll() is None:
                os.killpg(call.process.pid, signal.SIGKILL)
                call.process.wait()


def on_slurm(folder, *arguments):
    """Call Snakemake as the README says."""
    return Call(folder, "snakemake", "--profile", "slurm", *arguments)


def within(seconds, question, what):
    """Return the first answer of question() that is true; fail if there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


def scontrol(*words):
    return subprocess.run(["scontrol", *words], capture_output=True, text=True, timeout=30)


def jobs_of(folder, named=""):
    """Return what the controller knows of the folder's Slurm jobs, oldest first; of those with this in their name."""
    listed = scontrol("show", "job", "-o").stdout.splitlines()
    jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in listed]
    return [job for job in jobs if job.get("WorkDir") == str(folder) and named in job["Comment"]]


def name_of(target):
    """A part of what the plugin calls the Slurm job of a target."""
    rule, subset = target.split("/")
    return f"rule_{rule}_wildcards_" + re.sub(r"-n(\w+)-s(\d+)-", r"_\1_\2_", subset)


def running_job(folder, target):
    jobs = within(60, lambda: [job for job in jobs_of(folder, name_of(target)) if job["JobState"] == "RUNNING"], target)
    return jobs[-1]["JobId"]


def stage_process(folder, target):
    """The process that trains the target, without the shells and Snakemakes around it."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = process.info["cmdline"] or []
        stage = command[1:3] == ["-m", "pipeline.warm"] and f"results/{target}.safetensors" in command
        if stage and process.info["cwd"] == str(folder):
            return process
    return None


def state_file(folder, target):
    # Classifiers of real images are trained by the rule of the others.
    return folder / "results" / ".state" / f"{target.removeprefix('real_')}.pt"


def hold_at_checkpoint(folder, targets):
    """Suspend each training as soon as it has saved its state, whichever comes first; return {target: process}."""
    held = {}

    def all_held():
        for target in set(targets) - held.keys():
            if state_file(folder, target).exists() and (process := stage_process(folder, target)):
                process.suspend()
                held[target] = process
        return len(held) == len(targets)

    within(240, all_held, f"a checkpoint of each of {targets}")
    return held


def start_again_at_once(folder, target):
    """Slurm lets a requeued job wait two minutes; an administrator need not."""
    (job,) = jobs_of(folder, name_of(target))

    def started_again():
        scontrol("update", f"jobid={job['JobId']}", "starttime=now")
        (now,) = jobs_of(folder, name_of(target))
        return now["Restarts"] == "1" and now["JobState"] in ("RUNNING", "COMPLETED")

    within(60, started_again, f"{target} runs again")


def outputs_of(folder, targets):
    """Return {file name: content} of everything that these targets' jobs make."""
    paths = [path for target in targets for path in (folder / "results").glob(f"{target}.*")]
    return {path.name: path.read_bytes() for path in paths}


def end_of_log(folder, target):
    return (folder / "logs" / f"{target}.log").read_text()


def bring_up():
    """Start what does not run of the cluster, installing it if need be."""
    return subprocess.run([SCRIPTS / "up.sh"], env=os.environ | SIZES, capture_output=True, text=True)


@pytest.fixture(scope="module")
def alone():
    """The right to the machine's only Slurm, which these tests change and break."""
    with (Path(tempfile.gettempdir()) / "slurm-of-the-tests.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.skip("no Slurm for these tests: another run of them uses it")
        yield


@pytest.fixture(scope="module")
def cluster(alone):
    """A Slurm that is ours, up and running; removed afterwards, if it was not there before."""
    if os.geteuid() != 0:
        pytest.skip("no Slurm is installed: needs root")
    if not shutil.which("apt-get"):
        pytest.skip("no Slurm is installed: needs Debian's packages, and there is no apt-get")
    if Path("/run/systemd/system").exists():
        pytest.skip("no Slurm is installed: systemd runs here, so this is no container or test machine")
    was_ours = Path("/var/lib/slurm-of-the-tests").exists()
    if not was_ours and shutil.which("sbatch"):
        pytest.skip("a Slurm is here already, and no test sends jobs to somebody's cluster")
    up = bring_up()
    if up.returncode == NO_PACKAGES:
        pytest.skip(up.stderr.strip())
    assert up.returncode == 0, up.stderr
    yield
    Call.end_all()
    subprocess.run([SCRIPTS / "down.sh", *([] if was_ours else ["--uninstall"])], check=True)
    alive = {process.name() for process in psutil.process_iter() if process.status() != psutil.STATUS_ZOMBIE}
    assert was_ours or not DAEMONS & alive


@pytest.fixture(scope="module")
def table8(cluster, tmp_path_factory):
    """The command of the README, on its way in a folder of its own, while other tests use the other core."""
    folder = copy_for_slurm(tmp_path_factory.mktemp("table8") / "repository", one_size)
    return on_slurm(folder, "results/table8.csv")


@pytest.fixture(scope="module")
def undisturbed(cluster, tmp_path_factory):
    """A folder in which the trainings are due, and what they made there before, undisturbed and without Slurm."""
    folder = copy_for_slurm(tmp_path_factory.mktemp("trainings") / "repository", longer_trainings)
    # A classifier saves its state after every epoch, for its epochs are short here.
    edit(folder / "pipeline" / "classify" / "train.py", "SECONDS_BETWEEN_STATES = 30", "SECONDS_BETWEEN_STATES = 0")
    status, said = snakemake(folder, *(f"results/{target}.safetensors" for target in TRAININGS))
    assert status == 0, said[-3000:]
    made = outputs_of(folder, TRAININGS)
    for target in TRAININGS:
        for path in (folder / "results").glob(f"{target}.*"):
            path.unlink()
    return folder, made


@pytest.fixture(scope="module")
def cut_off(undisturbed):
    """All trainings in one call, each cut off after its first checkpoint in a way of its own; the call went on."""
    folder, _ = undisturbed
    call = on_slurm(folder, *(f"results/{target}.safetensors" for target in TRAININGS))
    # Held before anything is asked of Slurm: a short one may be over before another has found a free core.
    held = hold_at_checkpoint(folder, TRAININGS)
    ids = {target: running_job(folder, target) for target in TRAININGS}
    # It stays suspended, so it cannot end before the controller looks at the clock, which it does twice a minute.
    scontrol("update", f"jobid={ids[OUT_OF_TIME]}", "endtime=now")
    held[KILLED].kill()
    subprocess.run(["scancel", ids[CANCELLED]], check=True)
    scontrol("requeue", ids[PREEMPTED])
    for target in (CANCELLED, PREEMPTED):
        held[target].resume()
    start_again_at_once(folder, PREEMPTED)

    assert call.wait(180) == 0, call.said[-3000:]
    return call


def test_the_profile_sends_to_the_gpus_what_asks_for_one(tmp_path):
    copy_for_slurm(tmp_path / "repository", one_size)
    status, said = snakemake(tmp_path / "repository", "--profile", "slurm", "-n", "all")
    assert status == 0, said[-3000:]
    jobs = re.findall(r"^ *rule (\w+):\n(?: +\w.*\n)*? +resources: (.*)\n", said, re.MULTILINE)
    with_gpu = {rule for rule, resources in jobs if "gpu=1" in resources}
    sent = {rule for rule, resources in jobs if "slurm_partition=gpu" in resources}
    # `filtered` shares its Slurm jobs with rules that use a GPU.
    assert sent == with_gpu | {"filtered"}
    assert with_gpu == {
        "generators",
        "classifiers",
        "real_classifiers",
        "images",
        "scores",
        "conditioning",
        "predictions",
    }
    assert {"poses", "crops", "tables"} <= {rule for rule, _ in jobs}


def test_a_second_call_in_the_same_folder_refuses(table8):
    within(60, lambda: jobs_of(table8.folder), "a first job")
    second = on_slurm(table8.folder, "results/table8.csv")
    assert second.wait(60) != 0
    assert "Directory cannot be locked" in second.said
    assert table8.process.poll() is None


@pytest.mark.parametrize("target", TRAININGS)
def test_a_training_that_was_cut_off_ends_with_the_same_bits(undisturbed, cut_off, target):
    folder, made = undisturbed
    now = outputs_of(folder, [target])
    assert now and now == {name: made[name] for name in now}
    # It took up its state: it did not merely start anew.
    gone_on = re.search(r"(?:goes on after step|resumed after) (\d+)", end_of_log(folder, target))
    assert gone_on and int(gone_on[1]) > 0


@pytest.mark.parametrize(("target", "state"), [(KILLED, "FAILED"), (CANCELLED, "CANCELLED"), (OUT_OF_TIME, "TIMEOUT")])
def test_snakemake_notices_and_tries_again_with_more_time_and_memory(cut_off, target, state):
    first, second = jobs_of(cut_off.folder, name_of(target))
    assert (first["JobState"], second["JobState"]) == (state, "COMPLETED")
    assert megabytes(second) == 2 * megabytes(first)
    assert minutes(second) == 2 * 480


def megabytes(job):
    amount, unit = re.search(r"mem=(\d+)([MG])", job["TRES"]).groups()
    return int(amount) * {"M": 1, "G": 1024}[unit]


def minutes(job):
    hours, minutes, _ = job["TimeLimit"].replace("1-", "24:").split(":")[-3:]
    return 60 * int(hours) + int(minutes)


def test_a_preempted_job_is_started_again_by_slurm_alone(cut_off):
    (job,) = jobs_of(cut_off.folder, name_of(PREEMPTED))
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")


def test_the_error_of_a_job_reaches_the_terminal(undisturbed, tmp_path):
    folder = shutil.copytree(undisturbed[0], tmp_path / "repository")
    before = {path: path.read_bytes() for path in (folder / "results").glob("*/*.*")}
    edit(folder / "params.yaml", "- index\n", "- thumb\n")
    call = on_slurm(folder, "--retries", "0", "results/subsets/drawn_signs-n2-s0.csv")
    assert call.wait(90) != 0
    assert re.search("^error: .*class 'index' is not among", call.said, re.MULTILINE), call.said[-3000:]
    # What was made before is all there, the product of the job that failed as well.
    assert folder / "results" / "manifests" / "drawn_signs.csv" in before
    assert {path: path.read_bytes() for path in before} == before


def test_table8_is_made_by_slurm(table8):
    assert table8.wait(300) == 0, table8.said[-3000:]
    table = pd.read_csv(table8.folder / "results" / "table8.csv", dtype=str)
    assert len(table) == 10
    assert table["2"].astype(float).between(0, 100).all()
    jobs = jobs_of(table8.folder)
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    done = int(re.search(r"(\d+) of \1 steps \(100%\) done", table8.said)[1])
    # Grouped: ten predictions alone are three Slurm jobs.
    assert sum("predictions" in job["Comment"] for job in jobs) == 3
    assert len(jobs) < done - 10


def test_gpu_jobs_have_a_gpu_and_the_others_none(table8):
    assert table8.wait(300) == 0
    for job in jobs_of(table8.folder):
        rule = re.match(r"rule_(real_classifiers|[a-z]+)", job["Comment"])[1]
        gpu = rule in ("generators", "images", "real_classifiers", "classifiers", "predictions")
        assert job["Partition"] == ("gpu" if gpu else "cpu"), job
        assert job.get("TresPerJob") == ("gres:gpu:1" if gpu else None), job


def test_every_job_has_its_log_in_one_place(table8):
    assert table8.wait(300) == 0
    logs = {path.stem for path in (table8.folder / "logs" / "slurm").rglob("*.log")}
    assert logs == {job["JobId"] for job in jobs_of(table8.folder)}


def test_a_node_that_dies_takes_nothing_with_it(undisturbed, cut_off, table8):
    folder, made = undisturbed
    assert table8.wait(300) == 0  # its jobs would die as well
    (folder / "results" / f"{KILLED}.safetensors").unlink()
    call = on_slurm(folder, f"results/{KILLED}.safetensors")
    job = running_job(folder, KILLED)
    hold_at_checkpoint(folder, [KILLED])
    pull_the_plug()
    assert jobs_of(folder)[-1]["JobState"] == "PENDING"
    assert call.process.poll() is None
    assert bring_up().returncode == 0
    within(60, lambda: back_at_work(job), "the job runs again")
    assert call.wait(120) == 0, call.said[-3000:]
    assert outputs_of(folder, [KILLED]) == {
        f"{Path(KILLED).name}.safetensors": made[f"{Path(KILLED).name}.safetensors"]
    }
    assert "goes on after step" in end_of_log(folder, KILLED)


def pull_the_plug():
    """End the node's daemon and everything it started, without a word to anybody; the controller hears it from us."""
    daemons = [process for process in psutil.process_iter() if process.name() in ("slurmd", "slurmstepd")]
    jobs = [child for daemon in daemons for child in daemon.children(recursive=True)]
    # The daemons first, or they would report how the jobs ended.
    for process in daemons + jobs:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    scontrol("update", "nodename=ALL", "state=down", "reason=died")


def back_at_work(job):
    scontrol("update", f"jobid={job}", "starttime=now")
    return "JobState=RUNNING" in scontrol("show", "job", job).stdout


def test_the_commands_of_the_readme(table8):
    section = re.search(
        r"^## On a cluster\n(.*?)(?=^## |\Z)", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert section, "README.md has no section `## On a cluster`"
    blocks = re.findall(r"^```\n(.*?)^```", section[1], re.DOTALL | re.MULTILINE)
    assert any("snakemake --profile slurm results/table8.csv\n" in block for block in blocks)
    assert table8.wait(300) == 0
    table = table8.folder / "results" / "table8.csv"
    before = table.read_bytes()
    table.unlink()
    (table8.folder / ".venv").symlink_to(sys.prefix)
    for block in blocks:
        call = Call(table8.folder, "bash", "-euc", block)
        assert call.wait(120) == 0, call.said[-3000:]
    assert table.read_bytes() == before
