"""Random numbers with an address: the same address gives the same numbers, whatever else is drawn."""

import hashlib

import numpy as np


def seed_of(*address):
    """Return a 63-bit seed that depends on the address alone, for example (seed, "latents", class, index)."""
    text = "\x1f".join(str(part) for part in address)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(*address):
    """Return a numpy Generator of its own for this address."""
    return np.random.default_rng(seed_of(*address))
