"""Where an artifact came from: Snakemake's record of the job that made it, or else its stage in dvc.lock."""

import ast
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

import yaml

from pipeline.records import finished_job, ran
from pipeline.stage import WrongInput

SAME, CHANGED, GONE = "unchanged", "changed since", "not here"
_PLANS = "results/plan"


@dataclass
class Origin:
    """told_by: which record; made: when and how long; settings, as the stage got them;

    inputs and code: {path: what became of it since}; remarks: sentences on the artifact itself.
    """

    told_by: str
    rule: str | None = None
    made: str | None = None
    settings: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)
    code: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)


def origin_at(place):
    """Return the Origin of the artifact at a Place; one without inputs or settings where nothing is recorded."""
    record, tracked = finished_job(place.name, place.root), _tracked(place)
    if record:
        origin = _told_by_snakemake(place, record)
    elif tracked:
        origin = _told_by_dvc(place, *tracked)
    else:
        origin = Origin("no record: neither .snakemake/metadata nor dvc.lock knows this file")
    if tracked:
        origin.remarks.append(_compared_with_dvc(place, *tracked))
    return origin


def digest_of(path, algorithm):
    """Return the hexadecimal digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _told_by_snakemake(place, record):
    checksums, made = record["input_checksums"] or {}, record["endtime"]
    since = {name: _since(place.root / name, checksums.get(name), made) for name in record["input"]}
    inputs, code = _without_code(since)
    origin = Origin(
        "Snakemake's record",
        rule=record["rule"],
        made=_made(record),
        settings=_settings(record["params"]),
        inputs=inputs,
        code=code,
    )
    # Snakemake keeps the date that the file had when its job was done.
    if abs((place.root / place.name).stat().st_mtime - made) > 0.01:
        origin.remarks.append("its date is not the recorded one: it was edited, copied or restored since")
    return origin


def _made(record):
    ended = record["endtime"]
    if not ran(record):
        return f"taken as made {moment(ended)}, without a run: restored by DVC, or touched"
    return f"{moment(ended)}, in {ended - record['starttime']:.1f} s"


def moment(seconds):
    """Write seconds since 1970 as local date and time."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _since(path, checksum, made):
    if not path.exists():
        return GONE
    if checksum and path.is_file():
        algorithm, _, digest = checksum.partition(":")
        return SAME if digest_of(path, algorithm) == digest else CHANGED
    return "newer than this artifact" if path.stat().st_mtime > made else "not newer (no checksum recorded)"


def _without_code(since):
    code = {
        name: what
        for name, what in since.items()
        if name.endswith((".py", ".smk", "Snakefile")) or "/templates/" in name
    }
    return {name: what for name, what in since.items() if name not in code}, code


def _settings(params):
    """Return the options of a stage; Snakemake records the Python text of every param, without its name."""
    settings, others = {}, []
    for text in params or ():
        value = _evaluated(text)
        if isinstance(value, str) and value.startswith("{"):
            settings |= json.loads(value)
        elif value:
            others.append(value)
    return settings | ({"other arguments": others} if others else {})


def _evaluated(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _tracked(place):
    """Return (stage name, stage, out) of dvc.lock for the file or a folder above it, or None."""
    path = place.root / "dvc.lock"
    if not path.is_file():
        return None
    try:
        # The loader in C, where there is one: the lock of a whole study has thousands of lines.
        stages = yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"]
        found = [(name, stage, out) for name, stage in stages.items() for out in stage.get("outs", [])]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise WrongInput(f"{path}: not a lock file of DVC; resolve its conflicts or restore it with Git") from None
    return next((one for one in found if PurePosixPath(place.name).is_relative_to(one[2]["path"])), None)


def _told_by_dvc(place, name, stage, out):
    deps = stage.get("deps", [])
    inputs, code = _without_code({dep["path"]: _since_locked(place.root, dep) for dep in deps})
    settings = {key: value for values in stage.get("params", {}).values() for key, value in values.items()}
    for path in inputs:
        if PurePosixPath(path).is_relative_to(_PLANS) and inputs[path] == SAME:
            settings |= _planned(place, path)
    return Origin(f"stage `{name}` of dvc.lock", settings=settings, inputs=inputs, code=code)


def _planned(place, path):
    """Return the settings that a plan, a JSON {output: settings} among the inputs of a stage, has for the artifact."""
    plan = json.loads((place.root / path).read_text())
    return plan.get(place.name, {}).get("options", {})


def _since_locked(root, dep):
    path = root / dep["path"]
    if not path.exists():
        return GONE
    if path.is_file():
        return SAME if digest_of(path, "md5") == dep.get("md5") else CHANGED
    files = [file for file in path.rglob("*") if file.is_file()]
    same = (len(files), sum(file.stat().st_size for file in files)) == (dep.get("nfiles"), dep.get("size"))
    return "as many files and bytes as it had" if same else "other files than it had"


def _compared_with_dvc(place, name, stage, out):
    expected = out.get("md5") if out["path"] == place.name else _in_folder(place, out)
    if expected is None:
        return f"stage `{name}` of dvc.lock tracks {out['path']}, whose list of files is not in the local DVC cache"
    if expected == digest_of(place.root / place.name, "md5"):
        return f"the content that stage `{name}` of dvc.lock has recorded"
    return f"not the content that stage `{name}` of dvc.lock has recorded: `dvc checkout` restores that"


def _in_folder(place, out):
    """Return the md5 that DVC's list of a folder has for the file, "" if it is not on it, None without the list."""
    md5 = out.get("md5", "")
    path = Path(place.root, ".dvc", "cache", "files", "md5", md5[:2], md5[2:])
    if not path.is_file():
        return None
    inside = PurePosixPath(place.name).relative_to(out["path"]).as_posix()
    return next((entry["md5"] for entry in json.loads(path.read_text()) if entry["relpath"] == inside), "")
