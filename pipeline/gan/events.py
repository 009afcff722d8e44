"""A running training as TensorBoard shows it: the losses of every step, scores, and samples."""

import threading

from pipeline.gan.history import LOSSES
from pipeline.stage import note


class Events:
    """Event files in a folder, or nothing without one. What an earlier run told of steps after `step` is hidden."""

    def __init__(self, folder, step):
        self.writer = None if folder is None else _writer(folder, step)

    def losses(self, step, losses):
        """Tell the losses (n, 3) of the steps after `step`."""
        if self.writer is not None:
            for number, row in enumerate(losses.tolist(), step + 1):
                for name, value in zip(LOSSES, row, strict=True):
                    self.writer.add_scalar(name, value, number)

    def evaluation(self, found, samples):
        """Tell the scores of an evaluation and show its samples, uint8 (columns, H, W, 3)."""
        if self.writer is not None:
            for name in ("frechet", "spread"):
                self.writer.add_scalar(name, found[name], found["step"])
            self.writer.add_images("samples", samples, found["step"], dataformats="NHWC")
            self.writer.flush()


def _writer(folder, step):
    try:
        from torch.utils.tensorboard import SummaryWriter  # a second: only for those who want it
    except ImportError:
        note("no TensorBoard files are written: the package tensorboard is missing")
        return None
    threading.excepthook = _of_thread
    return SummaryWriter(folder, purge_step=step + 1)


def _of_thread(failure):
    # TensorBoard's thread keeps what went wrong and raises it again at the next `add_`, whose caller tells of it.
    if not type(failure.thread).__module__.startswith("tensorboard."):
        threading.__excepthook__(failure)
