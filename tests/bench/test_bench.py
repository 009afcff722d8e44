import json
import math
import subprocess
import sys

import pytest
from conftest import ROOT
from gan.small import OPTIONS

from pipeline.bench.__main__ import compare_losses
from pipeline.bench.forms import TimedBatches, noise_images
from pipeline.bench.measure import step_operations
from pipeline.sources import source_files

COLUMNS = {
    *("width", "condition", "batch", "form", "precision", "train_images_per_s", "train_ratio", "draw_images_per_s"),
    *(
        "draw_ratio",
        "data_share",
        "peak_mb",
        "matmul_share",
        "matmul_gflop_per_s",
        "device",
        "model",
        "threads",
        "torch",
    ),
}


def bench(*arguments):
    command = [sys.executable, "-m", "pipeline.bench", "--width", "demo", "--threads", "1", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_both_forms_are_measured(tmp_path):
    done = bench("--quick", "--condition", "spade_bones", "--json", str(tmp_path / "rows.json"))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "rows.json").read_text().splitlines()]
    assert [row["form"] for row in rows] == ["plain", "shipped"]
    for row in rows:
        assert set(row) == COLUMNS
        numbers = [value for value in row.values() if not isinstance(value, str)]
        assert all(math.isfinite(number) and number > 0 for number in numbers)
        assert row["data_share"] < 1 and row["form"] in done.stdout
    assert rows[0]["train_ratio"] == rows[0]["draw_ratio"] == 1


# Operations of a step of the released code per image of a batch (the latter without a pass that it does not use).
@pytest.mark.parametrize(("condition", "operations"), [("reacgan", 240.4e9), ("spade_bones", 276.6e9)])
def test_a_plain_step_has_the_operations_of_the_released_one(condition, operations):
    paper = {"channels": 96, "z_dim": 80, "shared_dim": 128, "embed_dim": 512, "discriminator_updates": 5}
    options = {**OPTIONS, **paper, "condition": condition, "as_published": ["adc"]}
    assert step_operations(options, noise_images(0)) == pytest.approx(operations, rel=2e-3)


def test_losses_of_both_forms_agree():
    options = {**OPTIONS, "condition": "reacgan", "as_published": ["adc"]}
    rows = compare_losses(noise_images(0), options, ["float32"], steps=4, device="cpu")
    assert [row["loss"] for row in rows] == ["discriminator", "generator"]
    assert all(0 < row["mean"] <= row["largest"] < 0.05 for row in rows)


def test_waiting_is_what_the_draws_take(monkeypatch):
    ticks = iter([10.0, 10.5, 20.0, 22.0])
    batches = TimedBatches(noise_images(0), OPTIONS, "cpu")
    monkeypatch.setattr("pipeline.bench.forms.time.perf_counter", lambda: next(ticks))
    batches.real(0, 0), batches.augmentation(0, 0, "real")
    assert batches.waited == 2.5


def test_numbers_too_small_are_refused():
    done = bench("--batch", "1")
    assert done.returncode == 1 and done.stderr.startswith("error: --batch")


def test_no_stage_depends_on_the_bench():
    for path in sorted((ROOT / "pipeline").glob("*/*.py")):
        if path.parent.name != "bench":
            used = source_files(f"pipeline.{path.parent.name}.{path.stem}")
            assert not any(file.startswith("pipeline/bench/") for file in used), path
