"""Expected jobs, hours and bytes against the real networks, files and graphs."""

import contextlib
import functools
import io
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import yaml
from conftest import ROOT
from snakemake.api import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.types import Quietness
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from pipeline import expected
from pipeline.classify.evaluate import PASS_SIZE
from pipeline.classify.model import save_classifier
from pipeline.data.archive import ImageSet, keypoints_json
from pipeline.expected import Expectation, Job, expect, sentence
from pipeline.gan.batches import TrainingBatches
from pipeline.gan.discriminators import build_discriminator
from pipeline.gan.generator_file import save_generator
from pipeline.gan.generators import CONDITIONS, build_generator
from pipeline.gan.state import new_training
from pipeline.gan.train import train
from pipeline.generate.sample import CHUNK
from pipeline.poses.render import NUM_POSE_MAPS
from pipeline.study import Study

torch.set_num_threads(1)  # many small operations: more threads only wait for each other

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
GAN = PARAMS["anchors"]["gan"] | {"seed": 0}
NUM_CLASSES = 39
BATCH = 128  # of the paper; with few images some layers save less


@functools.cache
def study(name):
    return Study(PARAMS | {"study": name})


def options_of(condition, channels):
    return GAN | {"condition": condition, "channels": channels}


class Operations(TorchDispatchMode):
    """Counts what torch dispatches, views aside."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def counted(compute):
    """Return the FLOP per image of a call with BATCH images as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        compute()
    return counter.get_total_flops() / BATCH


def gan_on_meta(options):
    """Return generator, discriminator and what BATCH images of theirs are conditioned on, without any memory."""
    condition = options["condition"]
    with torch.device("meta"):
        maps = torch.zeros(BATCH, NUM_POSE_MAPS.get(condition, 0), 64, 64)
        seen = torch.zeros(BATCH, dtype=torch.long) if condition == "reacgan" else maps
        generator = build_generator(condition, NUM_CLASSES, options)
        return generator, build_discriminator(condition, NUM_CLASSES, options), seen


def judged(discriminator, images, seen):
    if seen.dim() == 1:
        logits, embeddings = discriminator(images)
        return logits.sum() + embeddings.sum()
    return discriminator(images, seen).sum()


def test_pose_maps_and_passes_are_those_of_the_stages():
    assert expected.POSE_MAPS == NUM_POSE_MAPS
    assert (expected.CHUNK, expected.PASS_SIZE) == (CHUNK, PASS_SIZE)


@pytest.mark.parametrize("channels", [96, 8])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_layers_hold_what_the_generator_holds_and_compute_what_torch_counts(condition, channels):
    options = options_of(condition, channels)
    generator, discriminator, seen = gan_on_meta(options)
    layers = expected.generator_layers(options, NUM_CLASSES)
    stored = sum(tensor.nbytes for tensor in generator.state_dict().values())
    assert expected.bytes_of(layers) == stored

    z, images = torch.zeros(BATCH, GAN["z_dim"], device="meta"), torch.zeros(BATCH, 3, 64, 64, device="meta")
    with torch.no_grad():
        drawn = counted(lambda: generator(z, seen))
        looked = counted(lambda: judged(discriminator, images, seen))
    assert expected.flops_of(layers) == pytest.approx(drawn, rel=1e-4)
    assert expected.flops_of(expected.discriminator_layers(options)) == pytest.approx(looked, rel=0.01)

    update_d, update_g = expected.update_flops(options)
    tolerance = 0.02 if channels == 96 else 0.1
    learnt = drawn + 2 * counted(lambda: judged(discriminator, images, seen).backward())
    assert update_d == pytest.approx(learnt, rel=tolerance)
    discriminator.requires_grad_(False)
    learnt = counted(lambda: judged(discriminator, generator(z, seen), seen).backward())
    assert update_g == pytest.approx(learnt, rel=tolerance)


