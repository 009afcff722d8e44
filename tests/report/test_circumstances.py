import json
import subprocess

import pytest

from pipeline.records import record_path
from pipeline.report.circumstances import revision, times_of


def record(root, output, started, ended, log):
    path = root / record_path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"rule": "r", "starttime": started, "endtime": ended, "log": [log], "incomplete": False})
    )


def test_a_job_of_two_files_counts_once_and_one_that_did_not_run_has_no_time(tmp_path):
    files = [f"results/r/{name}" for name in ("a.csv", "a.png", "b.csv", "c.csv", "d.csv")]
    record(tmp_path, files[0], 10, 12, "a.log")
    record(tmp_path, files[1], 10, 12, "a.log")
    record(tmp_path, files[2], 10, 18, "b.log")
    record(tmp_path, files[3], 30, 20, "c.log")  # restored: recorded after the file got its date
    (times,) = times_of({"r": files, "none": []}, tmp_path)
    assert (times.seconds, times.jobs, times.without_run, times.unrecorded) == ([2, 8], 3, 1, 1)
    assert times.median == 5 and times.peak is None


def test_memory_is_the_most_that_any_log_of_a_rule_tells(tmp_path):
    files = {name: f"results/r/{name}.zip" for name in "abc"}
    for name, said in (("a", "no word of it\n"), ("b", "peak memory 812 MB\n"), ("c", "x\npeak memory 1400 MB\ny\n")):
        record(tmp_path, files[name], 10, 12, f"{name}.log")
        (tmp_path / f"{name}.log").write_text(said)
    assert times_of({"r": [files["a"]]}, tmp_path)[0].peak is None
    assert times_of({"r": list(files.values())}, tmp_path)[0].peak == 1400


def git(folder, *arguments):
    own = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_revision_is_that_of_this_folder_and_says_whether_files_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision() is None
    git(tmp_path, "init", "--quiet")
    assert revision() is None  # no commit yet
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a").write_text("1")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "-m", "start")
    commit, changed = revision()
    assert len(commit) == 40 and not changed
    (tmp_path / "inside" / "a").write_text("2")
    assert revision() == (commit, True)
    monkeypatch.chdir(tmp_path / "inside")
    assert revision() is None


def test_a_machine_without_git_has_no_revision(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert revision() is None


@pytest.mark.parametrize("content", ["", "{", json.dumps({"rule": "r", "incomplete": True})])
def test_a_record_that_tells_nothing_is_none(tmp_path, content):
    path = tmp_path / record_path("results/r/a.csv")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert times_of({"r": ["results/r/a.csv"]}, tmp_path)[0].unrecorded == 1
