"""One small artifact of every kind, made by the stages themselves."""

import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from gan.small import OPTIONS
from report.made_up import demo

from pipeline.audit import examine
from pipeline.claims import check
from pipeline.classify.conditioning import measured, summarise
from pipeline.classify.evaluate import predictions
from pipeline.classify.model import save_classifier
from pipeline.classify.score import score_table
from pipeline.classify.state import Training
from pipeline.classify.train import write_history
from pipeline.data import drawn, photographs, split, subset
from pipeline.data.archive import read_image_set, read_metadata
from pipeline.data.manifest import manifest_parts
from pipeline.figures import class_counts
from pipeline.gan.generator_file import save_generator
from pipeline.gan.generators import build_generator
from pipeline.gan.history import write_curve, write_samples
from pipeline.gan.state import new_training, save_training
from pipeline.generate import copies, keep_best, sample
from pipeline.poses import crop, extract
from pipeline.poses.hand import Hand
from pipeline.rating import answers, form
from pipeline.rating.key import image_set_of
from pipeline.report import errata, page, sheets, tables
from pipeline.verdict import statement

# 12 and 8 photographs, so that no two classes and no two parts of a split have the same count.
DRAWN = {
    "style": "studio",
    "handshapes": {"1": 12, "5": 8},
    "image_size": 64,
    "frames_per_clip": 2,
    "signers": 2,
    "seed": 0,
    "landmarks": True,
}
CLASSIFIER = {"backbone": "test_efficientnet", "strategy": "real", "image_size": 32, "epochs": 2}
HISTORY = [
    {"epoch": 0, "phase": "pretrain", "train_loss": 3.0, "train_accuracy": 0.1, "val_loss": 0.5, "val_accuracy": 0.2},
    {"epoch": 0, "phase": "train", "train_loss": 2.0, "train_accuracy": 0.4, "val_loss": 1.25, "val_accuracy": 0.5},
    {"epoch": 1, "phase": "train", "train_loss": 1.0, "train_accuracy": 0.9, "val_loss": 1.5, "val_accuracy": 0.4},
]
EVALUATIONS = [
    {"step": 2, "loss_d": 2.0, "hinge_d": 1.5, "loss_g": 0.5, "frechet": 90.25, "spread": 0.5, "collapse": ""},
    {"step": 4, "loss_d": 1.0, "hinge_d": 0.0, "loss_g": 2.5, "frechet": 95.0, "spread": 0.01, "collapse": "constant"},
]
CELLS = [
    {"row": 0, "source": "real", "method": "pretrain", "column": "all", "cell": f"toy-nall-s{seed}-real"}
    for seed in (0, 1)
]


def run(module, options, **paths):
    """Call the main() of a stage as its command does."""
    arguments = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    sys.argv = [module.__name__, "--options", json.dumps(options), *arguments]
    module.main()


def make_data(results):
    zipped, manifest = results / "drawn/toy.zip", results / "manifests/toy.csv"
    poses, report = results / "poses/toy.npz", results / "poses/toy.csv"
    divided = results / "splits/toy.csv"
    train, test = results / "crops/toy-train.zip", results / "crops/toy-test.zip"
    run(drawn, DRAWN, out=zipped)
    run(photographs, {"reader": "image_archive", "root": str(zipped), "classes": "all"}, out=manifest)
    given = {"detector": "given", "min_confidence": 0.5, "unreadable_at_most": 0, "megapixels_at_most": 200}
    state, cuts = results / ".state/poses/toy", results / ".state/crops/toy"
    run(extract, given, manifest=manifest, state=state, out=poses, report=report)
    options = {"kind": "random", "test_fraction": 0.25, "min_images": 2, "seed": 0, "classes": "all"}
    run(split, options, manifest=manifest, poses=poses, out=divided)
    cropped = {"manifest": manifest, "poses": poses, "split": divided, "state": cuts}
    run(crop, {"size": 64, "margin": 0.3, "megapixels_at_most": 200}, **cropped, train=train, test=test)
    rows = next(manifest_parts(manifest, ["name", "path", "landmarks"], 5))
    extract.Extraction(given, None, state, None, "").arrays((0, rows, True))
    crop.Cropping(64, cuts, 200).pngs((0, [(rows[0]["path"], crop.Square(0, 0, 64))]))
    run(
        subset,
        {"size": "all", "seed": 0, "val_fraction": 0.25, "as_published": []},
        crops=train,
        out=results / "subsets/toy-nall-s0.csv",
    )
    run(
        sheets,
        {"per_class": 1, "heatmap_sigma": 2.0, "headings": []},
        crops=train,
        out=results / "sheets/crops/toy.png",
    )


