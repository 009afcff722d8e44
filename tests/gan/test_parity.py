import math

import numpy as np
import pytest
import torch
from gan.small import ALL_CONDITIONS, OPTIONS, DoubleBatches, colour_set
from torch.utils.flop_counter import FlopCounterMode

from pipeline.bench.plain import PlainDiscriminator, PlainGenerator
from pipeline.bench.plain_step import (
    plain_d2d_cross_entropy,
    plain_discriminator_loss,
    plain_generator_loss,
    plain_training,
    train_plainly,
)
from pipeline.gan.losses import d2d_cross_entropy
from pipeline.gan.spectral import add_spectral_norm
from pipeline.gan.state import new_training
from pipeline.gan.train import discriminator_loss, generator_loss, train
from pipeline.poses.render import NUM_POSE_MAPS

SWITCHES = [[], ["adc"], ["relu_skip"], ["d2dce_shift"], ["nearest_pose"], ["unmoved_pose"]]
SWITCHES.append([switch for switches in SWITCHES for switch in switches])
PAPER = {**OPTIONS, "channels": 96, "z_dim": 80, "shared_dim": 128, "embed_dim": 512}


def both_forms(options):
    """Return the shipped and the plain training of equal float64 weights, none of them 0, and the draws of both."""
    training = new_training(2, options, "cpu")
    noise = torch.Generator().manual_seed(1)
    for network in (training.generator, training.discriminator):
        network.double()
        for parameter in network.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=noise, dtype=torch.double)
    training.average = {name: parameter.detach().clone() for name, parameter in training.generator.named_parameters()}
    plain = plain_training(training, 2, options, turn_once=True)
    return training, plain, DoubleBatches(colour_set(), options, "cpu")


def assert_same(shipped, plain, tolerance=1e-9):
    """Compare two {name: tensor or None} entry by entry, relative to the largest number of the entry."""
    assert shipped.keys() == plain.keys()
    for name, expected in plain.items():
        assert (shipped[name] is None) == (expected is None), name
        if expected is not None:
            # A bias before a batch norm has no effect: its gradient is rounding alone, far below 1e-14.
            assert (shipped[name] - expected).abs().max() <= tolerance * expected.abs().max() + 1e-14, name


def gradients(network):
    return {name: parameter.grad for name, parameter in network.named_parameters()}


@pytest.mark.parametrize("as_published", SWITCHES, ids="+".join)
@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_a_step_is_the_plain_step(condition, as_published):
    training, plain, batches = both_forms({**OPTIONS, "condition": condition, "as_published": as_published})
    options = batches.options
    forms = ((training, discriminator_loss, generator_loss), (plain, plain_discriminator_loss, plain_generator_loss))
    losses_d, losses_g, of_discriminators, of_generators = [], [], [], []
    for form, of_discriminator, of_generator in forms:
        losses_d.append(of_discriminator(form, batches, 0, 0, options)[0])
        losses_d[-1].backward()
        of_discriminators.append(gradients(form.discriminator))
        form.discriminator.requires_grad_(False)
        losses_g.append(of_generator(form, batches, 0, options))
        losses_g[-1].backward()
        of_generators.append(gradients(form.generator))
    for losses in (losses_d, losses_g):
        torch.testing.assert_close(*losses, rtol=1e-9, atol=0)
    assert_same(*of_discriminators)
    assert_same(*of_generators)
    assert all(gradient is not None for gradient in of_generators[0].values())


@pytest.mark.parametrize("as_published", [SWITCHES[0], SWITCHES[-1]], ids=["corrected", "published"])
@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_images_and_judgements_are_the_plain_ones(condition, as_published):
    training, plain, batches = both_forms({**OPTIONS, "condition": condition, "as_published": as_published})
    z, fake = batches.fake(0, 0)
    images, expected = training.generator(z, fake.condition), plain.generator(z, fake.condition)
    logits, embeddings, proxies = plain.discriminator(expected, fake.condition)
    if condition != "reacgan":
        assert_same(
            {"images": images, "logits": training.discriminator(images, fake.maps)},
            {"images": expected, "logits": logits},
        )
        return
    found = dict(zip(("logits", "embeddings"), training.discriminator(images), strict=True))
    found |= {"images": images, "proxies": training.discriminator.proxies(fake.labels)}
    assert_same(found, {"logits": logits, "embeddings": embeddings, "images": expected, "proxies": proxies})


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_a_short_training_is_the_plain_one(condition):
    # Optimisers, average, spectral vectors and batch statistics too: three steps, the average starting at the second.
    options = {**OPTIONS, "condition": condition, "as_published": ["adc"], "steps": 3, "discriminator_updates": 2}
    training, plain, batches = both_forms(options)
    train(training, batches, options, lambda: None)
    train_plainly(plain, batches, options, lambda: None)
    torch.testing.assert_close(training.history.losses, plain.history.losses, rtol=1e-6, atol=0)
    for name in ("generator", "discriminator"):
        assert_same(getattr(training, name).state_dict(), getattr(plain, name).state_dict(), 1e-6)
    assert_same(training.average, plain.average, 1e-6)


