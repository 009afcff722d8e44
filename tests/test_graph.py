"""Properties of the graph, of every study: built by Snakemake itself, nothing is run."""

import collections
import contextlib
import copy
import io
import json
from dataclasses import dataclass

import pytest
import yaml
from conftest import ROOT
from snakemake.api import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.types import Quietness

from pipeline.study import Study

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


@dataclass
class Job:
    rule: str
    inputs: list
    outputs: list
    options: str
    answers: str
    outside: str


def jobs_of(config):
    """Return every job of the study as Snakemake plans it."""
    with contextlib.redirect_stdout(io.StringIO()), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=config),
            snakefile=ROOT / "Snakefile",
            workdir=ROOT,
        )
        workflow.dag(DAGSettings(targets={"all"}, forceall=True)).summary()
        return [
            Job(
                job.rule.name,
                list(map(str, job.input)),
                list(map(str, job.output)),
                *(str(job.params.get(name)) for name in ("options", "answers", "outside")),
            )
            for job in workflow._workflow.dag.jobs
            if job.output
        ]


@pytest.fixture(scope="module", params=list(PARAMS["studies"]))
def jobs(request):
    return jobs_of({"study": request.param})


def test_test_images_are_read_by_the_final_evaluation_and_the_audit_alone(jobs):
    readers = {job.rule for job in jobs for path in job.inputs if path.endswith("-test.zip") and not leaks(job)}
    assert readers == {"predictions", "audit"}
    used = {path for job in jobs for path in job.inputs}
    after = [job for job in jobs if job.rule in readers]
    readers_after = {job.rule for job in jobs for path in job.inputs if any(path in done.outputs for done in after)}
    assert readers_after - {"errata"} == {"tables", "claims", "rivals", "verdict", "report"}
    assert any(path.endswith("-test.zip") for path in used)


def published_by(job):
    """Return what a job does as the released code does; None where it has no choice."""
    return json.loads(job.options).get("as_published") if job.options.startswith("{") else None


def leaks(job):
    """Tell whether a job is asked to look at test images as the released code does."""
    return {"test_poses", "test_reference"} & set(published_by(job) or ())


def test_nothing_is_done_as_released_but_for_the_sake_of_the_table_of_errata(jobs):
    asked = {job.outputs[0]: job for job in jobs if published_by(job) is not None}
    rules = {"subsets", "generators", "images", "scores", "filtered", "real_classifiers", "classifiers"}
    assert {job.rule for job in asked.values()} - {"figures"} == rules
    assert [name for name, job in asked.items() if published_by(job) and "__" not in name] == []


def test_only_a_leak_that_is_asked_for_reads_test_images(jobs):
    for job in (job for job in jobs if job.rule in ("images", "generators")):
        assert any(path.endswith("-test.zip") for path in job.inputs) == bool(leaks(job)), job.outputs


def test_poses_given_to_a_generator_are_of_the_targets_own_subset(jobs):
    for job in (job for job in jobs if job.rule == "images"):
        subset = job.outputs[0].removeprefix("results/images/").rsplit("-", 1)[0]
        assert f"results/subsets/{subset}.csv" in job.inputs
        assert f"results/crops/{subset.split('-n')[0]}-train.zip" in job.inputs


def test_a_generator_sees_the_training_images_of_the_data_set_that_it_is_told_to_see_as_well():
    params = copy.deepcopy(PARAMS)
    generators = params["studies"]["demo"]["experiments"]["drawn_signs"]["generators"]
    generators["reacgan"] = {**generators["reacgan"], "extra_images": "million_hands"}
    jobs = jobs_of(params)
    seeing = {path for job in jobs if job.rule == "generators" for path in job.inputs if "million" in path}
    assert seeing == {"results/crops/million_hands-train.zip"}
    told = [job.outputs[0] for job in jobs if "results/crops/million_hands-train.zip" in job.inputs]
    assert all(
        path.startswith("results/generators/drawn_signs") and path.endswith("reacgan.safetensors") for path in told
    )
    made = {path for job in jobs for path in job.outputs}
    assert made == {path for own in Study(params).artifacts().values() for path in own}


def test_a_generator_and_its_classifiers_share_one_subset(jobs):
    for job in (job for job in jobs if job.rule in ("generators", "classifiers", "real_classifiers")):
        name = job.outputs[0].split("/")[-1]
        assert [path for path in job.inputs if "/subsets/" in path] == [
            f"results/subsets/{'-'.join(name.split('-')[:3])}.csv"
        ]


def test_rivals_learn_from_real_images_and_copies_alone(jobs):
    for job in (job for job in jobs if job.rule == "classifiers"):
        recipe = job.outputs[0].split("/")[-1].split("-", 3)[3].removesuffix(".safetensors")
        sets = [path.split("/")[1] for path in job.inputs if path.endswith(".zip") and "/crops/" not in path]
        if recipe.startswith("copies-"):
            assert sets == ["copies"]
        else:
            assert len(sets) == ("-" in recipe) and "copies" not in sets
    (table,), (verdict,) = ([job for job in jobs if job.rule == rule] for rule in ("rivals", "verdict"))
    compared = [{path for path in job.inputs if path.startswith("results/")} for job in (table, verdict)]
    assert compared[0] == compared[1] and all("/predictions/" in path for path in compared[0])


def test_images_are_judged_by_a_classifier_of_real_images_of_the_same_subset(jobs):
    for job in (job for job in jobs if job.rule in ("scores", "conditioning")):
        subset = "-".join(job.outputs[0].split("/")[-1].split("-")[:3])
        assert f"results/real_classifiers/{subset}-real.safetensors" in job.inputs