def make_generated(results):
    name = "toy-nall-s0-reacgan"
    images, scores = results / f"images/{name}.zip", results / f"scores/{name}.csv"
    for condition in ("reacgan", "spade_bones"):
        generator = build_generator(condition, 2, OPTIONS)
        path = results / f"generators/toy-nall-s0-{condition}.safetensors"
        save_generator(path, generator, OPTIONS | {"condition": condition}, ["1", "5"])
    options = {"images_per_class": 4, "seed": 0, "as_published": []}
    inputs = {"crops": results / "crops/toy-train.zip", "subset": results / "subsets/toy-nall-s0.csv"}
    run(sample, options, generator=results / f"generators/{name}.safetensors", out=images, **inputs)
    scores.parent.mkdir()
    table = score_table(read_metadata(images)[0], np.linspace(0, 1, 16).reshape(8, 2), [])
    table.to_csv(scores, index=False)
    run(
        keep_best,
        {"keep_fraction": 0.5, "as_published": []},
        images=images,
        scores=scores,
        out=results / f"filtered/{name}.zip",
    )
    run(copies, {"images_per_class": 3}, out=results / "copies/toy-nall-s0.zip", **inputs)
    training = new_training(2, OPTIONS, "cpu")
    training.step = 1
    training.history.evaluations = EVALUATIONS
    training.history.samples = [torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)] * 2
    write_curve(results / f"training/{name}.csv", training.history)
    write_samples(results / f"training/{name}.png", training.history)
    save_training(results / f".state/generators/{name}.pt", training, {"options": OPTIONS, "data": "x"})


def make_classified(results):
    network = torch.nn.Linear(3, 2)
    for seed in (0, 1):
        name = f"toy-nall-s{seed}-real"
        save_classifier(
            results / f"classifiers/{name}.safetensors", network.state_dict(), CLASSIFIER, ["1", "5"], best_epoch=0
        )
        write_history(results / f"classifiers/{name}.csv", HISTORY)
        rows, _ = read_metadata(results / "crops/toy-test.zip")
        # Everything is taken for class "1": the recalls are 1 and 0.
        path = results / f"predictions/{name}.csv"
        path.parent.mkdir(exist_ok=True)
        predictions(rows, np.tile([0.75, 0.25], (len(rows), 1))).to_csv(path, index=False)
    training = SimpleNamespace(
        model=network, optimizer=torch.optim.Adam(network.parameters()), epochs_done=3, history=HISTORY, best=None
    )
    Training.save(training, results / ".state/classifiers/toy-nall-s0-real.pt", "identity")


def make_conditioning(results):
    """Half of the real crops are taken for their class, one has no hand found; generated images have labels alone."""
    name = "toy-nall-s0-reacgan"
    generated, real = (read_image_set(results / path) for path in (f"images/{name}.zip", "crops/toy-train.zip"))
    hands = [[]] + [[Hand(pose, np.ones(21, np.float32), "")] for pose in real.keypoints[1:]]
    found = iter(hands)
    sets = {
        "generated": measured(generated, generated.labels, None),
        "real": measured(real, np.zeros(len(real), int), lambda images, rows: [next(found)]),
    }
    for kind in ("images", "measures"):
        (results / "conditioning" / kind).mkdir(parents=True)
    table = pd.concat([own.assign(set=kind) for kind, own in sets.items()]).astype({"found": "Int64"})
    table.to_csv(results / f"conditioning/images/{name}.csv", index=False)
    measures = {kind: summarise(own) for kind, own in sets.items()}
    (results / f"conditioning/measures/{name}.json").write_text(json.dumps(measures))


def make_quality(results):
    interval = {"value": 1.0, "low": 0.5, "high": 1.5, "sd": 0.25, "bias": 0.0}
    told = {"features": "lite0", "real_images": 3, "generated_images": 4, "measures": {"frechet_distance": interval}}
    (results / "quality").mkdir()
    (results / "quality/toy-nall-s0-reacgan.json").write_text(json.dumps(told))


def make_audit(results):
    makers = {"dataset": "toy", "kind": "random", "makers": ["reacgan"]}
    crops = {part: results / f"crops/toy-{part}.zip" for part in ("train", "test")}
    run(
        examine,
        {"images": 100, "generated": 4, "seed": 0} | makers,
        **crops,
        images=results / "images/toy-nall-s0-reacgan.zip",
        subsets=results / "subsets/toy-nall-s0.csv",
        **{"learnt-from": crops["train"]},
        **{name: results / f"audit/toy.{kind}" for name, kind in (("out", "json"), ("table", "csv"), ("page", "png"))},
    )


