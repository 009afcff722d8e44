"""Building blocks of the generators and the discriminator, as plain modules; spectral norm is added from outside."""

import torch
import torch.nn.functional as F
from torch import nn

BATCH_NORM_EPS = 1e-4  # of the released code; the paper gives none

# Where a batch has few pixels and a layer many weights, spreading a kernel costs more than it saves: measured at the
# paper's width on a CPU, gains of 1.8 to 2.4 from 4096 pixels on (16 images of 16x16), none at 1024, losses below.
_PIXELS_WORTH_A_LARGER_KERNEL = 2048
# Convolution routines are made for large images: for 1536 channels at 4x4 one matrix product is 2.6 times as fast.
_SIDE_WORTH_A_PRODUCT = 4


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution that keeps the size, on the smallest images computed as one matrix product."""

    def __init__(self, in_channels, out_channels, bias=True):
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x):
        if x.shape[-1] > _SIDE_WORTH_A_PRODUCT:
            return super().forward(x)
        patches = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).unfold(1, 3, 1).unfold(2, 3, 1)
        # (B, H, W, C, 3, 3): each pixel's neighbourhood a row, its channels innermost, as channels-last weights are.
        rows = patches.permute(0, 1, 2, 4, 5, 3).flatten(3)
        return F.linear(rows, self.weight.permute(0, 2, 3, 1).flatten(1), self.bias).permute(0, 3, 1, 2)


class UpsampleConv(nn.Conv2d):
    """Nearest upsampling by 2, then a 3x3 convolution: the same function as one transposed 4x4, at 4/9 of its cost."""

    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        if not _has_many_pixels(x):
            return super().forward(F.interpolate(x, scale_factor=2))
        kernel = 4 * _spread(self.weight.flip(2, 3)).transpose(0, 1)
        return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class DownsampleConv(nn.Conv2d):
    """A 3x3 convolution, then 2x2 averages: the same function as one 4x4 with stride 2, at 4/9 of its cost."""

    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        if not _has_many_pixels(x):
            return F.avg_pool2d(super().forward(x), 2)
        return F.conv2d(x, _spread(self.weight), self.bias, stride=2, padding=1)


def _has_many_pixels(x):
    return len(x) * x.shape[2] * x.shape[3] >= _PIXELS_WORTH_A_LARGER_KERNEL


def _spread(kernel):
    """Return the average of the four 4x4 kernels that hold this 3x3 kernel in one of their corners."""
    return F.avg_pool2d(F.pad(kernel, (1, 1, 1, 1)), 2, stride=1)


class SelfAttention(nn.Module):
    """x plus gate times what each pixel reads from the 2x2 maxima of the others; the gate starts at 0."""

    def __init__(self, channels):
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.out = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        query, key, value = self.query(x), F.max_pool2d(self.key(x), 2), F.max_pool2d(self.value(x), 2)
        # Zeros up to the width of the values change no product, and let the fused kernel be taken.
        padding = value.shape[1] - query.shape[1]
        query, key, value = (_pixels(part) for part in (query, key, value))
        query, key = (F.pad(part, (0, padding)) for part in (query, key))
        read = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        read = read.squeeze(1).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        # The gate in the products' precision, or bfloat16 would turn into float32 here for the rest of the network.
        return x + self.gate.to(x.dtype) * self.out(read)


def _pixels(x):
    """View (B, C, H, W) as (B, 1, H W, C): one attention head over the pixels."""
    return x.permute(0, 2, 3, 1).flatten(1, 2).unsqueeze(1)


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose gain and bias are linear in a vector y (B, condition_dim): BN(x) (1 + W_g y) + W_b y."""

    def __init__(self, channels, condition_dim):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS, affine=False)
        self.gain = nn.Linear(condition_dim, channels, bias=False)
        self.bias = nn.Linear(condition_dim, channels, bias=False)

    def forward(self, x, y):
        gain, bias = (affine(y)[:, :, None, None] for affine in (self.gain, self.bias))
        return torch.addcmul(bias, self.norm(x), 1 + gain)


class Spade(nn.Module):
    """Batch norm whose gain and bias are images, convolved from the pose maps of x's size (paper, Section 2.3.2).

    pyramid: {size: maps (B, num_maps, size, size)}.
    """

    def __init__(self, channels, num_maps, hidden):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS, affine=False)
        self.shared = Conv3x3(num_maps, hidden)
        self.gain = Conv3x3(hidden, channels, bias=False)
        self.bias = Conv3x3(hidden, channels, bias=False)

    def forward(self, x, pyramid):
        seen = F.relu(self.shared(pyramid[x.shape[-1]]))
        return torch.addcmul(self.bias(seen), self.norm(x), 1 + self.gain(seen))


class GeneratorBlock(nn.Module):
    """Residual block that doubles the size; make_norm(channels) gives a normalisation that takes (x, condition)."""

    def __init__(self, in_channels, out_channels, make_norm):
        super().__init__()
        self.norm1 = make_norm(in_channels)
        self.conv1 = UpsampleConv(in_channels, out_channels)
        self.norm2 = make_norm(out_channels)
        self.conv2 = Conv3x3(out_channels, out_channels)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x, condition):
        main = self.conv1(F.relu(self.norm1(x, condition)))
        main = self.conv2(F.relu(self.norm2(main, condition)))
        # A 1x1 convolution and nearest upsampling commute; the smaller image goes first.
        return main + F.interpolate(self.skip(x), scale_factor=2)


class DiscriminatorStem(nn.Module):
    """First block of the discriminator: image (and pose maps) to features of half the size."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = DownsampleConv(out_channels, out_channels)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x):
        return self.conv2(F.relu(self.conv1(x))) + self.skip(F.avg_pool2d(x, 2))


class DiscriminatorBlock(nn.Module):
    """Residual block of the discriminator, halving the size where `downsample` says so.

    relu_skip: the released code's in-place ReLU overwrites x before the skip path reads it; Section 3.2 of the paper
    asks for a residual network, where the skip path sees x.
    """

    def __init__(self, in_channels, out_channels, downsample, relu_skip):
        super().__init__()
        self.conv1 = Conv3x3(in_channels, out_channels)
        self.conv2 = (DownsampleConv if downsample else Conv3x3)(out_channels, out_channels)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)
        self.downsample, self.relu_skip = downsample, relu_skip

    def forward(self, x):
        active = F.relu(x)
        skipped = active if self.relu_skip else x
        # A 1x1 convolution and averages commute; the smaller image goes last.
        skipped = self.skip(F.avg_pool2d(skipped, 2) if self.downsample else skipped)
        return self.conv2(F.relu(self.conv1(active))) + skipped


def init_orthogonal(network):
    """Give every convolution, linear map and embedding orthogonal weights and zero biases; return the network."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.Embedding)):
            with torch.no_grad():
                module.weight.copy_(nn.init.orthogonal_(torch.empty(module.weight.shape)))
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
    return network
