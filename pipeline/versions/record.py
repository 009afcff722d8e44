"""Put what Snakemake made into dvc.lock and DVC's cache: each stage all of whose files are up to date.

A stage that lacks files of the study, because nobody asked for them yet, is recorded as well, so that what there is can
be pushed and pulled; `dvc status` says "changed command" of it, and `dvc repro` makes what it lacks.
"""

import os
import sys
from pathlib import Path

import yaml
from dvc.repo import Repo, lock_repo

from pipeline.versions.graph import jobs_of, planned
from pipeline.versions.plan import PLANS, STAGES, write_plans

_UNFINISHED = " # some files not asked for yet"


def sort_stages(outs, wanted, pending):
    """Return (names of the stages that are whole, names of those whose files are up to date but not all there).

    outs: {stage: paths of its outputs, files or folders}; wanted: every file of the study; pending: those to be made.
    A stage is in neither where a file of it is stale, or a whole output is not there.
    """
    whole, part = [], []
    for stage, places in outs.items():
        files = [path for path in wanted if any(path == place or path.startswith(place + "/") for place in places)]
        there = [path for path in files if os.path.exists(path)]
        if not pending.intersection(there) and all(os.path.exists(place) for place in places):
            (whole if len(there) == len(files) else part).append(stage)
    return whole, part


def record():
    """Record the stages; return how many, and how many there are."""
    with planned(yaml.safe_load(Path("params.yaml").read_text())) as workflow:
        wanted = [str(path) for job in jobs_of(workflow) for path in job.output]
        pending = {str(path) for job in workflow.dag.needrun_jobs() for path in job.output}
        write_plans(workflow)
    wanted += [f"{PLANS}/{stage}.json" for stage in STAGES]
    with Repo(_wait_for_lock=True) as repo, lock_repo(repo), repo.scm_context():
        stages = {stage.name: stage for stage in repo.index.stages if stage.cmd}
        outs = {name: [out.def_path for out in stage.outs] for name, stage in stages.items()}
        for place in (place for places in outs.values() for place in places if not Path(place).suffix):
            os.makedirs(place, exist_ok=True)  # DVC wants the folder of a stage that has no files yet, or none ever
        # Of a study whose last stages nobody asked for yet, these have nothing to be recorded from.
        outs = {name: places for name, places in outs.items() if _has_inputs(stages[name])}
        whole, part = sort_stages(outs, wanted, pending)
        for name in part:
            stages[name].cmd += _UNFINISHED
        _commit([stages[name] for name in whole + part])
    return len(whole) + len(part), len(stages)


def _has_inputs(stage):
    return all(os.path.exists(dep.def_path) for dep in stage.deps)


def _commit(stages):
    """Do what `dvc commit --force` does, for several stages at once, and leave the files' times alone."""
    for stage in stages:
        stage.save()
        stage.commit(relink=False)
    stages[0].dvcfile.dump_stages(stages, update_pipeline=False)


def main():
    recorded, stages = record()
    print(f"note: recorded in dvc.lock: {recorded} of {stages} stages", file=sys.stderr)


if __name__ == "__main__":
    main()
