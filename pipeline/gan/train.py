"""Train one generator (paper, Section 3.2): ReACGAN on labels, or SPADE on keypoints or bones."""

import math
import sys
import time

import torch

from pipeline.data.subset import read_subset
from pipeline.gan.augment import augment
from pipeline.gan.batches import TrainingBatches, fingerprint, with_pose
from pipeline.gan.evaluation import Evaluation, collapse
from pipeline.gan.events import Events
from pipeline.gan.generator_file import save_generator
from pipeline.gan.generators import CONDITIONS, build_generator
from pipeline.gan.history import write_curve, write_samples
from pipeline.gan.losses import d2d_cross_entropy, hinge_discriminator, hinge_generator
from pipeline.gan.spectral import fold_spectral_norm
from pipeline.gan.state import new_training, resume_training, save_training, with_spectral_norm
from pipeline.stage import StopRequest, WrongInput, note, run_stage, stage_arguments

AS_PUBLISHED = (
    "adc",
    "d2dce_shift",
    "density_keypoints",
    "nearest_pose",
    "relu_skip",
    "unmirrored_pose",
    "unmoved_pose",
)
SECONDS_BETWEEN_REPORTS = 5
CALIBRATION_BATCHES = 16


def train(training, batches, options, after_step):
    """Bring a Training to options["steps"] steps; after_step() is called after each one, its losses in the history.

    Nothing in here waits for the device.
    """
    while training.step < options["steps"]:
        step = training.step
        # Update the discriminator, each time on new real and new generated images.
        for update in range(options["discriminator_updates"]):
            loss_d, hinge_d = discriminator_loss(training, batches, step, update, options)
            _descend(training.discriminator_optimiser, loss_d)

        # Update the generator.
        training.discriminator.requires_grad_(False)
        loss_g = generator_loss(training, batches, step, options)
        _descend(training.generator_optimiser, loss_g)
        training.discriminator.requires_grad_(True)

        # Average the generator's parameters; before ema_start the average is the generator itself.
        decay = options["ema_decay"] if step >= options["ema_start"] else 0.0
        torch._foreach_lerp_(list(training.average.values()), _parameters(training.generator), 1 - decay)

        training.history.losses[step] = torch.stack([loss_d, hinge_d, loss_g]).detach()
        training.step = step + 1
        after_step()


def discriminator_loss(training, batches, step, update, options):
    """Return (loss, hinge loss) of one real and one generated batch.

    The loss is the hinge loss, for ReACGAN plus lambda_cond times D2D-CE.
    """
    real = batches.real(step, update)
    z, fake = batches.fake(step, update)
    with torch.no_grad():
        fake_images = training.generator(z, fake.condition)
    real_seen = _augment(real.images, real.maps, batches.augmentation(step, update, "real"), options)
    fake_seen = _augment(fake_images, fake.maps, batches.augmentation(step, update, "fake"), options)
    # Real and generated images share one pass: nothing in the discriminator mixes the images of a batch.
    images, maps = (_join(*pair) for pair in zip(real_seen, fake_seen, strict=True))
    if options["condition"] != "reacgan":
        hinge = hinge_discriminator(*training.discriminator(images, maps).chunk(2))
        return hinge, hinge
    logits, embeddings = training.discriminator(images)
    real_embeddings, fake_embeddings = embeddings.chunk(2)
    hinge = hinge_discriminator(*logits.chunk(2))
    if "adc" not in options["as_published"]:
        return hinge + class_loss(training, real_embeddings, real.labels, options), hinge
    loss = hinge + class_loss(training, real_embeddings, 2 * real.labels, options)
    return loss + class_loss(training, fake_embeddings, 2 * fake.labels + 1, options), hinge


def generator_loss(training, batches, step, options):
    """Return the generator's hinge loss, for ReACGAN plus lambda_cond times D2D-CE, of one generated batch."""
    z, fake = batches.fake(step, "generator")
    augmentation = batches.augmentation(step, "generator", "fake")
    images, maps = _augment(training.generator(z, fake.condition), fake.maps, augmentation, options)
    if options["condition"] != "reacgan":
        return hinge_generator(training.discriminator(images, maps))
    logits, embeddings = training.discriminator(images)
    if "adc" not in options["as_published"]:
        return hinge_generator(logits) + class_loss(training, embeddings, fake.labels, options)
    towards_real = class_loss(training, embeddings, 2 * fake.labels, options)
    towards_fake = class_loss(training, embeddings, 2 * fake.labels + 1, options)
    return hinge_generator(logits) + towards_real - towards_fake