@pytest.mark.parametrize("condition", ["reacgan", "spade_bones"])
def test_operations_of_an_update_are_those_that_training_dispatches(condition):
    pose = keypoints_json(np.full((21, 2), 30.0))
    rows = pd.DataFrame({"label": [0, 1], "keypoints": [pose, pose]})
    crops = ImageSet(np.zeros((2, 64, 64, 3), np.uint8), rows, ["a", "b"])

    def operations(updates):
        options = options_of(condition, 8) | {"batch_size": 2, "steps": 1, "discriminator_updates": updates}
        training, batches = new_training(2, options, "cpu"), TrainingBatches(crops, options, "cpu")
        with Operations() as counter:
            train(training, batches, options, lambda: None)
        return counter.count

    one = operations(2) - operations(1)
    assert one == pytest.approx(expected.DISCRIMINATOR_OPERATIONS, rel=0.2)
    assert operations(1) - one == pytest.approx(expected.GENERATOR_OPERATIONS, rel=0.2)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_operations_of_a_pass_are_those_that_a_generator_dispatches(condition):
    options = options_of(condition, 8)
    generator = build_generator(condition, 2, options).eval()
    seen = torch.zeros(2, NUM_POSE_MAPS.get(condition, 0), 64, 64)
    seen = torch.zeros(2, dtype=torch.long) if condition == "reacgan" else seen
    with Operations() as counter, torch.inference_mode():
        generator(torch.zeros(2, options["z_dim"]), seen)
    assert counter.count == pytest.approx(expected.FORWARD_OPERATIONS, rel=0.2)


@pytest.mark.parametrize("name", expected.BACKBONES)
def test_backbones_are_as_recorded(name):
    backbone = expected.BACKBONES[name]
    with torch.device("meta"):
        model, images = timm.create_model(name, num_classes=NUM_CLASSES), torch.zeros(BATCH, 3, 64, 64)
    with torch.no_grad():
        assert backbone.flops == pytest.approx(counted(lambda: model.eval()(images)), rel=1e-3)
    assert backbone.features == model.num_features
    head = 4 * (backbone.features + 1) * NUM_CLASSES
    assert 4 * backbone.numbers + head == sum(tensor.nbytes for tensor in model.state_dict().values())


def test_operations_of_a_backbone_are_those_that_it_dispatches():
    backbone = expected.BACKBONES["tf_efficientnet_lite0"]
    model, images = timm.create_model("tf_efficientnet_lite0", num_classes=10), torch.zeros(2, 3, 64, 64)
    with Operations() as learning:
        model.train()(images).mean().backward()
    with Operations() as forward, torch.inference_mode():
        model.eval()(images)
    assert learning.count == pytest.approx(backbone.learning_operations, rel=0.1)
    assert forward.count == pytest.approx(backbone.forward_operations, rel=0.1)


def test_files_are_as_large_as_expected(tmp_path):
    demo = study("demo")
    names = list(demo.datasets["drawn_signs"]["drawn"]["handshapes"])
    made = {"dataset": "drawn_signs", "size": "all", "seed": "0"}

    options = demo.generator_options("drawn_signs", "all", 0, "spade_bones")
    save_generator(tmp_path / "generator", build_generator("spade_bones", len(names), options), options, names)
    expectation = expect([Job("generators", options, made)], demo)
    assert expectation.bytes["generators"] == pytest.approx((tmp_path / "generator").stat().st_size, rel=0.02)

    options = demo.classifier_options("drawn_signs", "all", 0, "real")
    model = timm.create_model(options["backbone"], num_classes=len(names))
    save_classifier(tmp_path / "classifier", model.state_dict(), options, names, 0)
    expectation = expect([Job("classifiers", options, made | {"recipe": "real"})], demo)
    assert expectation.bytes["classifiers"] == pytest.approx((tmp_path / "classifier").stat().st_size, rel=0.01)


def test_the_papers_generator_takes_its_published_work():
    # published: 30.8 TFLOP per ReACGAN step of 128; the fused convolutions save 37 % of it
    options = study("paper").generator_options("rwth", "all", 0, "reacgan")
    assert expected.generator_seconds(options) == pytest.approx(
        10_000 * 30.8e12 * 0.63 / expected.SUSTAINED_FLOPS, rel=0.02
    )


