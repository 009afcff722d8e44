import copy

import pytest
import torch
from gan.small import OPTIONS

from pipeline.gan import precision
from pipeline.gan.discriminators import build_discriminator
from pipeline.gan.precision import has_bfloat16_units, set_precision
from pipeline.gan.spectral import add_spectral_norm


def forward_and_gradients(network, *inputs):
    outputs = network(*inputs)
    sum(output.square().sum() for output in outputs).backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}
    return outputs, gradients


def test_bfloat16_rounds_products_and_nothing_else():
    torch.manual_seed(0)
    plain = add_spectral_norm(build_discriminator("reacgan", 3, OPTIONS))
    rounded = set_precision(copy.deepcopy(plain), "bfloat16", "cpu")
    images = torch.randn(4, 3, 64, 64)
    (exact, exact_gradients), (near, near_gradients) = (forward_and_gradients(one, images) for one in (plain, rounded))
    for one, other in zip(exact, near, strict=True):
        assert other.dtype == torch.float32 and not torch.equal(one, other)
        # bfloat16 keeps 8 bits: errors of 2^-9 of a term, some 20 layers deep.
        assert (one - other).norm() < 0.05 * one.norm()
    assert all(gradient.dtype == torch.float32 for gradient in near_gradients.values())
    whole, other = (torch.cat([g.flatten() for g in grads.values()]) for grads in (exact_gradients, near_gradients))
    assert torch.nn.functional.cosine_similarity(whole, other, dim=0) > 0.99


def test_float32_leaves_the_network_alone():
    network = torch.nn.Linear(2, 2)
    assert "forward" not in vars(set_precision(network, "float32", "cpu"))


@pytest.mark.parametrize(("features", "units"), [("flags : avx2 amx_bf16 amx_tile", True), ("flags : avx512f", False)])
def test_auto_goes_by_what_the_machine_has(features, units, tmp_path, monkeypatch):
    listing = tmp_path / "cpuinfo"
    listing.write_text(features)
    monkeypatch.setattr(precision, "_CPU_FEATURES", listing)
    assert has_bfloat16_units("cpu") == units
    assert ("forward" in vars(set_precision(torch.nn.Linear(2, 2), "auto", "cpu"))) == units
    monkeypatch.setattr(precision, "_CPU_FEATURES", tmp_path / "none")
    assert not has_bfloat16_units("cpu")
