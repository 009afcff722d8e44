"""What the study makes and with which settings: one JSON per stage, for DVC to compare.

A stage of dvc.yaml depends on its plan in place of keys of params.yaml, so that an edit concerns the stages whose jobs
it changes and no other.
"""

import json
from pathlib import Path

import yaml

from pipeline.data.files import replacing
from pipeline.study import TABLES
from pipeline.versions.graph import jobs_of, planned

PLANS = "results/plan"
STAGES = (
    "drawn",
    "manifests",
    "poses",
    "splits",
    "crops",
    "subsets",
    "generators",
    "images",
    "real_classifiers",
    "scores",
    "conditioning",
    "quality",
    "filtered",
    "copies",
    "classifiers",
    "predictions",
    "audit",
    "rating_forms",
    "ratings",
    *(f"tables{number}" for number in TABLES),
    "rivals",
    "verdict",
    "errata",
    "claims",
    "figures",
    "crops_sheets",
    "generated_sheets",
    "report",
)


def stage_of(job):
    """Return the stage of a job: its rule, and for a table its number."""
    return f"tables{job.wildcards.number}" if job.rule.name in ("tables", "quality_tables") else job.rule.name


def settings_of(job):
    """Return everything Snakemake compares of a job besides its inputs: its parameters and its command."""
    params = {name: json.loads(value) if name == "options" else str(value) for name, value in job.params.items()}
    return params | {"command": job.rule.shellcmd}


def plans_of(workflow):
    """Return {stage: {output: settings}}, with stages that have nothing to do in this study."""
    plans = {stage: {} for stage in STAGES}
    for job in jobs_of(workflow):
        plans[stage_of(job)].update({str(path): settings_of(job) for path in job.output})
    return plans


def write_plans(workflow):
    """Write the plan of each stage; one that says the same stays untouched."""
    for stage, plan in plans_of(workflow).items():
        path, text = Path(PLANS, f"{stage}.json"), json.dumps(plan, indent=1, sort_keys=True) + "\n"
        if not path.exists() or path.read_text() != text:
            with replacing(path) as beside:
                beside.write_text(text)


def main():
    with planned(yaml.safe_load(Path("params.yaml").read_text())) as workflow:
        write_plans(workflow)


if __name__ == "__main__":
    main()
