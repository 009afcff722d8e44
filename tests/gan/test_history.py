import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT

from pipeline.gan.events import Events
from pipeline.gan.history import History, write_curve, write_samples


def a_history():
    history = History(steps=4, device="cpu")
    history.losses[:] = torch.tensor([[1, 2, 3], [3, 4, 5], [10, 20, 30], [12, 22, 32.0]])
    return history


def test_losses_are_means_since_the_last_evaluation():
    history = a_history()
    assert history.since_last_evaluation(2) == {"loss_d": 2, "hinge_d": 3, "loss_g": 4}
    history.evaluations.append({"step": 2})
    assert history.since_last_evaluation(4) == {"loss_d": 11, "hinge_d": 21, "loss_g": 31}


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_the_first_step_without_a_finite_loss_is_found(broken):
    history = a_history()
    assert history.first_broken_step(0, 4) is None
    history.losses[1:, 2] = broken
    assert history.first_broken_step(0, 4) == 2 and history.first_broken_step(2, 4) == 3
    assert history.first_broken_step(0, 1) is None


def test_curve_has_a_row_per_evaluation(tmp_path):
    history = a_history()
    history.evaluations = [{"step": 2, "frechet": 7.5, "collapse": ""}, {"step": 4, "frechet": 6.0, "collapse": ""}]
    write_curve(tmp_path / "curve.csv", history)
    assert pd.read_csv(tmp_path / "curve.csv")["frechet"].tolist() == [7.5, 6]


def test_samples_stand_below_each_other_poses_first(tmp_path):
    history = a_history()
    history.evaluations = [{"step": 2}, {"step": 4}]
    shades = torch.tensor([100, 200], dtype=torch.uint8)[:, None, None, None].expand(2, 64, 64, 3)
    history.samples = [shades, shades // 2]
    for poses, above in ((None, 0), (torch.full((2, 64, 64), 255, dtype=torch.uint8), 64)):
        history.poses = poses
        write_samples(tmp_path / "samples.png", history)
        sheet = cv2.imread(str(tmp_path / "samples.png"))[:, -128:]
        assert sheet.shape[0] == above + 128 and (sheet[:above] == 255).all()
        greys = [int(sheet[above + row, column, 0]) for row in (0, 64) for column in (0, 64)]
        assert greys == [100, 200, 50, 100]


def test_events_can_be_read_by_tensorboard_and_start_anew_where_a_training_resumes(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    history = a_history()
    first = Events(tmp_path, step=0)
    first.losses(0, history.losses)
    first.writer.close()
    resumed = Events(tmp_path, step=2)
    resumed.losses(2, history.losses[2:] + 1)
    resumed.evaluation({"step": 4, "frechet": 6.5, "spread": 0.5}, torch.zeros(2, 64, 64, 3, dtype=torch.uint8))
    resumed.writer.close()
    told = reader.EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in told.Scalars("loss_d")] == [(1, 1), (2, 3), (3, 11), (4, 13)]
    assert [event.value for event in told.Scalars("frechet")] == [6.5]
    assert len(told.Images("samples")) >= 1


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Events(None, step=0).losses(0, torch.zeros(2, 3))
    assert np.array_equal(list(tmp_path.iterdir()), [])


FULL = """
import resource
import sys
import time

import torch

from pipeline.gan.events import Events
from pipeline.stage import run_stage

def told():
    events = Events(sys.argv[1], step=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    for step in range(1000):
        events.losses(step, torch.zeros(1, 3))
        time.sleep(0.01)  # the thread that writes has its turn, and fails, while nobody asks it

run_stage(told)
"""


def test_no_room_for_events_is_told_in_one_line(tmp_path):
    ended = subprocess.run([sys.executable, "-c", FULL, tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert [line for line in ended.stderr.splitlines() if "Warning" not in line] == [
        "error: no room is left to write ([Errno 27] File too large); make room and run the same command again"
    ]