def test_every_condition_of_every_data_set_is_measured_against_real_images_of_its_own(jobs):
    measured = [job for job in jobs if job.rule == "conditioning"]
    shown = {path for job in jobs if job.rule == "generated_sheets" for path in job.inputs if path.endswith(".zip")}
    assert shown == {path for job in measured for path in job.inputs if path.startswith("results/images/")}
    for job in measured:
        subset = "-".join(job.outputs[0].split("/")[-1].split("-")[:3])
        assert {f"results/subsets/{subset}.csv", f"results/crops/{subset.split('-n')[0]}-train.zip"} < set(job.inputs)


def test_multi_source_rows_use_a_generator_of_the_source(jobs, request):
    images = [job for job in jobs if job.rule == "images" and "_from_" in job.outputs[0]]
    study = Study(PARAMS | {"study": request.node.callspec.params["jobs"]})
    assert bool(images) == (study.source != study.target)
    for job in images:
        origin = job.outputs[0].split("_from_")[1].removesuffix(".zip")
        assert [path.split("-")[0] for path in job.inputs if "/generators/" in path] == [f"results/generators/{origin}"]


def test_the_study_knows_every_artifact_of_the_graph(jobs, request):
    made = collections.defaultdict(set)
    for job in jobs:
        made[job.rule].update(job.outputs)
    study = Study(PARAMS | {"study": request.node.callspec.params["jobs"]})
    assert {rule: set(files) for rule, files in study.artifacts().items() if files} == made


def test_the_report_shows_what_the_study_makes_and_test_images_only_as_answers(jobs):
    (report,) = (job for job in jobs if job.rule == "report")
    made = {path for job in jobs for path in job.outputs}
    shown = {path for path in report.inputs if path.startswith("results/")}
    assert shown <= made
    assert {path for path in made if path.startswith(("results/sheets/", "results/manifests/"))} < shown
    assert {path for path in made if path.startswith("results/table") and path.endswith(".csv")} < shown
    assert not any(path.endswith((".zip", ".safetensors")) for path in shown)


def test_every_job_names_the_code_it_depends_on(jobs):
    for job in jobs:
        assert any(path.startswith("pipeline/") for path in job.inputs), job.rule


@pytest.mark.parametrize(
    ("change", "rule", "word", "figures"),
    [
        # Figures 1 and 4 state these values.
        ({"classifier": {"strategies": {"mixup": {"alpha": 0.9}}}}, "classifiers", "mixup", ["1"]),
        ({"generators": {"reacgan": {"embed_dim": 16}}}, "generators", "reacgan", ["4"]),
        ({"generators": {"reacgan": {"lr": 0.125}}}, "generators", "reacgan", []),
    ],
)
def test_an_edit_of_one_value_concerns_what_uses_it(change, rule, word, figures):
    config = {"study": "demo", "studies": {"demo": {"experiments": {"drawn_signs": change}}}}
    before = {job.outputs[0]: job for job in jobs_of({"study": "demo"})}
    after = {job.outputs[0]: job for job in jobs_of(config)}
    # The report shows every setting, and comes at no cost.
    jobs = [name for name, job in before.items() if job.rule != "report"]
    changed = [name for name in jobs if before[name].options != after[name].options]
    concerned = [name for name in before if before[name].rule == rule and "drawn_signs" in name and word in name]
    assert sorted(changed) == sorted(concerned + [f"results/figures/figure{number}.png" for number in figures])


def test_table_3_tells_the_weight_of_the_conditional_loss():
    change = {"generators": {"reacgan": {"lambda_cond": 0.125}}}
    config = {"study": "demo", "studies": {"demo": {"experiments": {"drawn_signs": change}}}}
    (table,) = (job for job in jobs_of(config) if "results/table3.csv" in job.outputs)
    assert "ReACGAN λ_cond = 0.125" in {cell["method"] for cell in json.loads(table.options)["cells"]}


def test_new_answers_of_raters_concern_their_own_data_set(tmp_path):
    config = {"study": "demo", "studies": {"demo": {"rating": {"answers": str(tmp_path)}}}}
    before = {job.outputs[0]: job.answers for job in jobs_of(config)}
    (tmp_path / "drawn_signs").mkdir()
    (tmp_path / "drawn_signs" / "ann.csv").write_text("rater,image_set,position,image,rating\n")
    after = {job.outputs[0]: job.answers for job in jobs_of(config)}
    assert [name for name in before if before[name] != after[name]] == ["results/ratings/drawn_signs.json"]


@pytest.mark.parametrize("detector", ["openpose_json", "mmpose"])
def test_an_edit_of_a_detector_s_own_files_concerns_the_poses_of_its_data_set(tmp_path, detector):
    own, edited = tmp_path, tmp_path / "1_keypoints.json"
    poses = {"detector": detector, "folder": str(own)}
    if detector == "mmpose":
        own = edited = tmp_path / "hand.py"
        mmpose = {"config": str(own), "checkpoint": "hand.pth", "sha256": "0" * 7, "flip_test": True}
        poses |= {"roi": "centre", "mmpose": mmpose}
    config = {"study": "demo", "datasets": {"drawn_signs": {"poses": poses}}}
    edited.write_text("{}")
    before = {job.outputs[0]: job.outside for job in jobs_of(config)}
    edited.write_text('{"people": []}')
    after = {job.outputs[0]: job.outside for job in jobs_of(config)}
    assert [name for name in before if before[name] != after[name]] == ["results/poses/drawn_signs.npz"]
