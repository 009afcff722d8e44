"""A checkpoint of OpenMMLab's, read without executing anything: weights, and the order of the joints that they find."""

import hashlib
import io
import pickle
import re
from pathlib import Path

import numpy as np
import torch

from pipeline.stage import WrongInput

# Beside tensors such a file describes its data set, in arrays. The last is what numpy 1 called the first.
_REBUILD = np._core.multiarray._reconstruct
_ARRAYS = [
    _REBUILD,
    np.ndarray,
    np.dtype,
    bytes,  # of empty arrays
    *(type(np.dtype(kind)) for kind in ("float32", "float64", "uint8", "int32", "int64")),
    (_REBUILD, "numpy.core.multiarray._reconstruct"),
]


def read_checkpoint(path, sha256):
    """Return ({name: tensor}, names of the joints in the model's order, or None where the file does not tell them).

    Raises WrongInput where the file is missing, its SHA-256 does not begin with `sha256`, or it holds more than
    tensors, arrays and plain values.
    """
    data = _checked(Path(path), sha256)
    try:
        with torch.serialization.safe_globals(_ARRAYS):
            checkpoint = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as wrong:
        raise WrongInput(
            f"{path}: {_reason(wrong)}; expected tensors, numpy arrays and plain values; if you trust it, make it"
            " anew with mmpose's tools/misc/publish_model.py"
        ) from None
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise WrongInput(f"{path}: has no state_dict; expected a checkpoint of mmpose; name another file")
    return checkpoint["state_dict"], _joint_names(checkpoint)


def _checked(path, sha256):
    """Return the bytes of the file, which are those that were compared."""
    if not path.is_file():
        raise WrongInput(f"{path}: no such checkpoint; put it there, or mend poses.mmpose.checkpoint")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if not found.startswith(sha256):
        raise WrongInput(f"{path}: SHA-256 {found}; expected {sha256}…; fetch it again, or mend poses.mmpose.sha256")
    return data


def _reason(wrong):
    refused = re.search(r"GLOBAL (\S+)", str(wrong))
    return f"holds {refused[1]}" if refused else "is no checkpoint of torch, or is damaged"


def _joint_names(checkpoint):
    """Return the names where the file is of mmpose 1; those of mmpose 0 tell none."""
    meta = checkpoint["meta"]["dataset_meta"] if "dataset_meta" in checkpoint.get("meta", ()) else None
    return None if meta is None else [name for _, name in sorted(meta["keypoint_id2name"].items())]