def test_small_batches_wait_for_their_launch():
    options = study("paper").generator_options("rwth", "5", 0, "reacgan")
    assert expected.generator_seconds(options) == expected.generator_seconds(options | {"batch_size": 1})
    assert expected.generator_seconds(options | {"discriminator_updates": 0}) == pytest.approx(
        10_000 * expected.GENERATOR_OPERATIONS * expected.SECONDS_PER_OPERATION
    )


def classifier_job(recipe, size="5"):
    options = study("paper").classifier_options("rwth", size, 0, recipe)
    return Job("classifiers", options, {"dataset": "rwth", "size": size, "seed": "0", "recipe": recipe})


def seconds_of(job, of="paper"):
    return expect([job], study(of)).gpu_seconds[job.rule]


def test_strategies_differ_by_the_images_they_learn_from():
    real, mixup, regularization, pretrain = (
        seconds_of(classifier_job(recipe))
        for recipe in ("real", "reacgan-mixup", "reacgan-regularization", "reacgan-pretrain")
    )
    assert mixup == real
    assert real < regularization < 2 * real
    # 25 epochs of 39,000 images in batches of 4, one backbone's operations each, beside a validation.
    pool = 25 * 9750 * 2330 * expected.SECONDS_PER_OPERATION
    assert pretrain == pytest.approx(real + pool, rel=0.01)
    assert seconds_of(classifier_job("reacgan-filtered-pretrain")) == pytest.approx(real + 0.3 * pool, rel=0.01)


def test_a_rival_takes_as_long_as_pretraining():
    real, pretrain, longer = (seconds_of(classifier_job(name)) for name in ("real", "reacgan-pretrain", "longer"))
    # The updates of 25 epochs of 9750 batches, 39 in each epoch on 4 images of 39 classes; as often it validates.
    epochs = 100 + 6250
    learning, forward = (operations * expected.SECONDS_PER_OPERATION for operations in (39 * 2330, 10 * 740))
    assert real < pretrain < longer == pytest.approx(epochs * (learning + forward))
    assert seconds_of(classifier_job("copies-pretrain")) == pretrain
    assert seconds_of(classifier_job("augmented")) == pytest.approx(longer + epochs * 156 * expected.AUGMENTING_SECONDS)


def test_copies_are_as_many_as_generated_images():
    made = {"dataset": "rwth", "size": "5", "seed": "0"}
    expectation = expect([Job("copies", {}, made)], study("paper"))
    assert expectation.gpu_seconds["copies"] == 0
    assert expectation.bytes["copies"] == 39_000 * expected.CROP_BYTES


def test_few_shot_subsets_are_counted_by_class():
    paper = study("paper")
    assert expected.subset_size(paper, "rwth", "20") == (15 * 39, 5 * 39)
    assert sum(expected.subset_size(paper, "rwth", "all")) == 2098
    assert expected.subset_size(paper, "hagrid", "all")[1] == pytest.approx(0.25 * 509_323)


def own_images():
    """Return the demo's study with its signs from a folder that nobody has looked into."""
    demo = Study(PARAMS)
    demo.datasets["drawn_signs"] = {"reader": "folder", "root": "mine", "classes": ["fist", "palm"]}
    return demo


def test_unknown_sizes_are_said_and_left_out():
    demo = own_images()
    made = {"dataset": "drawn_signs", "seed": "0", "recipe": "real"}
    options = {size: demo.classifier_options("drawn_signs", size, 0, "real") for size in ("5", "all")}
    jobs = [Job("classifiers", options[size], made | {"size": size}) for size in options]
    expectation = expect(jobs, demo)
    assert expectation.jobs == {"classifiers": 2} and expectation.unknown == {"drawn_signs": 1}
    assert expectation.gpu_seconds["classifiers"] == expect(jobs[:1], demo).gpu_seconds["classifiers"] > 0
    assert sentence(expectation).endswith("no known size: 1 of drawn_signs.")


