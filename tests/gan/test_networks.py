import pytest
import torch
import torch.nn.functional as F
from gan.small import ALL_CONDITIONS, OPTIONS

from pipeline.gan.discriminators import build_discriminator
from pipeline.gan.generators import build_generator
from pipeline.gan.layers import (
    ConditionalBatchNorm,
    Conv3x3,
    DiscriminatorBlock,
    DownsampleConv,
    SelfAttention,
    Spade,
    UpsampleConv,
)
from pipeline.gan.spectral import add_spectral_norm
from pipeline.poses.render import NUM_POSE_MAPS

PAPER = {**OPTIONS, "channels": 96, "z_dim": 80, "shared_dim": 128, "embed_dim": 512}


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Parameter counts of the released modules, instantiated.
@pytest.mark.parametrize(
    ("num_classes", "in_generator", "in_discriminator"),
    [
        (39, 24_575_812, 44_802_850),
        (13, 24_572_484, 44_776_226),
        (18, 24_573_124, 44_781_346),
        (59, 24_578_372, 44_823_330),
    ],
)
def test_reacgan_is_as_large_as_released(num_classes, in_generator, in_discriminator):
    as_released = {**PAPER, "as_published": ["adc"]}
    with torch.device("meta"):
        assert count(build_generator("reacgan", num_classes, as_released)) == in_generator
        assert count(build_discriminator("reacgan", num_classes, as_released)) == in_discriminator
        # Without ADC there is one proxy per class, not two.
        assert count(build_discriminator("reacgan", num_classes, PAPER)) == in_discriminator - 512 * num_classes


@pytest.mark.parametrize(
    ("condition", "z_dim", "in_generator", "in_discriminator"),
    [
        ("spade_bones", 80, 35_038_148, 43_995_170),
        ("spade_keypoints", 80, 35_047_364, 43_996_130),
        ("spade_bones", 128, 36_217_796, 43_995_170),
        ("spade_keypoints", 128, 36_227_012, 43_996_130),
    ],
)
def test_spade_is_as_large_as_released(condition, z_dim, in_generator, in_discriminator):
    options = {**PAPER, "z_dim": z_dim}
    with torch.device("meta"):
        assert count(build_generator(condition, 39, options)) == in_generator
        assert count(build_discriminator(condition, 39, options)) == in_discriminator


def inputs(condition, batch_size=3):
    condition_maps = NUM_POSE_MAPS.get(condition)
    labels = torch.arange(batch_size) % 2
    maps = torch.rand(batch_size, condition_maps, 64, 64) if condition_maps else None
    return torch.randn(batch_size, OPTIONS["z_dim"]), labels, maps


def class_term(discriminator, outputs, labels):
    logits, embeddings = outputs
    return logits.sum() + (embeddings * discriminator.proxies(labels)).sum()


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_every_parameter_learns(condition):
    z, labels, maps = inputs(condition)
    generator = add_spectral_norm(build_generator(condition, 2, OPTIONS))
    discriminator = add_spectral_norm(build_discriminator(condition, 2, OPTIONS))
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            if name.endswith("gate"):
                parameter.data.fill_(0.5)  # at 0 nothing behind it has a gradient
    images = generator(z, labels if maps is None else maps)
    assert images.shape == (3, 3, 64, 64) and images.abs().max() <= 1
    outputs = discriminator(images) if maps is None else discriminator(images, maps)
    (class_term(discriminator, outputs, labels) if maps is None else outputs.sum()).backward()
    for network in (generator, discriminator):
        idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert idle == []


@pytest.mark.parametrize("size", [4, 32])  # few pixels and many are computed differently
def test_upsampling_convolution_is_upsampling_then_convolution(size):
    layer, x = UpsampleConv(3, 5).double(), torch.randn(4, 3, size, size, dtype=torch.double)
    expected = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("size", [8, 32])
def test_downsampling_convolution_is_convolution_then_averages(size):
    layer, x = DownsampleConv(3, 5).double(), torch.randn(4, 3, size, size, dtype=torch.double)
    expected = F.avg_pool2d(F.conv2d(x, layer.weight, layer.bias, padding=1), 2)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [2, 4, 5])
def test_a_convolution_of_small_images_is_a_convolution(size, bias):
    layer, x = Conv3x3(3, 5, bias).double(), torch.randn(4, 3, size, size, dtype=torch.double, requires_grad=True)
    expected = F.conv2d(x, layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)
    of_ours, of_theirs = (torch.autograd.grad(y.square().sum(), [x, layer.weight]) for y in (layer(x), expected))
    torch.testing.assert_close(of_ours, of_theirs)


def normalised(x):
    mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(variance + 1e-4)


def test_conditional_batch_norm_restated():
    layer = ConditionalBatchNorm(4, 6).double()
    x, y = torch.randn(3, 4, 5, 5, dtype=torch.double), torch.randn(3, 6, dtype=torch.double)
    gain, bias = y @ layer.gain.weight.T, y @ layer.bias.weight.T
    torch.testing.assert_close(layer(x, y), normalised(x) * (1 + gain[:, :, None, None]) + bias[:, :, None, None])


def test_spade_restated():
    layer, maps = Spade(4, num_maps=2, hidden=3).double(), torch.rand(3, 2, 8, 8, dtype=torch.double)
    x = torch.randn(3, 4, 8, 8, dtype=torch.double)
    seen = F.conv2d(maps, layer.shared.weight, layer.shared.bias, padding=1).clamp_min(0)
    gain, bias = F.conv2d(seen, layer.gain.weight, padding=1), F.conv2d(seen, layer.bias.weight, padding=1)
    torch.testing.assert_close(layer(x, {8: maps, 4: None}), normalised(x) * (1 + gain) + bias)


def test_attention_restated():
    layer, x = SelfAttention(16).double(), torch.randn(2, 16, 8, 8, dtype=torch.double)
    layer.gate.data.fill_(0.7)
    query = layer.query(x).flatten(2)
    key, value = (F.max_pool2d(conv(x), 2).flatten(2) for conv in (layer.key, layer.value))
    weights = torch.softmax(torch.einsum("bcq,bck->bqk", query, key), dim=2)
    read = torch.einsum("bqk,bck->bcq", weights, value).unflatten(2, (8, 8))
    torch.testing.assert_close(layer(x), x + 0.7 * layer.out(read))


@pytest.mark.parametrize("downsample", [True, False])
def test_skip_path_sees_x_unless_as_published(downsample):
    plain, published = (DiscriminatorBlock(4, 4, downsample, relu_skip) for relu_skip in (False, True))
    published.load_state_dict(plain.state_dict())
    x = -torch.rand(2, 4, 8, 8)  # ReLU leaves nothing of it
    without_skip = plain.conv2(F.relu(plain.conv1(F.relu(x)))) + plain.skip.bias[:, None, None]
    torch.testing.assert_close(published(x), without_skip)
    assert not torch.allclose(plain(x), without_skip)


def test_no_line_is_lost_in_the_pose_pyramid():
    maps = torch.zeros(1, 20, 64, 64)
    maps[:, :, 33, 5:60] = 1  # a horizontal line of one pixel
    averaged = build_generator("spade_bones", 2, OPTIONS)._pyramid(maps)
    nearest = build_generator("spade_bones", 2, {**OPTIONS, "as_published": ["nearest_pose"]})._pyramid(maps)
    for size in (4, 8, 16, 32, 64):
        assert averaged[size].shape == nearest[size].shape == (1, 20, size, size)
        torch.testing.assert_close(averaged[size].mean(), maps.mean())
    assert nearest[4].sum() == 0
