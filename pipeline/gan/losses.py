"""The losses of the generators: hinge, and data-to-data cross-entropy (Kang et al. 2021, ReACGAN)."""

import torch
import torch.nn.functional as F


def hinge_discriminator(real_logits, fake_logits):
    """Return E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator(fake_logits):
    """Return -E[D(G(z))]."""
    return -fake_logits.mean()


def d2d_cross_entropy(embeddings, proxies, labels, margin, temperature, shifted=False):
    """Return the data-to-data cross-entropy of unit vectors (n, d) and the proxies (n, d) of their labels (n,).

    Pulls each embedding within `margin` of its proxy, and pushes it from the embeddings of other classes down to a
    cosine of 1 - margin. shifted: the released code subtracts the largest similarity M_i from the exponents of the
    negatives only, which changes the loss; the published formula is the one with M_i = 0.
    """
    similarity = (embeddings @ embeddings.T + margin - 1) / temperature
    positive = F.relu((margin - (embeddings * proxies).sum(dim=1)) / temperature)
    exponent = F.relu(similarity)
    if shifted:
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        exponent = exponent - similarity.detach().masked_fill(itself, -torch.inf).amax(dim=1, keepdim=True)
    others = labels[:, None] != labels[None, :]
    negatives = torch.where(others, exponent.exp(), 0.0).sum(dim=1)
    return (positive + torch.log(torch.exp(-positive) + negatives)).mean()