def test_spectral_norm_and_its_gradient_over_three_turns():
    torch.manual_seed(0)
    net = add_spectral_norm(torch.nn.Sequential(torch.nn.Conv2d(3, 5, 2, bias=False))).double()
    layer, x = net[0], torch.randn(4, 3, 2, 2, dtype=torch.double)
    matrix, u = layer.weight_orig.detach().flatten(1).numpy(), layer.weight_u.numpy().copy()
    for _ in range(3):
        net.zero_grad()
        outputs = net(x)[:, :, 0, 0]  # the kernel covers the image: a product of matrices
        outputs.square().sum().backward()
        v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
        u = matrix @ v / np.linalg.norm(matrix @ v)
        sigma = u @ matrix @ v
        expected = x.flatten(1).numpy() @ (matrix / sigma).T
        np.testing.assert_allclose(outputs.detach(), expected, rtol=1e-12)
        # L depends on W through A = W / sigma with dsigma = u dW v: dL/dW = A' / sigma - <A', W> / sigma^2 u v^T.
        upstream = 2 * expected.T @ x.flatten(1).numpy()
        gradient = upstream / sigma - (upstream * matrix).sum() / sigma**2 * np.outer(u, v)
        np.testing.assert_allclose(layer.weight_orig.grad.flatten(1), gradient, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(layer.weight_v, v, rtol=1e-12)
        np.testing.assert_allclose(layer.weight_u, u, rtol=1e-12)


@pytest.mark.parametrize("form", ["shipped", "plain"])
def test_d2d_cross_entropy_of_orthogonal_embeddings_on_their_proxies(form):
    # cos = 0 between the two and 1 with the proxies: s = (0 + 0.98 - 1) / 0.5 = -0.04, relu(s) = 0, positives 0, so
    # log(1 + exp(0)) = log 2; as published the shift M = -0.04 makes it log(1 + exp(0.04)).
    vectors, labels = torch.eye(2, dtype=torch.double), torch.tensor([0, 1])
    for shifted, expected in ((False, math.log(2)), (True, math.log(1 + math.exp(0.04)))):
        if form == "shipped":
            loss = d2d_cross_entropy(vectors, vectors, labels, 0.98, 0.5, shifted)
        else:
            options = {**OPTIONS, "as_published": ["d2dce_shift"] if shifted else []}
            loss = plain_d2d_cross_entropy(vectors, vectors, labels, options)
        assert loss.item() == pytest.approx(expected, rel=1e-12)


# Parameters and 1e9 floating-point operations per image (2 per multiplication with addition) of the released modules.
RELEASED = [
    ("reacgan", 39, 80, 24_575_812, 44_802_850, 8.884, 4.986),
    ("reacgan", 13, 80, 24_572_484, 44_776_226, None, None),
    ("reacgan", 18, 80, 24_573_124, 44_781_346, None, None),
    ("reacgan", 59, 80, 24_578_372, 44_823_330, None, None),
    ("spade_bones", 39, 80, 35_038_148, 43_995_170, 14.295, 5.130),
    ("spade_keypoints", 39, 80, 35_047_364, 43_996_130, None, None),
    ("spade_bones", 39, 128, 36_217_796, 43_995_170, None, None),
    ("spade_keypoints", 39, 128, 36_227_012, 43_996_130, None, None),
]


@pytest.mark.parametrize(("condition", "num_classes", "z_dim", "in_g", "in_d", "giga_g", "giga_d"), RELEASED)
def test_plain_networks_are_as_large_and_as_dear_as_released(condition, num_classes, z_dim, in_g, in_d, giga_g, giga_d):
    options = {**PAPER, "z_dim": z_dim, "as_published": ["adc"]}
    with torch.device("meta"):
        generator, discriminator = (
            form(condition, num_classes, options) for form in (PlainGenerator, PlainDiscriminator)
        )
        assert sum(parameter.numel() for parameter in generator.parameters()) == in_g
        assert sum(parameter.numel() for parameter in discriminator.parameters()) == in_d
        if giga_g is None:
            return
        posed = condition in NUM_POSE_MAPS
        seen = torch.zeros(2, NUM_POSE_MAPS[condition], 64, 64) if posed else torch.zeros(2, dtype=torch.long)
        assert operations(generator, torch.zeros(2, z_dim), seen) == pytest.approx(2e9 * giga_g, rel=1e-3)
        assert operations(discriminator, torch.zeros(2, 3, 64, 64), seen) == pytest.approx(2e9 * giga_d, rel=1e-3)


def operations(network, *inputs):
    with FlopCounterMode(display=False) as counter:
        network(*inputs)
    return counter.get_total_flops()
