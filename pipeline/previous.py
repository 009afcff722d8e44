"""What the jobs of a run replace, kept until the run ends: Snakemake deletes a job's outputs before the job begins.

results/.previous/ holds a second name of each such file, a hard link, and in jobs.json what Snakemake and the sums told
of it. Where a job fails Snakemake deletes all its outputs: they come back as they were, with their records, so that
what was due to be made again still is. After a run that was killed the next run does so. Until then the disk holds old
and new.
"""

import json
import os
import shutil
from pathlib import Path

from pipeline.records import record_path
from pipeline.stage import NO_ROOM, WrongInput, note
from pipeline.sums import sum_file

_RESULTS = Path("results")
_PLACE = _RESULTS / ".previous"
_JOBS = _PLACE / "jobs.json"


def set_aside(jobs):
    """Keep what there is of the outputs of jobs, lists of paths below results/, until put_back().

    Raises WrongInput where there is no room for that. On a disk without hard links nothing is kept, and a note says so.
    """
    shutil.rmtree(_PLACE, ignore_errors=True)
    kept = []
    try:
        for outputs in jobs:
            there = [path for path in map(Path, outputs) if path.is_file()]
            for path in there:
                _link(path)
            if there:
                kept.append({str(path): [_text(place) for place in _told_in(path)] for path in there})
        if kept:
            _write(_JOBS, json.dumps(kept))
    except OSError as failure:
        shutil.rmtree(_PLACE, ignore_errors=True)
        if failure.errno in NO_ROOM:
            remedy = "make room (disk or quota) and run the same command again"
            raise WrongInput(f"{_PLACE}: no room is left for it ({failure}); {remedy}") from None
        note(f"a job that fails will leave nothing of what it was to replace, for this disk keeps no links ({failure})")


def put_back():
    """Give the jobs none of whose outputs are there those that they had; keep nothing else.

    Where there is no room for their records all stays as it is, for the next call, and a note says so. It stays as well
    where what was whose cannot be read: raises WrongInput.
    """
    if not _PLACE.exists():
        return
    try:
        for files in _jobs_set_aside():
            if not any(map(os.path.exists, files)):
                for path, told in files.items():
                    _restore(Path(path), told)
    except OSError as failure:
        if failure.errno not in NO_ROOM:
            raise
        note("what failed jobs had made before comes back with the next run, when there is room for it")
    else:
        shutil.rmtree(_PLACE)


def _jobs_set_aside():
    """Return what set_aside() wrote: {output: what told of it} of each job; none where it was killed before it had."""
    try:
        text = _text(_JOBS)
        return [] if text is None else json.loads(text)
    except ValueError as wrong:
        raise WrongInput(
            f"{_JOBS}: damaged ({wrong}); expected what jobs were to replace; move what {_RESULTS}/ lacks of"
            f" {_PLACE}/ to where you want it, delete {_PLACE} and run the same command again"
        ) from None


def _link(path):
    link = _link_of(path)
    link.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, link)


def _link_of(path):
    return _PLACE / path.relative_to(_RESULTS)


def _told_in(path):
    """Return the small files that tell of an output: Snakemake's record of it, and its sum."""
    return record_path(path), sum_file(path)


def _restore(path, told):
    """Put a file back; what tells of it first, or it would count as what the failed job was to make."""
    for place, text in zip(_told_in(path), told, strict=True):
        if text is None:
            place.unlink(missing_ok=True)
        else:
            _write(place, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.replace(_link_of(path), path)


def _write(place, text):
    beside = place.with_name("previous.part")  # a record's own name may be as long as names can be
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        beside.write_text(text)
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)


def _text(path):
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
