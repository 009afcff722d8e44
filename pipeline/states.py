"""States of trainings as torch saves them: read without executing anything, and checked, which torch does not do."""

import zipfile

import torch


def read_state(path):
    """Return the dict that was saved at `path`, on the CPU; None where the file is damaged or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # torch would take up weights of which a bit fell over
                return None
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch and zipfile raise many kinds for a damaged file
        return None
    return content if isinstance(content, dict) else None
