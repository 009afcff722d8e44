"""In which precision a network's products are computed: bfloat16 where the machine has units for it, or float32.

Weights, optimiser, spectral norm, losses, and what a network returns, stay float32.
"""

from pathlib import Path

import torch

_CPU_FEATURES = Path("/proc/cpuinfo")


def set_precision(network, precision, device):
    """Make the network's forward compute as options["precision"] says; return it.

    "bfloat16" and "float32" say so outright; "auto" means bfloat16 on machines that multiply matrices of it in
    hardware, where it is several times as fast, and float32 elsewhere, where it is emulated and slow.
    """
    if precision == "bfloat16" or (precision == "auto" and has_bfloat16_units(device)):
        forward = torch.autocast(torch.device(device).type, torch.bfloat16)(network.forward)
        network.forward = lambda *inputs: _as_float32(forward(*inputs))
    return network


def has_bfloat16_units(device):
    """Return whether this device has units for bfloat16 matrices: GPUs since NVIDIA's Ampere, CPUs with AMX."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return _CPU_FEATURES.exists() and " amx_bf16" in _CPU_FEATURES.read_text()


def _as_float32(outputs):
    return tuple(map(_as_float32, outputs)) if isinstance(outputs, tuple) else outputs.float()
