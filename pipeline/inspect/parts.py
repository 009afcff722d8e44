"""Finished parts of stages that are under way, or were cut off, and findings that are remembered."""

import pandas as pd

from pipeline.data.archive import decode_image
from pipeline.inspect.contents import Contents, listed
from pipeline.poses.crop import read_pngs
from pipeline.poses.findings import read_findings
from pipeline.poses.memory import read_remembered
from pipeline.poses.reasons import counted


def contents_of(path):
    """Return the Contents of a part of poses or crops; None for any other file."""
    for read, tell in ((read_findings, _of_poses), (read_remembered, _of_poses), (read_pngs, _of_crops)):
        kept = read(path)
        if kept is not None:
            return tell(path, kept)
    return None


def _of_poses(_, arrays):
    reasons = pd.Series(arrays["reason"], dtype=str)
    found = f"{len(reasons)} photographs, hand found in {(reasons == '').sum()}"
    return Contents("part of unfinished poses", found, lines=lambda: [found, *listed(counted(reasons[reasons != ""]))])


def _of_crops(path, pngs):
    said = f"{len(pngs)} crops, {sum(map(len, pngs))} bytes of PNG"
    return Contents("part of unfinished crops", said, lambda: [said], draw=lambda: decode_image(pngs[0], path))
