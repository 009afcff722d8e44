"""Tell Snakemake what dvc.lock proves about outputs that DVC put here.

dvc.lock proves, by content, that an output was made from the inputs, code and settings that are here. Such an output
gets a record, as if it had been made here. Any other without a record is made again; but where its inputs were not
pulled, it stays as it is.
"""

import json
import os
import sys
import time

from dvc.fs import localfs
from dvc.repo import Repo
from dvc.utils.serialize import load_yaml
from dvc_data.hashfile.hash import hash_file
from snakemake.settings.types import ExecutionSettings

from pipeline.data.files import note_sum
from pipeline.records import record_path
from pipeline.versions.graph import jobs_of, planned
from pipeline.versions.hooks import LOCK, moved_outputs
from pipeline.versions.lock import locked_stages
from pipeline.versions.plan import settings_of


class Contents:
    """MD5 of files, from DVC's memory where it has seen the file as it is."""

    def __init__(self, repo):
        self.state, self.known = repo.state, {}

    def __getitem__(self, path):
        """Return the MD5 of a file; None where there is none."""
        if path not in self.known:
            exists = os.path.exists(path)
            self.known[path] = hash_file(os.path.abspath(path), localfs, "md5", state=self.state) if exists else None
        return self.known[path] and self.known[path][1].value

    def stamp(self, path, moment):
        """Set a file's time, without DVC having to read the file again."""
        self[path]
        os.utime(path, (moment, moment))
        self.state.save(os.path.abspath(path), localfs, self.known[path][1])


def adopt(params):
    """Adopt what is proved; return the outputs taken as made, and those to be made again."""
    made, again = set(), set()
    with Repo() as repo:
        contents = Contents(repo)
        stages = locked_stages(load_yaml(LOCK), repo.cache.local.path)
        moved = set(moved_outputs())
        # One time for all: what is not older than its inputs need not be compared with them on every call.
        now = time.time()
        for path in moved:
            contents.stamp(path, now)
        with planned(params) as workflow:
            workflow.execution_settings = ExecutionSettings(keep_metadata=True)
            for job in jobs_of(workflow):
                outputs = moved.intersection(map(str, job.output))
                if not outputs and moved.isdisjoint(map(str, job.input)):
                    continue
                if any(_proves(stage, job, contents) for stage in stages):
                    # Another input may have given the same output, which then stayed here with the other's record.
                    for path in set(map(str, job.output)) - moved:
                        contents.stamp(path, now)
                    for path in outputs:
                        note_sum(path, path)
                    workflow.async_run(workflow.persistence.finished(job))
                    made |= outputs
                elif outputs and _waits_for_inputs(job, stages, contents):
                    for path in outputs:
                        note_sum(path, path)
                elif outputs:
                    _forget(outputs)
                    again |= outputs
    return made, again


def _proves(stage, job, contents):
    """Return whether a stage of dvc.lock says that these outputs came from these inputs by these settings."""
    planned_then = all(_as_then(stage.plan.get(str(path)), settings_of(job)) for path in job.output)
    return planned_then and _same(job.output, stage.outs, contents) and _same(job.input, stage.deps, contents)


def _as_then(then, now):
    """Return whether settings are those of then. Photographs, which few may pass on, need not be here."""
    if then is not None and now.get("photographs") == "":
        then = then | {"photographs": ""}
    return then == now


def _same(paths, locked, contents):
    return all(str(path) in locked and contents[str(path)] == locked[str(path)] for path in paths)


def _waits_for_inputs(job, stages, contents):
    """Return whether DVC vouches for the outputs, but inputs of theirs were not pulled: nothing can be said then."""
    unpulled = any(not os.path.exists(path) for path in job.input)
    return unpulled and any(_same(job.output, stage.outs, contents) for stage in stages)


def _forget(outputs):
    """Make Snakemake make the outputs again."""
    for path in outputs:
        os.utime(path, (1, 1))  # older than any input; 0 would read as "no time"
        record_path(path).unlink(missing_ok=True)


def main():
    made, again = adopt(json.load(sys.stdin))
    if made:
        print(f"note: dvc.lock vouches for {len(made)} files that DVC brought; they count as made", file=sys.stderr)
    if again:
        some = ", ".join(sorted(again)[:3]) + " …" * (len(again) > 3)
        print(
            f"note: {len(again)} files were not made here from today's inputs, code and settings, nor does dvc.lock"
            f" vouch for that; they will be made again when asked for: {some}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
