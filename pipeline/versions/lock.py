"""dvc.lock: for each stage, what its inputs and outputs contained and what its plan was."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.versions.plan import PLANS


@dataclass
class LockedStage:
    """One stage of dvc.lock: MD5 by file, those in folders too, and {output: settings}."""

    deps: dict
    outs: dict
    plan: dict


def locked_stages(lock, cache):
    """Return the stages of a parsed dvc.lock; `cache` is the folder of DVC's cache with the files by MD5."""
    return [_locked_stage(stage, Path(cache)) for stage in lock["stages"].values()]


def _locked_stage(stage, cache):
    deps, outs = (
        {path: md5 for entry in stage.get(kind, []) for path, md5 in _files_of(entry, cache)}
        for kind in ("deps", "outs")
    )
    plan = {}
    for path, md5 in deps.items():
        if path.startswith(PLANS):
            plan.update(_cached_json(cache, md5, {}))
    return LockedStage(deps, outs, plan)


def _files_of(entry, cache):
    """Yield (path, MD5) of an entry of dvc.lock; nothing for a folder whose listing was not pulled."""
    if entry["md5"].endswith(".dir"):
        for file in _cached_json(cache, entry["md5"], []):
            yield f"{entry['path']}/{file['relpath']}", file["md5"]
    else:
        yield entry["path"], entry["md5"]


def _cached_json(cache, md5, absent):
    path = cache / md5[:2] / md5[2:]
    return json.loads(path.read_text()) if path.exists() else absent