def test_images_are_drawn_by_whole_passes_and_measured_up_to_a_limit():
    made = {"dataset": "rwth", "size": "5", "seed": "0", "maker": "reacgan"}

    def seconds(per_class):
        paper = Study(PARAMS | {"study": "paper"})
        paper.settings["generation"]["images_per_class"] = per_class
        return expect([Job("images", {}, made)], paper).gpu_seconds["images"]

    assert seconds(1) == seconds(CHUNK) > 0 and seconds(1000) == pytest.approx(50 * seconds(1))

    def written(images, maker):
        return expect([Job("conditioning", {"images": images}, made | {"maker": maker})], study("paper"))

    few, more = written(100, "spade_bones"), written(200, "spade_bones")
    assert more.bytes["conditioning"] == 2 * few.bytes["conditioning"]
    assert written(10**6, "reacgan").bytes == written(39_000, "reacgan").bytes
    # 2 sets of 100 hands looked for, 20 ms each.
    extra = few.gpu_seconds["conditioning"] - written(100, "reacgan").gpu_seconds["conditioning"]
    assert extra == pytest.approx(4)


def test_an_unknown_backbone_is_unknown():
    job = classifier_job("real")
    job = replace(job, options=job.options | {"backbone": "resnet18"})
    assert expect([job], study("paper")).unknown == {"rwth": 1}


def test_sentence_names_its_assumptions_and_the_largest_rule_first():
    text = sentence(Expectation({"subsets": 1, "images": 1204}, {"images": 36e6}, {"images": 2.5e9, "subsets": 1}, {}))
    assert text.splitlines() == [
        "1,205 jobs expected: 1,204 images, 1 subsets.",
        "About 10,000 GPU hours (10,000 images), of a GPU that sustains 50 TFLOP/s and a host that takes 10 us per"
        " operation.",
        "About 2.5 GB below results/ (2.5 images).",
    ]
    assert "Less than 0.1 GPU hours, of" in sentence(Expectation({"images": 1}, {"images": 1}, {"images": 1}, {}))


@pytest.fixture(scope="module", params=list(PARAMS["studies"]))
def planned(request):
    """Return (study, workflow) with everything of the study to be done."""
    with contextlib.redirect_stdout(io.StringIO()), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"study": request.param}),
            snakefile=ROOT / "Snakefile",
            workdir=ROOT,
        )
        workflow.dag(DAGSettings(targets={"all"}, forceall=True)).summary()
        yield study(request.param), workflow._workflow


def test_every_job_of_every_study_has_an_estimate(planned):
    chosen, workflow = planned
    jobs = expected.jobs_from(workflow.dag)
    small = {"tables", "quality_tables", "rivals", "verdict", "rating_forms", "ratings", "claims", "figures", "report"}
    small |= {"errata"} if chosen.errata_rows() else set()
    assert {job.rule for job in jobs} - set(expected._ESTIMATES) == small
    expectation = expect(jobs, chosen)
    assert sum(expectation.jobs.values()) == len(jobs) and expectation.unknown == {}
    for rule in ("generators", "images", "real_classifiers", "classifiers", "predictions"):
        assert expectation.gpu_seconds[rule] > 0
    assert all(math.isfinite(size) for size in expectation.bytes.values())


def test_a_dry_run_is_announced_and_nothing_else(planned, capsys):
    chosen, workflow = planned
    # A plan that is only looked at, as for --summary, is no dry run.
    expected.announce(workflow, chosen)
    assert capsys.readouterr().out == ""

    dry = SimpleNamespace(dryrun=True, dag=workflow.dag, output_settings=OutputSettings())
    expected.announce(dry, chosen)
    assert capsys.readouterr().out.startswith(f"{len(expected.jobs_from(workflow.dag))} jobs expected")
    dry.output_settings = OutputSettings(quiet={Quietness.ALL})
    expected.announce(dry, chosen)
    dry.dag, dry.output_settings = None, OutputSettings()
    expected.announce(dry, chosen)
    assert capsys.readouterr().out == ""
