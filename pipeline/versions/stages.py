"""Write dvc.yaml from the graph: `python -m pipeline.versions.stages > dvc.yaml`.

A stage has the name of its rule, and for a table its number; its command lets Snakemake bring the rule's files up to
date. DVC decides whose inputs, settings or code changed, Snakemake which files that concerns, and makes those.
"""

from pathlib import Path

import yaml

from pipeline.sources import ROOT, source_files
from pipeline.study import ACCURACY_TABLES
from pipeline.versions.graph import jobs_of, planned
from pipeline.versions.plan import PLANS, STAGES, stage_of

# A rule's files lie in the folder of its name; of these rules also elsewhere.
_FURTHER_FOLDERS = {"generators": ["results/training"]}
_HEAD = """\
# Written by `python -m pipeline.versions.stages > dvc.yaml`, from the graph; a test compares the two.
#
# One stage per rule (and table). DVC decides whose inputs, settings or code changed; Snakemake decides which files that
# concerns, and makes those, on the cluster where there is one. Without persist, DVC would delete a whole folder to
# remake one file of it.
"""


def stages():
    """Return the content of dvc.yaml."""
    deps = _deps_by_stage()
    planning = {
        "plan": {
            "cmd": "python -m pipeline.versions.plan",
            "params": ["study", "datasets", "studies.${study}"],
            "deps": sorted(["Snakefile", *_rule_files(), *source_files("pipeline.study", "pipeline.versions.plan")]),
            "outs": [_kept(_plan(stage)) for stage in deps],
        }
    }
    return {"stages": planning | {stage: _stage(stage, deps[stage]) for stage in deps}, "plots": _plots()}


def _deps_by_stage():
    """Return {stage: the code and the folders that its jobs read}, over all studies."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    deps = {stage: set() for stage in STAGES}
    for study in params["studies"]:
        with planned(params | {"study": study}, force=True) as workflow:
            for job in jobs_of(workflow):
                deps[stage_of(job)] |= {_place(str(path)) for path in job.input}
    deps["manifests"].update(source_files(*(f"pipeline.data.{reader}" for reader in _readers())))
    return {stage: [_plan(stage), *sorted(own)] for stage, own in deps.items()}


def _readers():
    schema = yaml.safe_load((ROOT / "pipeline" / "schemas" / "params.schema.yaml").read_text())
    return schema["$defs"]["dataset"]["properties"]["reader"]["enum"]


def _rule_files():
    return [path.relative_to(ROOT).as_posix() for path in (ROOT / "pipeline" / "rules").glob("*.smk")]


def _plan(stage):
    return f"{PLANS}/{stage}.json"


def _place(path):
    """Return what DVC tracks of an artifact: its folder; code, and tables, which have none, are tracked by file."""
    return str(Path(path).parent) if path.startswith("results/") and path.count("/") > 1 else path


def _stage(stage, deps):
    if stage == "rivals" or stage.startswith("tables"):
        table = "results/" + stage.replace("tables", "table")
        outs = {
            "outs": [_kept(f"{table}.csv"), _kept(f"{table}_long.csv")],
            "metrics": [_kept(f"{table}.json")],
        }
        return {"cmd": f"python -m pipeline.progress -- {table}.csv", "deps": deps} | outs
    if stage == "conditioning":
        folders = {kind: f"results/{stage}/{kind}" for kind in ("images", "measures")}
        make = f"mkdir -p {' '.join(folders.values())} && python -m pipeline.progress -- all_{stage}"
        outs = {"outs": [_kept(folders["images"])], "metrics": [_kept(folders["measures"])]}
        return {"cmd": make, "deps": deps} | outs
    if stage == "verdict":
        statement, folder = "results/verdict.md", f"results/{stage}"
        make = f"python -m pipeline.progress -- {statement}"
        return {"cmd": make, "deps": deps, "outs": [_kept(statement), _kept(folder)]}
    if stage == "quality":
        make = f"mkdir -p results/{stage} && python -m pipeline.progress -- all_{stage}"
        return {"cmd": make, "deps": deps, "metrics": [_kept(f"results/{stage}")]}
    folder = "results/sheets/" + stage.removesuffix("_sheets") if stage.endswith("_sheets") else f"results/{stage}"
    folders = [folder, *_FURTHER_FOLDERS.get(stage, [])]
    # Not every study draws hands or filters images: a stage without files has an empty folder.
    make = f"mkdir -p {' '.join(folders)} && python -m pipeline.progress -- all_{stage}"
    return {"cmd": make, "deps": deps, "outs": [_kept(folder) for folder in folders]}


def _kept(path):
    return {path: {"persist": True}}


def _plots():
    """Return what `dvc plots diff` lays side by side for two revisions: bars of each table, how generators trained."""
    bars = {"template": "bar_horizontal", "x": "accuracy", "y": "cell"}
    tables = [{f"results/table{n}_long.csv": bars | {"title": f"Table {n}: accuracy (%)"}} for n in ACCURACY_TABLES]
    tables.append({"results/rivals_long.csv": bars | {"x": "macro_recall", "title": "Rivals: macro-recall (%)"}})
    curves = {"x": "step", "y": ["loss_d", "loss_g", "frechet"], "title": "Training of the generators"}
    return [*tables, {"results/training": curves}]


def main():
    print(_HEAD + yaml.safe_dump(stages(), sort_keys=False, width=120), end="")


if __name__ == "__main__":
    main()
