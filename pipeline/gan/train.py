"""Train one generator (paper, Section 3.2): ReACGAN on labels, or SPADE on keypoints or bones."""

import math
import sys
import time

import torch

from pipeline.data.subset import read_subset
from pipeline.gan.augment import augment
from pipeline.gan.batches import TrainingBatches, fingerprint, with_pose
from pipeline.gan.generator_file import save_generator
from pipeline.gan.generators import CONDITIONS
from pipeline.gan.losses import d2d_cross_entropy, hinge_discriminator, hinge_generator
from pipeline.gan.parallel import (
    agreed,
    join_processes,
    leads,
    leave_processes,
    own_rows,
    share_batch_norm,
    sum_gradients,
    whole_batch,
)
from pipeline.gan.spectral import fold_spectral_norm
from pipeline.gan.state import build_spectral_generator, new_training, resume_training, save_training
from pipeline.stage import StopRequest, WrongInput, run_stage, stage_arguments

AS_PUBLISHED = ("adc", "d2dce_shift", "nearest_pose", "relu_skip")
SECONDS_BETWEEN_REPORTS = 5
CALIBRATION_BATCHES = 16


def train(training, batches, options, after_step):
    """Bring a Training to options["steps"] steps; after_step(losses) is called after each one."""
    while training.step < options["steps"]:
        step = training.step
        # Update the discriminator, each time on new real and new generated images.
        for update in range(options["discriminator_updates"]):
            loss_d = discriminator_loss(training, batches, step, update, options)
            _descend(training.discriminator_optimiser, loss_d)

        # Update the generator.
        training.discriminator.requires_grad_(False)
        loss_g = generator_loss(training, batches, step, options)
        _descend(training.generator_optimiser, loss_g)
        training.discriminator.requires_grad_(True)

        # Average the generator's parameters; before ema_start the average is the generator itself.
        decay = options["ema_decay"] if step >= options["ema_start"] else 0.0
        torch._foreach_lerp_(list(training.average.values()), _parameters(training.generator), 1 - decay)

        training.step = step + 1
        after_step(torch.stack([loss_d.detach(), loss_g.detach()]).tolist())


def discriminator_loss(training, batches, step, update, options):
    """Return hinge loss, for ReACGAN plus lambda_cond times D2D-CE, of one real and one generated batch."""
    real = batches.real(step, update)
    z, fake = batches.fake(step, update)
    with torch.no_grad():
        fake_images = training.generator(z, fake.condition)
    real_seen = augment(real.images, batches.augmentation(step, update, "real"), real.maps)
    fake_seen = augment(fake_images, batches.augmentation(step, update, "fake"), fake.maps)
    # Real and generated images share one pass: nothing in the discriminator mixes the images of a batch.
    images, maps = (_join(*pair) for pair in zip(real_seen, fake_seen, strict=True))
    if options["condition"] != "reacgan":
        return hinge_discriminator(*_whole_logits(training.discriminator(images, maps).chunk(2), options))
    logits, embeddings = training.discriminator(images)
    real_embeddings, fake_embeddings = embeddings.chunk(2)
    loss = hinge_discriminator(*_whole_logits(logits.chunk(2), options))
    if "adc" not in options["as_published"]:
        return loss + class_loss(training, real_embeddings, real.labels, options)
    loss = loss + class_loss(training, real_embeddings, 2 * real.labels, options)
    return loss + class_loss(training, fake_embeddings, 2 * fake.labels + 1, options)


def generator_loss(training, batches, step, options):
    """Return the generator's hinge loss, for ReACGAN plus lambda_cond times D2D-CE, of one generated batch."""
    z, fake = batches.fake(step, "generator")
    augmentation = batches.augmentation(step, "generator", "fake")
    images, maps = augment(training.generator(z, fake.condition), augmentation, fake.maps)
    if options["condition"] != "reacgan":
        return hinge_generator(whole_batch(training.discriminator(images, maps), options["batch_size"]))
    logits, embeddings = training.discriminator(images)
    loss = hinge_generator(whole_batch(logits, options["batch_size"]))
    if "adc" not in options["as_published"]:
        return loss + class_loss(training, embeddings, fake.labels, options)
    towards_real = class_loss(training, embeddings, 2 * fake.labels, options)
    towards_fake = class_loss(training, embeddings, 2 * fake.labels + 1, options)
    return loss + towards_real - towards_fake


