"""Two people, each with a clone, on one file system with one cache of DVC."""

import subprocess

from chaos.kills import COMMAND, products, study_in
from study_copy import run

# Whole stages, which are recorded in dvc.lock.
TARGETS = [f"results/manifests/{name}.csv" for name in ("drawn_signs", "drawn_gestures")]


def test_two_runs_at_once_share_a_cache_and_end_with_the_same_bytes(tmp_path):
    people = [study_in(tmp_path / name) for name in ("one", "other")]
    for folder in people:
        run(folder, f"dvc config --local cache.shared group && dvc cache dir --local {tmp_path / 'cache'}")
    logs = [(folder / "run.log").open("w") for folder in people]
    runs = [
        subprocess.Popen([*COMMAND[:-1], *TARGETS], cwd=folder, stdout=log, stderr=log)
        for folder, log in zip(people, logs, strict=True)
    ]
    ended = [begun.wait(600) for begun in runs]
    assert ended == [0, 0], [(folder / "run.log").read_text()[-2000:] for folder in people]
    assert products(people[0]) == products(people[1])
    # What one made, the other's cache has.
    (people[0] / "results/manifests/drawn_signs.csv").unlink()
    run(people[0], "dvc checkout --quiet --relink results/manifests")
    assert products(people[0]) == products(people[1])


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path):
    folder = study_in(tmp_path / "repository")
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    first = subprocess.Popen([*COMMAND[:-1], *TARGETS], cwd=folder, **streams)
    assert "[" in first.stdout.readline()
    second = subprocess.run([*COMMAND[:-1], *TARGETS], cwd=folder, **streams)
    assert second.returncode != 0 and "cannot be locked" in second.stdout and "Traceback" not in second.stdout
    said, _ = first.communicate(timeout=600)
    assert first.returncode == 0, said[-2000:]
