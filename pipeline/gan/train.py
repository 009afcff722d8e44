"""Train one generator (paper, Section 3.2): ReACGAN on labels, or SPADE on keypoints or bones."""

import torch

from pipeline.data.archive import read_image_set
from pipeline.data.files import discard
from pipeline.data.subset import read_subset
from pipeline.gan.augment import augment
from pipeline.gan.batches import TrainingBatches, fingerprint, with_pose
from pipeline.gan.events import Events
from pipeline.gan.extra import ExtraImages
from pipeline.gan.generator_file import save_generator
from pipeline.gan.generators import CONDITIONS, build_generator
from pipeline.gan.history import write_curve, write_samples
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
from pipeline.gan.state import new_training, resume_training, save_training
from pipeline.gan.supervision import Supervision
from pipeline.sources import code_digest
from pipeline.stage import StopRequest, WrongInput, run_stage, stage_arguments

AS_PUBLISHED = (
    "adc",
    "d2dce_shift",
    "density_keypoints",
    "nearest_pose",
    "relu_skip",
    "test_reference",
    "unmirrored_pose",
    "unmoved_pose",
)


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
        hinge = hinge_discriminator(*_whole_logits(training.discriminator(images, maps).chunk(2), options))
        return hinge, hinge
    logits, embeddings = training.discriminator(images)
    real_embeddings, fake_embeddings = embeddings.chunk(2)
    hinge = hinge_discriminator(*_whole_logits(logits.chunk(2), options))
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


def train_generator(image_set, options, state, events=None, reference=None, extra=None):
    """Train on an ImageSet of crops, taking up the state file where it fits; return (the best generator, its History).

    events: a folder for TensorBoard, or None. reference: the ImageSet that decides which generator is best, where it is
    not the training images that do (`test_reference`). extra: ExtraImages to learn from as well, or None. Raises
    WrongInput where the options or the images do not allow it, and when a loss is no longer finite.
    """
    image_set = check(image_set, options)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    batches = TrainingBatches(image_set, options, device, own_rows(options["batch_size"]), extra)
    training = new_training(batches.num_classes, options, device)
    share_batch_norm(training.generator)
    circumstances = {"options": options, "data": fingerprint(image_set), "code": code_digest("pipeline.gan.train")}
    judges = batches.of_all_rows() if extra is None else TrainingBatches(image_set, options, device)
    if extra is not None:
        circumstances["extra"] = extra.fingerprint()
    if reference is not None:
        reference = check(reference, options)
        judges, circumstances["reference"] = TrainingBatches(reference, options, device), fingerprint(reference)
    fresh = resume_training(state, training, circumstances)
    print(f"a new training: {fresh}" if fresh else f"goes on after step {training.step}", flush=True)

    def keep():
        if leads():
            save_training(state, training, circumstances)
        agreed(None)  # the others wait, for one that ends would take the first one with it

    with StopRequest() as stop:
        told = Events(events if leads() else None, training.step)
        supervision = Supervision(training, batches.of_all_rows(), judges, options, keep, stop, told)
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
    sum_gradients(optimiser)
    optimiser.step()


def _whole_logits(halves, options):
    return [whole_batch(logits, options["batch_size"]) for logits in halves]


def _parameters(network):
    return [parameter.detach() for parameter in network.parameters()]


def _join(first, second):
    return None if first is None else torch.cat([first, second])


def main():
    parser = stage_arguments(
        __doc__,
        inputs=["crops", "subset", "state"],
        outputs=["out", "curve", "samples"],
        optional=["events", "reference", "extra"],
    )
    args = parser.parse_args()
    join_processes(args.threads)
    image_set = read_subset(args.crops, args.subset, "fit")
    reference = read_image_set(args.reference) if args.reference else None
    posed = args.options["condition"] != "reacgan"
    extra = ExtraImages(args.extra, image_set.class_names, posed) if args.extra else None
    generator, history = train_generator(image_set, args.options, args.state, args.events, reference, extra)
    if leads():
        write_curve(args.curve, history)
        write_samples(args.samples, history)
        save_generator(args.out, generator, args.options, image_set.class_names)
        discard(args.state)
    leave_processes()


if __name__ == "__main__":
    run_stage(main)
