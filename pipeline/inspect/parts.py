"""Finished parts of stages that are under way, or were cut off, and findings that are remembered."""

import pandas as pd

from pipeline.data.archive import decode_image
from pipeline.data.parts import read_arrays
from pipeline.inspect.contents import Contents, listed
from pipeline.poses.findings import Finding
from pipeline.poses.reasons import counted


def contents_of(path):
    """Return the Contents of a part of poses or crops; None for any other file."""
    arrays = read_arrays(path)
    names = set(arrays or ())
    if names >= set(Finding._fields):
        return _of_poses(arrays)
    return _of_crops(path, arrays) if names == {"png", "length"} else None


def _of_poses(arrays):
    reasons = pd.Series(arrays["reason"], dtype=str)
    found = f"{len(reasons)} photographs, hand found in {(reasons == '').sum()}"
    return Contents("part of unfinished poses", found, lines=lambda: [found, *listed(counted(reasons[reasons != ""]))])


def _of_crops(path, arrays):
    said = f"{len(arrays['length'])} crops, {len(arrays['png'])} bytes of PNG"
    first = arrays["png"][: arrays["length"][0]].tobytes()
    return Contents("part of unfinished crops", said, lambda: [said], draw=lambda: decode_image(first, path))
