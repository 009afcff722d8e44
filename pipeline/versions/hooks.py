"""What the Snakefile calls: before a run, take in what DVC brought; after a run, record what was made.

Snakemake knows what is up to date from its records, one per output, in .snakemake/metadata; DVC from dvc.lock. What
`dvc checkout` or `dvc pull` put here has no record, or another's; what a run made is not in dvc.lock. Both calls close
that gap in a process of their own, and only where there is one.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from pipeline.records import record_of
from pipeline.stage import note
from pipeline.study import plain

PLANNING = "PIPELINE_PLANNING"  # environment variable: the graph is only looked at
LOCK = Path("dvc.lock")
_STATE = Path(".snakemake")
_SEEN = _STATE / "dvc.lock.seen"


def adopt(config):
    """Where outputs lie here that no record describes, find what dvc.lock proves about them and tell Snakemake."""
    if PLANNING in os.environ or not LOCK.exists() or _another_run():
        return
    if not (moved := moved_outputs()) or (_SEEN.exists() and _SEEN.read_text() == _situation(config, moved)):
        return
    _call("adopt", input=json.dumps(plain(config)))
    _SEEN.parent.mkdir(exist_ok=True)
    _SEEN.write_text(_situation(config, moved_outputs()))


def record(config):
    """Put what a run made into dvc.lock and DVC's cache."""
    if "DVC_STAGE" in os.environ or not Path(".dvc").is_dir():  # dvc repro records by itself
        return
    if plain(config) != plain(yaml.safe_load(Path("params.yaml").read_text())):
        note("not recorded in dvc.lock, because --config changed settings; set them in params.yaml to have it recorded")
        return
    _call("record")


def moved_outputs():
    """Return the files below results/ that are not what Snakemake's records describe: DVC, git or a person put them."""
    files = (path for path in Path("results").glob("**/*") if path.is_file() and _is_artifact(path))
    return sorted(str(path) for path in files if is_moved(path))


def _is_artifact(path):
    return path.parts[1] not in ("recorded", "plan") and not any(part.startswith(".") for part in path.parts)


def is_moved(path):
    """Return whether a file was changed or replaced after Snakemake noted that a job had made it."""
    found = record_of(path)
    return found is None or abs(found["endtime"] - os.stat(path).st_mtime) > 0.01


def _another_run():
    """A second Snakemake is refused a moment later; until then it must leave the first one's files alone."""
    return any((_STATE / "locks").glob("*"))


def _situation(config, moved):
    """Return a hash of what `adopt` has seen, so that it looks once."""
    times = [(path, os.stat(path).st_mtime) for path in moved]
    seen = json.dumps([plain(config), hashlib.sha256(LOCK.read_bytes()).hexdigest(), times], sort_keys=True)
    return hashlib.sha256(seen.encode()).hexdigest()


def _call(what, **streams):
    done = subprocess.run([sys.executable, "-m", f"pipeline.versions.{what}"], text=True, check=False, **streams)
    if done.returncode:
        note(f"could not {what} with DVC (see above); artifacts are as they were, `dvc status` tells more")
