import numpy as np
import torch

from pipeline.generate.latents import latents


def test_latents_do_not_depend_on_batching():
    whole = latents(seed=0, label=3, indices=range(6), z_dim=8)
    assert torch.equal(whole[4:], latents(seed=0, label=3, indices=[4, 5], z_dim=8))


def test_seed_label_and_index_are_told_apart():
    rows = [latents(seed, label, [index], 8) for seed in (0, 1) for label in (0, 1) for index in (0, 1, 11)]
    assert len({tuple(row.flatten().tolist()) for row in rows}) == 12


def test_latents_are_standard_normal():
    z = latents(0, 0, range(500), 80).double().numpy()
    assert abs(z.mean()) < 0.02 and abs(z.std() - 1) < 0.02
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.2


def test_truncated_latents_stay_within():
    z = latents(0, 0, range(500), 80, truncation=0.5)
    # Standard deviation of a normal within +-t: sqrt(1 - 2 t phi(t) / (2 Phi(t) - 1)) = 0.2836 for t = 0.5.
    assert z.abs().max() <= 0.5 and abs(z.std() - 0.2836) < 0.003
