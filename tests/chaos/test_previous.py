"""What was made before is there after a job that was to replace it has failed; Snakemake deletes it before the job."""

import os
import resource
import shutil
import subprocess
import sys

import pytest
from study_copy import change_params

from pipeline import previous
from pipeline.data.files import note_sum
from pipeline.locks import begin_alone
from pipeline.records import record_path
from pipeline.stage import WrongInput
from pipeline.sums import sum_file

MADE = ("drawn", "manifests", "poses", "splits", "crops")
CROPS = [f"results/crops/drawn_signs-{part}.zip" for part in ("train", "test")]
# What a job's shell reads first: its stage, not forked from the warm server, may write files of 60 kB at most.
NO_ROOM = "unset PIPELINE_WARM; ulimit -f 60"


def make_crops(folder, *options, room=resource.RLIM_INFINITY, **surroundings):
    """Have Snakemake, whose files may have `room` bytes, make the crops; return its exit status and what it said."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *options, *CROPS],
        cwd=folder,
        env=os.environ | surroundings,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(finished_study, tmp_path_factory):
    """The finished tiny study up to its crops, without DVC."""

    def left_out(place, names):
        inside = os.path.relpath(place, finished_study)
        return {".dvc", ".git"} if inside == "." else set(names) - {*MADE, ".sums"} if inside == "results" else set()

    return shutil.copytree(finished_study, tmp_path_factory.mktemp("previous") / "repository", ignore=left_out)


def crop_wider(params):
    params["datasets"]["drawn_signs"]["crop"] = {"size": 64, "margin": 1.0}
    return params


def test_a_job_without_room_leaves_what_it_was_to_replace_and_is_still_due(copy, tmp_path):
    (tmp_path / "limit").write_text(NO_ROOM)
    change_params(copy, crop_wider)
    paths = [copy / name for name in CROPS]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths]
    failed = make_crops(copy, BASH_ENV=str(tmp_path / "limit"))
    assert failed.returncode != 0 and "no room is left for it" in failed.stdout, failed.stdout
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths] == before
    assert not (copy / "results/.previous").exists()
    # It is due, though nothing was forced: the record of the failed job would say that it has today's margin.
    done = make_crops(copy)
    assert done.returncode == 0, done.stdout
    assert all(path.read_bytes() != old for path, (old, _) in zip(paths, before, strict=True))
    assert not (copy / "results/.previous").exists()


def test_a_run_without_room_for_its_records_says_so_in_one_line(copy):
    failed = make_crops(copy, "--forceall", room=500_000)
    assert failed.returncode != 0 and "Traceback" not in failed.stdout
    assert failed.stdout.splitlines()[-1] == (
        "error: .snakemake: no room is left for the records of a run ([Errno 27] File too large);"
        " make room (disk or quota) and run the same command again"
    )


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The two outputs of a job with records and sums, set aside in this folder."""
    monkeypatch.chdir(tmp_path)
    names = ["results/crops/a.zip", "results/crops/b.zip"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"old {name}")
        note_sum(path, path)
        record_path(name).parent.mkdir(parents=True, exist_ok=True)
        record_path(name).write_text(f"record of {name}")
    previous.set_aside([names, ["results/crops/not_made_yet.zip"]])
    return [tmp_path / name for name in names]


def as_of_a_failed_job(paths):
    """Do what a stage and Snakemake do: delete outputs, note the sum of new ones, write records of the job."""
    for path in paths:
        path.unlink()
        sum_file(path).write_text("of another file")
        record_path(path.relative_to(path.parents[2])).write_text("of another job")


def test_the_run_after_one_that_was_killed_puts_back_what_its_jobs_had_deleted(job):
    as_of_a_failed_job(job)
    begin_alone(on_cluster=False).close()
    for path in job:
        name = path.relative_to(path.parents[2])
        assert path.read_text() == f"old {name}" and record_path(name).read_text() == f"record of {name}"
        assert sum_file(path).read_text() != "of another file"
    assert not previous._PLACE.exists()


def test_what_a_job_made_is_not_mixed_with_what_was_before(job):
    as_of_a_failed_job(job)
    job[0].write_text("new")
    previous.put_back()
    assert job[0].read_text() == "new" and not job[1].exists() and not previous._PLACE.exists()


def test_without_room_for_the_records_all_waits_for_the_next_run(job, monkeypatch, capsys):
    as_of_a_failed_job(job)
    with monkeypatch.context() as full:
        full.setattr("pipeline.previous.os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        previous.put_back()
    assert "comes back with the next run" in capsys.readouterr().err and not any(path.exists() for path in job)
    previous.put_back()
    assert all(path.exists() for path in job)


def test_a_run_killed_while_it_notes_what_is_whose_keeps_none_from_running(job, monkeypatch):
    previous.put_back()
    whole = previous.Path.write_text

    def killed(path, text, **rest):
        whole(path, text[: len(text) // 2], **rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(previous.Path, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            previous.set_aside([[str(path.relative_to(path.parents[2])) for path in job]])
    begin_alone(on_cluster=False).close()
    assert all(path.exists() for path in job) and not previous._PLACE.exists()


@pytest.mark.parametrize("rest", [b"", b"[{", b"\xff"])
def test_what_was_set_aside_outlives_a_damaged_note_of_whose_it_is(job, rest):
    as_of_a_failed_job(job)
    previous._JOBS.write_bytes(rest)
    with pytest.raises(WrongInput, match=r"results/\.previous/jobs\.json: damaged .*delete results/\.previous and run"):
        begin_alone(on_cluster=False)
    assert (previous._PLACE / "crops" / "a.zip").read_text() == "old results/crops/a.zip"


def test_jobs_of_a_killed_run_on_a_cluster_may_go_on_and_are_left_alone(job):
    begin_alone(on_cluster=True).close()  # which puts nothing back, for nothing is missing
    previous.set_aside([[str(path.relative_to(path.parents[2])) for path in job]])
    as_of_a_failed_job(job)
    locks = previous.Path(".snakemake/locks")
    locks.mkdir()
    (locks / "0.output.lock").write_text("results/crops/a.zip")
    begin_alone(on_cluster=True).close()
    assert not job[0].exists() and previous._PLACE.exists()
    (locks / "0.output.lock").unlink()  # snakemake --unlock
    begin_alone(on_cluster=True).close()
    assert all(path.exists() for path in job)
