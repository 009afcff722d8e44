"""What happens between the steps of a training: reports, evaluations, states that are kept, and reasons to stop."""

import math
import sys
import time

from pipeline.gan.evaluation import Evaluation, collapse
from pipeline.gan.finished import finished_generator
from pipeline.gan.parallel import agreed
from pipeline.stage import WrongInput, note

SECONDS_BETWEEN_REPORTS = 5


class Supervision:
    """After each step: report every few seconds, evaluate and keep the state now and then, stop where nothing is left.

    Where a StopRequest has come, the state is kept and the process ends with 128 plus the signal, as one that had been
    ended by it: Snakemake and Slurm know that status, and the same command goes on from this very step.
    """

    def __init__(self, training, batches, judges, options, keep, stop, events):
        self.training, self.batches, self.options = training, batches, options
        self.keep, self.stop, self.events = keep, stop, events
        self.evaluation = Evaluation(judges, options["evaluation"])
        self.start, self.first_step = time.monotonic(), training.step
        self.reported, self.checked = self.start, training.step

    def __call__(self):
        step, total = self.training.step, self.options["steps"]
        self._stop_if_asked()
        self.evaluate_if_due()
        if step % self.options["checkpoint_every"] == 0 and step < total:
            self._keep()
        if step == total or time.monotonic() - self.reported > SECONDS_BETWEEN_REPORTS:
            self._check()
            self._report()

    def evaluate_if_due(self):
        """Score and show the generator of this step, if it is time and was not done before the training was cut off."""
        step, evaluations = self.training.step, self.training.history.evaluations
        due = step > 0 and (step % self.options["evaluation"]["every"] == 0 or step == self.options["steps"])
        if due and not (evaluations and evaluations[-1]["step"] == step):
            self._check()
            self._evaluate()

    def _evaluate(self):
        history = self.training.history
        generator = finished_generator(self.training, self.batches, self.options)
        scores = self.evaluation(generator, between=self._stop_if_asked)
        found = {"step": self.training.step, **history.since_last_evaluation(self.training.step), **scores}
        found["collapse"] = collapse(found)
        if not history.samples and self.batches.posed:
            history.poses = self.evaluation.poses()
        history.samples.append(self.evaluation.samples(generator))
        history.evaluations.append(found)
        if found["collapse"]:
            note(f"step {found['step']}: collapsed, {found['collapse']}; an earlier generator is kept if there is one")
        if history.best is None or _rank(found) < _rank(history.best):
            history.best = {**found, "weights": {name: part.cpu() for name, part in generator.state_dict().items()}}
        self.events.evaluation(found, history.samples[-1])
        print(
            f"step {found['step']}: Fréchet distance {found['frechet']:.3f}, spread {found['spread']:.2f}", flush=True
        )

    def _stop_if_asked(self):
        """Called equally often by every process of a training, so that all stop after the same step."""
        number = agreed(self.stop.number)
        if number is not None:
            self._keep()
            step = self.training.step
            print(f"signal {number}: stopped after step {step}, whose state is kept", flush=True)
            sys.exit(128 + number)

    def _keep(self):
        self._check()
        self.keep()

    def _check(self):
        """Refuse losses that are not numbers, before they are kept."""
        step = self.training.step
        broken = self.training.history.first_broken_step(self.checked, step)
        if broken is not None:
            raise WrongInput(f"training step {broken}: the loss is not a finite number; lower lr in params.yaml")
        self.events.losses(self.checked, self.training.history.losses[self.checked : step])
        self.checked = step

    def _report(self):
        step, total = self.training.step, self.options["steps"]
        self.reported = time.monotonic()
        per_second = (step - self.first_step) / (self.reported - self.start)
        images = per_second * self.options["batch_size"] * self.options["discriminator_updates"]
        loss_d, _, loss_g = self.training.history.losses[step - 1].tolist()
        left = (total - step) / per_second
        print(
            f"step {step}/{total}, {images:.0f} real images/s, loss D {loss_d:.3f} G {loss_g:.3f}, {left:.0f} s left",
            flush=True,
        )


def _rank(evaluation):
    """The least is best: not collapsed before collapsed, then by distance; the latest where there is none."""
    distance = evaluation["frechet"]
    return evaluation["collapse"] != "", -evaluation["step"] if math.isnan(distance) else distance
