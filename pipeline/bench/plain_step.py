"""The step of pipeline.gan.train, and the drawing of images, on the plain networks.

Real and generated images pass the discriminator separately, in ADC's generator step once for each class; Adam goes from
tensor to tensor and so does the average. Draws, and what the augmentation does with them, are the shipped ones. Where
the shipped form turns the spectral vectors of the discriminator once, the plain form turns them at both of its passes;
turn_once leaves them still at the second one (nothing else in the discriminator knows training from evaluation), and
then both forms are one function.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from pipeline.bench.plain import PlainDiscriminator, PlainGenerator
from pipeline.gan.augment import augment
from pipeline.gan.batches import condition_maps
from pipeline.gan.history import History
from pipeline.generate.latents import latents
from pipeline.generate.sample import CHUNK, chosen_poses


@dataclass
class PlainTraining:
    """Like pipeline.gan.state.Training, of plain networks."""

    generator: torch.nn.Module
    discriminator: torch.nn.Module
    average: dict
    generator_optimiser: torch.optim.Optimizer
    discriminator_optimiser: torch.optim.Optimizer
    turn_once: bool
    history: History
    step: int = 0


def plain_training(training, num_classes, options, turn_once=False):
    """Return the plain form of a new Training, with weights, u and v of its own that equal its."""
    like = next(training.generator.parameters())
    generator = PlainGenerator(options["condition"], num_classes, options).to(like)
    discriminator = PlainDiscriminator(options["condition"], num_classes, options).to(like)
    generator.load_state_dict(training.generator.state_dict())
    discriminator.load_state_dict(training.discriminator.state_dict())
    average = {name: parameter.detach().clone() for name, parameter in generator.named_parameters()}
    optimisers = (_adam(network, options) for network in (generator, discriminator))
    history = History(options["steps"], like.device)
    return PlainTraining(generator, discriminator, average, *optimisers, turn_once, history)


def _adam(network, options):
    return torch.optim.Adam(
        network.parameters(),
        lr=options["lr"],
        betas=tuple(options["betas"]),
        eps=options["eps"],
        foreach=False,
        fused=False,
    )


def train_plainly(training, batches, options, after_step):
    """Bring a PlainTraining to options["steps"] steps; after_step() is called after each one."""
    while training.step < options["steps"]:
        for update in range(options["discriminator_updates"]):
            loss_d, hinge_d = plain_discriminator_loss(training, batches, training.step, update, options)
            _descend(training.discriminator_optimiser, loss_d)

        for parameter in training.discriminator.parameters():
            parameter.requires_grad_(False)
        loss_g = plain_generator_loss(training, batches, training.step, options)
        _descend(training.generator_optimiser, loss_g)
        for parameter in training.discriminator.parameters():
            parameter.requires_grad_(True)

        decay = options["ema_decay"] if training.step >= options["ema_start"] else 0.0
        with torch.no_grad():
            for name, parameter in training.generator.named_parameters():
                training.average[name].mul_(decay).add_(parameter, alpha=1 - decay)

        training.history.losses[training.step] = torch.tensor([loss_d.item(), hinge_d.item(), loss_g.item()])
        training.step += 1
        after_step()


def plain_discriminator_loss(training, batches, step, update, options):
    """Return (loss, hinge loss): E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))], for ReACGAN plus lambda_cond times

    D2D-CE, with ADC of both batches.
    """
    real = batches.real(step, update)
    z, fake = batches.fake(step, update)
    with torch.no_grad():
        fake_images = training.generator(z, fake.condition)
    pose_stays = "unmoved_pose" in options["as_published"]
    real_images, real_maps = augment(real.images, batches.augmentation(step, update, "real"), real.maps, pose_stays)
    fake_images, fake_maps = augment(fake_images, batches.augmentation(step, update, "fake"), fake.maps, pose_stays)
    adc = "adc" in options["as_published"]
    real_labels = 2 * real.labels if adc else real.labels
    fake_labels = 2 * fake.labels + 1 if adc else fake.labels
    real_logits, *real_class = _first_pass(training, real_images, real_labels if real_maps is None else real_maps)
    fake_logits, *fake_class = _second_pass(training, fake_images, fake_labels if fake_maps is None else fake_maps)
    loss = hinge = F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
    if options["condition"] == "reacgan":
        loss = loss + options["lambda_cond"] * plain_d2d_cross_entropy(*real_class, real_labels, options)
        if adc:
            loss = loss + options["lambda_cond"] * plain_d2d_cross_entropy(*fake_class, fake_labels, options)
    return loss, hinge


def plain_generator_loss(training, batches, step, options):
    """Return -E[D(G(z))], and for ReACGAN lambda_cond times D2D-CE (with ADC, of "real" less that of "generated")."""
    z, fake = batches.fake(step, "generator")
    images = training.generator(z, fake.condition)
    pose_stays = "unmoved_pose" in options["as_published"]
    images, maps = augment(images, batches.augmentation(step, "generator", "fake"), fake.maps, pose_stays)
    if options["condition"] != "reacgan":
        return -_first_pass(training, images, maps)[0].mean()
    adc = "adc" in options["as_published"]
    labels = 2 * fake.labels if adc else fake.labels
    logits, *towards_real = _first_pass(training, images, labels)
    loss = -logits.mean() + options["lambda_cond"] * plain_d2d_cross_entropy(*towards_real, labels, options)
    if adc:
        _, *towards_fake = _second_pass(training, images, labels + 1)
        loss = loss - options["lambda_cond"] * plain_d2d_cross_entropy(*towards_fake, labels + 1, options)
    return loss


def plain_d2d_cross_entropy(embeddings, proxies, labels, options):
    """Return D2D-CE (Kang et al. 2021) of embeddings (n, d), the proxies (n, d) of their labels and the labels (n,)."""
    margin, temperature = options["margin"], options["temperature"]
    similarity = F.cosine_similarity(embeddings[:, None], embeddings[None], dim=2)
    similarity = (similarity + margin - 1) / temperature
    positive = F.relu((margin - F.cosine_similarity(embeddings, proxies, dim=1)) / temperature)
    shift = torch.zeros_like(positive)
    if "d2dce_shift" in options["as_published"]:
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        shift = similarity.detach().masked_fill(itself, -torch.inf).max(dim=1).values
    negatives = torch.exp(F.relu(similarity) - shift[:, None]) * (labels[:, None] != labels[None])
    return (positive + torch.log(torch.exp(-positive) + negatives.sum(dim=1))).mean()


def draw_plainly(generator, options, generation, poses, label):
    """Return CHUNK uint8 images (CHUNK, 64, 64, 3) of a class as pipeline.generate.sample does, from plain networks.

    poses: keypoints (n, 21, 2) by class, or None. The generator still divides its weights by their norms at every
    batch, as the released code does.
    """
    device, seed, indices = next(generator.parameters()).device, generation["seed"], range(CHUNK)
    z = latents(seed, label, indices, options["z_dim"])
    condition = torch.full((CHUNK,), label)
    if poses is not None:
        condition = condition_maps(torch.from_numpy(chosen_poses(poses[label], options, seed, label, indices)), options)
    generator.eval()
    with torch.no_grad():
        images = generator(z.to(device), condition.to(device))
    generator.train()
    return torch.floor(255 * (images + 1) / 2 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def _first_pass(training, images, condition):
    return training.discriminator.train()(images, condition)


def _second_pass(training, images, condition):
    return training.discriminator.train(not training.turn_once)(images, condition)


def _descend(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