def class_loss(training, embeddings, labels, options):
    """Return lambda_cond times the D2D-CE of the batch that these embeddings are of."""
    own = (embeddings, training.discriminator.proxies(labels), labels)
    embeddings, proxies, labels = (whole_batch(rows, options["batch_size"]) for rows in own)
    shifted = "d2dce_shift" in options["as_published"]
    loss = d2d_cross_entropy(embeddings, proxies, labels, options["margin"], options["temperature"], shifted)
    return options["lambda_cond"] * loss


def finished_generator(training, batches, options):
    """Return the averaged generator as a plain module: spectral norm folded in, batch statistics fixed.

    The statistics are those of the averaged weights themselves, over addressed batches like the training's; the
    released code generates with running averages that its own averaging of weights lags behind.
    """
    generator = build_spectral_generator(options["condition"], batches.num_classes, options).to(batches.device)
    generator.load_state_dict({**training.generator.state_dict(), **training.average})
    share_batch_norm(fold_spectral_norm(generator))
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    with torch.no_grad():
        for number in range(CALIBRATION_BATCHES):
            z, fake = batches.fake(number, "calibration")
            generator.train()(z, fake.condition)
    return generator.eval()


class Progress:
    """After each step: stop at a loss that is not a number, report every few seconds, keep the state now and then.

    Where a StopRequest has come, the state is kept and the process ends with 128 plus the signal, as one that had been
    ended by it: Snakemake and Slurm know that status, and the same command goes on from this very step.
    """

    def __init__(self, training, options, keep, stop):
        self.training, self.options, self.keep, self.stop = training, options, keep, stop
        self.start, self.first_step = time.monotonic(), training.step
        self.reported = self.start

    def __call__(self, losses):
        step, total = self.training.step, self.options["steps"]
        if not all(map(math.isfinite, losses)):
            raise WrongInput(f"training step {step}: the loss is not a finite number; lower lr in params.yaml")
        signal = agreed(self.stop.number)
        if signal is not None and step < total:
            self.keep()
            print(f"signal {signal}: stopped after step {step}, whose state is kept", flush=True)
            sys.exit(128 + signal)
        if step % self.options["checkpoint_every"] == 0 and step < total:
            self.keep()
        if step == total or time.monotonic() - self.reported > SECONDS_BETWEEN_REPORTS:
            self._report(step, total, *losses)

    def _report(self, step, total, loss_d, loss_g):
        self.reported = time.monotonic()
        per_second = (step - self.first_step) / (self.reported - self.start)
        images = per_second * self.options["batch_size"] * self.options["discriminator_updates"]
        left = (total - step) / per_second
        print(
            f"step {step}/{total}, {images:.0f} real images/s, loss D {loss_d:.3f} G {loss_g:.3f}, {left:.0f} s left",
            flush=True,
        )


def train_generator(image_set, options, state):
    """Train on an ImageSet of crops, taking up the state file where it fits; return the finished generator.

    Raises WrongInput where the options or the images do not allow it, and when a loss is no longer finite.
    """
    image_set = check(image_set, options)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    batches = TrainingBatches(image_set, options, device, own_rows(options["batch_size"]))
    training = new_training(batches.num_classes, options, device)
    share_batch_norm(training.generator)
    circumstances = {"options": options, "data": fingerprint(image_set)}
    fresh = resume_training(state, training, circumstances)
    print(f"a new training: {fresh}" if fresh else f"goes on after step {training.step}", flush=True)

    def keep():
        if leads():
            save_training(state, training, circumstances)
        agreed(None)  # the others wait, for one that ends would take the first one with it

    with StopRequest() as stop:
        after_step = Progress(training, options, keep, stop)
        train(training, batches, options, after_step)
    return finished_generator(training, batches, options)


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


def _descend(optimiser, loss):
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    sum_gradients(optimiser)
    optimiser.step()


def _whole_logits(halves, options):
    return [whole_batch(logits, options["batch_size"]) for logits in halves]


def _parameters(network):
    return [parameter.detach() for parameter in network.parameters()]


def _join(first, second):
    return None if first is None else torch.cat([first, second])


def main():
    args = stage_arguments(__doc__, inputs=["crops", "subset", "state"]).parse_args()
    join_processes(args.threads)
    image_set = read_subset(args.crops, args.subset, "fit")
    generator = train_generator(image_set, args.options, args.state)
    if leads():
        save_generator(args.out, generator, args.options, image_set.class_names)
        args.state.unlink(missing_ok=True)
    leave_processes()


if __name__ == "__main__":
    run_stage(main)
