"""What a training leaves to look at: the losses of every step, and at each evaluation scores and a row of samples."""

import cv2
import numpy as np
import pandas as pd
import torch

from pipeline.data.files import replacing

LOSSES = ("loss_d", "hinge_d", "loss_g")
_LABEL_WIDTH, _INK = 56, (255, 255, 255)


class History:
    """losses (steps, 3) float32, a row per step, in the order of LOSSES; evaluations, a list of dicts with "step";

    samples, one uint8 (columns, 64, 64, 3) per evaluation, and poses, what they were asked for, uint8 (columns, 64, 64)
    or None; best, the evaluation whose generator is kept, with its "weights", or None.
    """

    def __init__(self, steps, device):
        self.losses = torch.zeros(steps, len(LOSSES), device=device)
        self.evaluations, self.samples, self.poses, self.best = [], [], None, None

    def state_dict(self):
        return dict(vars(self))

    def load_state_dict(self, state):
        vars(self).update(state | {"losses": state["losses"].to(self.losses.device)})

    def since_last_evaluation(self, step):
        """Return the mean losses of the steps after the last evaluation, up to this one, by name."""
        start = self.evaluations[-1]["step"] if self.evaluations else 0
        return dict(zip(LOSSES, self.losses[start:step].mean(dim=0).tolist(), strict=True))

    def first_broken_step(self, start, stop):
        """Return the number, from 1, of the first step after `start` whose losses are not finite numbers, or None."""
        broken = ~self.losses[start:stop].isfinite().all(dim=1).cpu()
        return start + int(broken.nonzero()[0]) + 1 if broken.any() else None


def write_curve(path, history):
    """Write a CSV with one row per evaluation: step, mean losses since the one before, scores, what is wrong."""
    with replacing(path) as beside:
        pd.DataFrame(history.evaluations).to_csv(beside, index=False)


def write_samples(path, history):
    """Write a PNG: poses, then the samples of every evaluation with its step; a column is one latent and condition."""
    rows = [] if history.poses is None else [("pose", history.poses[..., None].expand(-1, -1, -1, 3))]
    rows += [(str(found["step"]), row) for found, row in zip(history.evaluations, history.samples, strict=True)]
    sheet = np.concatenate([_labelled(text, np.concatenate(list(row.numpy()), axis=1)) for text, row in rows])
    ok, png = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    if not ok:
        raise ValueError(f"{path}: samples of shape {sheet.shape} could not be encoded")
    with replacing(path) as beside:
        beside.write_bytes(png.tobytes())


def _labelled(text, row):
    label = np.zeros((len(row), _LABEL_WIDTH, 3), np.uint8)
    cv2.putText(label, text, (4, len(row) // 2 + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)
    return np.concatenate([label, row], axis=1)