def make_ratings(results):
    """One of two raters has rated all four images with 4; the other's file is none."""
    page, key = results / "rating_forms/toy.html", results / "rating_forms/toy.csv"
    inputs = {"crops": results / "crops/toy-train.zip", "subset": results / "subsets/toy-nall-s0.csv"}
    inputs |= {"images": results / "images/toy-nall-s0-reacgan.zip"}
    run(form, {"makers": ["reacgan"], "images_per_source": 2, "seed": 0}, page=page, key=key, **inputs)
    folder = results.parent / "answers"
    folder.mkdir()
    images = pd.read_csv(key)["image"]
    rows = pd.DataFrame(
        {"rater": "ann", "image_set": image_set_of(images), "position": 1, "image": images, "rating": 4}
    )
    rows.to_csv(folder / "ann.csv", index=False)
    (folder / "ben.csv").write_text("none")
    run(
        answers,
        {"folder": str(folder), "sources": ["real", "reacgan"], "seed": 0},
        key=key,
        out=results / "ratings/toy.json",
    )


def make_tables(results):
    for table, name in (("8", "table8"), ("rivals", "rivals")):
        make_table(results, table, name)


def make_table(results, table, name):
    options = {"table": table, "cells": CELLS, "beside_paper": False}
    ends = {"out": ".csv", "long": "_long.csv", "metrics": ".json"}
    paths = {kind: results / f"{name}{end}" for kind, end in ends.items()}
    arguments = [str(results / f"predictions/{cell['cell']}.csv") for cell in CELLS]
    outputs = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    sys.argv = ["tables", "--options", json.dumps(options), "--predictions", *arguments, *outputs]
    tables.main()


def make_verdict(results):
    """Of two recipes with the same predictions, one under the name of generated images."""
    cells = [
        {"recipe": recipe, "seed": seed, "cell": f"toy-nall-s{seed}-real"}
        for recipe in ("real", "reacgan-mixup")
        for seed in (0, 1)
    ]
    paths = {"out": "verdict.md", "numbers": "verdict/verdict.json", "table": "verdict/verdict.csv"}
    outputs = [text for name, path in paths.items() for text in (f"--{name}", str(results / path))]
    inputs = [str(results / f"predictions/toy-nall-s{seed}-real.csv") for seed in (0, 1)]
    options = {"dataset": "toy", "verdicts": [{"size": "all", "cells": cells}]}
    sys.argv = ["statement", "--options", json.dumps(options), "--predictions", *inputs, *outputs]
    statement.main()


def make_claims(results):
    cells = {seed: f"toy-nall-s{seed}-real" for seed in (0, 1)}
    compared = {
        "dataset": "toy",
        "size": "all",
        "subsets": dict.fromkeys(cells, "toy-nall-s0"),
        "cells": dict.fromkeys(["real", "ReACGAN", "SPADE"], cells),
    }
    files = {
        "predictions": [results / f"predictions/{cell}.csv" for cell in cells.values()],
        "subsets": [results / "subsets/toy-nall-s0.csv"],
        "histories": [results / f"classifiers/{cell}.csv" for cell in cells.values()],
        "out": [results / "claims/claims.json"],
    }
    arguments = [str(text) for name, paths in files.items() for text in (f"--{name}", *paths)]
    options = {"class_changes": compared, "convergence": [compared]}
    sys.argv = ["claims", "--options", json.dumps(options), *arguments]
    check.main()


def make_errata(results):
    cells = [cell["cell"] for cell in CELLS]
    recipes = ("reacgan-pretrain", "reacgan-regularization")
    rows = [{"recipe": recipe, "variant": "", "switches": [], "cells": cells, "dropped_at": None} for recipe in recipes]
    made = {"out": "errata.csv", "long": "errata_long.csv", "sentences": "errata.json"}
    outputs = [text for name, file in made.items() for text in (f"--{name}", str(results / "errata" / file))]
    files = [str(results / f"predictions/{cell}.csv") for cell in cells]
    sys.argv = ["errata", "--options", json.dumps({"rows": rows}), "--predictions", *files, *outputs]
    errata.main()


def make_figures(results):
    figures = {kind: results / f"figures/figure2.{kind}" for kind in ("png", "pdf")}
    run(class_counts, {}, splits=results / "splits/toy.csv", **figures)


def make_report(results):
    run(page, demo().own_params(), out=results / "report/report.html")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The results/ folder with all artifacts; not to be changed."""
    results = tmp_path_factory.mktemp("project") / "results"
    results.mkdir()
    argv = sys.argv
    torch.set_num_threads(1)
    try:
        judged = (make_conditioning, make_quality, make_audit, make_ratings)
        shown = (make_tables, make_verdict, make_claims, make_errata, make_figures, make_report)
        for make in (make_data, make_generated, make_classified, *judged, *shown):
            make(results)
    finally:
        sys.argv = argv
    (results / "plan").mkdir()
    # As pipeline.versions.plan writes it.
    (results / "plan/scores.json").write_text(json.dumps({"results/scores/a.csv": {"command": "x", "options": {}}}))
    return results


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A copy of the folder around results/ that a test may change, as current folder."""
    shutil.copytree(made, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path
