import sys

import pandas as pd
import pytest

from pipeline.bench import scale
from pipeline.data.archive import read_image_set


def test_the_stages_take_every_drawn_photograph_and_their_cost_is_told(tmp_path, monkeypatch, capsys):
    # Enough that each of the twelve gestures has the four that a split asks for.
    arguments = ["--photographs", "48", "--size", "80", "60", "--scratch", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["scale", *arguments])
    monkeypatch.setattr(scale, "decoding_seconds", lambda size: 0.001)
    kept = {}

    def measured(command):
        costs = run(command)
        folder = next(tmp_path.iterdir())
        kept["listed"] = len(pd.read_csv(folder / "manifest.csv"))
        if (folder / "test.zip").exists():
            kept["crops"] = [len(read_image_set(folder / f"{part}.zip")) for part in ("train", "test")]
        return costs

    run = scale.measured
    monkeypatch.setattr(scale, "measured", measured)
    scale.main()
    # One in thirteen tests.
    assert kept == {"listed": 48, "crops": [44, 4]}
    told = [line for line in capsys.readouterr().out.splitlines() if "photographs/s" in line]
    assert [line.split(":")[0] for line in told] == ["manifest", "poses", "split", "crop"]
    assert all(" core s, " in line and f"{scale.HAGRID} photographs: " in line for line in told)
    assert list(tmp_path.iterdir()) == [], "the drawn photographs do not stay"


def test_no_two_drawn_photographs_are_equal_files(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "_PICTURES", 2)
    scale.draw_data_set(tmp_path / "hagrid", 24, (40, 30))
    files = [path.read_bytes() for path in (tmp_path / "hagrid").rglob("*.jpg")]
    assert len(files) == len(set(files)) == 24


def test_a_stage_that_fails_is_not_measured():
    with pytest.raises(scale.subprocess.CalledProcessError):
        scale.measured([sys.executable, "-c", "raise SystemExit(3)"])