def class_loss(training, embeddings, labels, options):
    """Return lambda_cond times the D2D-CE of these embeddings."""
    proxies = training.discriminator.proxies(labels)
    shifted = "d2dce_shift" in options["as_published"]
    loss = d2d_cross_entropy(embeddings, proxies, labels, options["margin"], options["temperature"], shifted)
    return options["lambda_cond"] * loss


def finished_generator(training, batches, options):
    """Return the averaged generator as a plain module: spectral norm folded in, batch statistics fixed.

    The statistics are those of the averaged weights themselves, over addressed batches like the training's; the
    released code generates with running averages that its own averaging of weights lags behind.
    """
    generator = with_spectral_norm(build_generator(options["condition"], batches.num_classes, options))
    generator.to(batches.device).load_state_dict({**training.generator.state_dict(), **training.average})
    fold_spectral_norm(generator)
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    with torch.no_grad():
        for number in range(CALIBRATION_BATCHES):
            z, fake = batches.fake(number, "calibration")
            generator.train()(z, fake.condition)
    return generator.eval()


class Supervision:
    """After each step: report every few seconds, evaluate and keep the state now and then, stop where nothing is left.

    Where a StopRequest has come, the state is kept and the process ends with 128 plus the signal, as one that had been
    ended by it: Snakemake and Slurm know that status, and the same command goes on from this very step.
    """

    def __init__(self, training, batches, options, keep, stop, events):
        self.training, self.batches, self.options = training, batches, options
        self.keep, self.stop, self.events = keep, stop, events
        self.evaluation = Evaluation(batches, options["evaluation"])
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
        if self.stop.number is not None:
            self._keep()
            step, number = self.training.step, self.stop.number
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


def train_generator(image_set, options, state, events=None):
    """Train on an ImageSet of crops, taking up the state file where it fits; return (the best generator, its History).

    events: a folder for TensorBoard, or None. Raises WrongInput where the options or the images do not allow it, and
    when a loss is no longer finite.
    """
    image_set = check(image_set, options)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    batches = TrainingBatches(image_set, options, device)
    training = new_training(batches.num_classes, options, device)
    circumstances = {"options": options, "data": fingerprint(image_set)}
    fresh = resume_training(state, training, circumstances)
    print(f"a new training: {fresh}" if fresh else f"goes on after step {training.step}", flush=True)

    def keep():
        save_training(state, training, circumstances)

    with StopRequest() as stop:
        supervision = Supervision(training, batches, options, keep, stop, Events(events, training.step))
        supervision.evaluate_if_due()
        train(training, batches, options, supervision)
    generator = build_generator(options["condition"], batches.num_classes, options)
    generator.load_state_dict(training.history.best["weights"])
    return generator.eval(), training.history


def check(image_set, options):
    """Return the images that this condition can train on; raise WrongInput for options that ask the impossible."""
    unknown = sorted(set(options["as_published"]) - set(AS_PUBLISHED))
    if options["condition"] not in CONDITIONS or unknown:
        found = unknown or [options["condition"]]
        expected = AS_PUBLISHED if unknown else CONDITIONS
        raise WrongInput(f"generator options: {found[0]!r}; expected one of {', '.join(expected)}; mend params.yaml")
    usable = image_set if options["condition"] == "reacgan" else with_pose(image_set)
    if not len(usable):
        raise WrongInput(f"generator {options['condition']}: no training image with what it needs; enlarge the subset")
    return usable


def _augment(images, maps, augmentation, options):
    return augment(images, augmentation, maps, "unmoved_pose" in options["as_published"])


def _descend(optimiser, loss):
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def _parameters(network):
    return [parameter.detach() for parameter in network.parameters()]


def _join(first, second):
    return None if first is None else torch.cat([first, second])


def main():
    parser = stage_arguments(
        __doc__, inputs=["crops", "subset", "state"], outputs=["out", "curve", "samples"], optional=["events"]
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    image_set = read_subset(args.crops, args.subset, "fit")
    generator, history = train_generator(image_set, args.options, args.state, args.events)
    write_curve(args.curve, history)
    write_samples(args.samples, history)
    save_generator(args.out, generator, args.options, image_set.class_names)
    args.state.unlink(missing_ok=True)


if __name__ == "__main__":
    run_stage(main)
