import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipeline.progress import Progress, show_products

ROOT = Path(__file__).parents[1]
LOG = """Job stats:
job            count
-----------  -------
generators         2
images             2
total              4

[Mon Nov 23 04:49:00 2026]
rule generators:
    input: a.zip
    jobid: 7
    wildcards: dataset=rwth, size=5, seed=0, condition=reacgan
[Mon Nov 23 04:49:10 2026]
Finished jobid: 7 (Rule: generators)
1 of 4 steps (25%) done
"""


def test_a_line_per_job_says_what_how_far_and_how_long_still():
    clock = iter([100.0, 130.0])
    progress = Progress(cores=2, clock=lambda: next(clock))
    printed = [text for line in LOG.splitlines() if (text := progress.read(line))]
    assert len(printed) == 1
    what, left = printed[0].split(" s   ")
    assert what.split() == ["[1/4]", "generators", "rwth-5-0-reacgan", "30.0"]
    # one generator of 30 s and two image sets of 30 s * 1/20 each, on two cores
    assert left == "about 16 s left"


def test_nothing_to_do_and_errors_are_told():
    progress = Progress(cores=2)
    assert progress.read("Nothing to be done (all requested files are present and up to date).\n").startswith("Nothing")
    assert progress.read("error: data/rwth: no such data set\n") == "error: data/rwth: no such data set"
    assert progress.read("Building DAG of jobs...\n") is None


def test_a_job_whose_start_was_not_told_is_named_by_its_rule():
    assert Progress(cores=2).read("Finished jobid: 3 (Rule: filtered)").startswith("[1/0] filtered")


def test_what_runs_nothing_is_shown_as_snakemake_says_it_and_no_product_with_it():
    command = [sys.executable, "-m", "pipeline.progress", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "error" not in done.stderr
    assert "--keep-going" in done.stdout and "Table 8" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--", "all"], ["Do generated images help on toy?", "Table 8", "Everything else"]),
        ([], ["Do generated images help on toy?", "Table 8", "Everything else"]),
        (["--", "results/table8.csv"], ["Table 8", "Everything else"]),
        (["--", "results/verdict.md"], ["Do generated images help on toy?"]),
        (["--", "results/table9.csv"], []),
    ],
)
def test_what_was_asked_for_is_shown_the_verdict_first(tmp_path, monkeypatch, capsys, arguments, shown):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/verdict").mkdir(parents=True)
    pd.DataFrame({"source": ["toy"], "all": ["50.00"]}).to_csv("results/table8.csv", index=False)
    verdicts = {"5": {"sentences": ["Nothing found."]}, "all": {"sentences": ["Nothing found.", "Train more. " * 20]}}
    (tmp_path / "results/verdict/verdict.json").write_text(json.dumps({"dataset": "toy", "verdicts": verdicts}))
    show_products(arguments)
    said = capsys.readouterr().out
    found = [text for text in ("Do generated images help on toy?", "Table 8", "Everything else") if text in said]
    assert found == shown and sorted(shown, key=said.index) == shown
    if shown and "Do" in shown[0]:
        assert "\n5 training images per class: Nothing found.\nAll training images: Nothing found. Train" in said
    if "Everything else" in shown:
        assert "results/table*.csv" in said and "results/report/" not in said  # the second is not there
    assert all(len(line) <= 120 for line in said.splitlines())
