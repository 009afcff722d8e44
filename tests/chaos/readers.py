"""Every reader of files that come from elsewhere: what a good file looks like, how it is damaged, and who reads it."""

import bz2
import contextlib
import functools
import gzip
import io
import json
import lzma
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from archives import make_zip
from chaos import damage
from chaos.reported import REPORTED
from conftest import ROOT
from data.odd_images import deep, encoded, half_transparent, moving, picture, plain, turned
from gan.small import OPTIONS as GAN_OPTIONS
from gan.small import colour_set
from PIL import Image
from rating.toys import run
from study_copy import tiny

from pipeline.classify.model import load_classifier, save_classifier
from pipeline.classify.state import Training as ClassifierTraining
from pipeline.data import split
from pipeline.data.archive import keypoints_json, read_image_set, write_image_set
from pipeline.data.entries import loaded
from pipeline.data.manifest import load_photograph, read_manifest
from pipeline.data.parts import write_arrays
from pipeline.data.photographs import list_photographs
from pipeline.data.subset import read_subset
from pipeline.data.unpack import Limits, unpack, verify
from pipeline.gan.generator_file import load_generator, save_generator
from pipeline.gan.generators import CONDITIONS, build_generator
from pipeline.gan.state import new_training, resume_training, save_training
from pipeline.generate.keep_best import read_scores
from pipeline.inspect.contents import read_contents
from pipeline.poses.crop import read_pngs
from pipeline.poses.detectors import make_detector
from pipeline.poses.findings import Finding, arrays_of, finding_at, read_findings
from pipeline.poses.memory import Memory
from pipeline.poses.openpose import read_openpose
from pipeline.poses.pose_set import PoseSet, read_pose_set, write_pose_set
from pipeline.rating.answers import read_forms
from pipeline.rating.key import image_set_of, read_key
from pipeline.stage import WrongInput
from pipeline.study import Study

CLASSIFIER_OPTIONS = {
    "backbone": "test_efficientnet",
    "weights": "none",
    "as_published": [],
    "seed": 0,
    "lr": 1e-3,
    "eps": 1e-6,
    "betas": [0.0, 0.999],
}
_SIGN = "palm"
_IMAGES = ("1", "2", "3")


@dataclass(frozen=True)
class Reader:
    """make(folder) -> [bytes] of good files, and lays beside them what they need; damage(data, other, chance) -> bytes;

    place: the file's name in that folder, `*` stands for the number of the case; read(path) may raise WrongInput alone.
    """

    make: object
    damage: object
    place: str
    read: object


def photographs(folder):
    """Return one picture in every kind."""
    red = Image.fromarray(picture())
    grey, kinds = red.convert("L"), ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
    return [
        *map(plain, kinds),
        *map(turned, kinds[:3]),
        *map(moving, ("GIF", "WEBP", "TIFF", "PNG")),
        *(deep(suffix, some) for suffix in (".png", ".tiff") for some in (False, True)),
        *(half_transparent(kind) for kind in ("PNG", "WEBP", "TIFF")),
        *(encoded(red.convert("CMYK"), kind) for kind in ("JPEG", "TIFF")),
        encoded(grey, "PNG"),
        encoded(grey.convert("1"), "TIFF", compression="group4"),
        encoded(red.convert("P"), "PNG", transparency=3),
        encoded(red, "TIFF", compression="tiff_lzw"),
        encoded(red, "JPEG", progressive=True),
    ]


def read_photograph(path):
    """Decode it, as a stage does."""
    image = load_photograph(str(path))
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size


def read_data_set(reader, root, **layout):
    """List a data set and decode what it lists."""
    rows = list_photographs(reader, root, "all", **layout)
    assert rows.map(lambda value: isinstance(value, str)).all(axis=None), rows.dtypes
    rows.to_csv(root.with_name(root.name + "-manifest.csv"), index=False)
    back = read_manifest(root.with_name(root.name + "-manifest.csv"))
    assert back.equals(rows), "the manifest does not say what was listed"
    detect, _ = make_detector({"detector": "given"}, None, 1)
    for row in rows.to_dict("records"):
        image = load_photograph(row["path"])
        for hand in detect([image], [row])[0]:
            assert np.isfinite(hand.keypoints).any(axis=None)


def image_folder(folder):
    """Lay down a folder of three images; return its path."""
    root = folder / "photographs"
    for name in _IMAGES:
        path = root / _SIGN / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain("JPEG"))
    return root


def archived_photographs(folder):
    """Return ZIP archives of class folders, with and without listings."""
    files = {f"{side}/{name}/{name}.png": plain("PNG") for side in ("train", "test") for name in "ab"}
    labels = {"1.png": plain("PNG"), "2.jpg": plain("JPEG"), "labels.csv": b"file,label,group\n1.png,a,x\n2.jpg,b,y\n"}
    return [make_zip(folder / f"{n}.zip", own).read_bytes() for n, own in enumerate((files, labels))]


def labels_of(folder):
    """Return listings of labels."""
    image_folder(folder)
    names = [f"{_SIGN}/{name}.jpg" for name in _IMAGES]
    boxes = pd.DataFrame({"file": names, "label": list("aab"), "x": [0, 5, 1], "y": 2, "w": [10, 20, 30], "h": 12})
    parts = pd.DataFrame({"file": names, "label": list("aab"), "signer": list("xyz"), "part": ["train", "val", "test"]})
    return [table.to_csv(index=False).encode() for table in (boxes, parts)]


def groups_of(folder):
    """Return listings of groups."""
    image_folder(folder)
    names = [f"{_SIGN}/{name}.jpg" for name in _IMAGES]
    return [pd.DataFrame({"file": names, "signer": list("xyx")}).to_csv(index=False).encode()]


def read_listed(kind, path):
    """Read a listing beside the image folder as the data set's labels or groups."""
    read_data_set("folder", path.with_name("photographs"), **{kind: str(path)})


def annotations_of_rwth(folder):
    """Return annotation files in the layout of RWTH's package."""
    lines = []
    for number in range(4):
        name = f"handshapes/clip{number // 2}/1/{number}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(plain("PNG"))
        lines.append(f"{name} {'index' if number % 2 else 'ö'}\n")
    return ["".join(lines).encode(), "".join(lines[::-1]).encode()]


def alignment_of_million_hands(folder):
    """Return alignments in the layout of the owner's package."""
    lines = []
    for number in range(4):
        name = f"set/clip{number // 2}/1/{number}.png_fn00001.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(plain("PNG"))
        lines.append(f"/some/joint/{name} {number * 20}\n")
    return ["".join(lines).encode()]


def annotations_of_hagrid(folder):
    """Return annotation files of versions 1 and 2 for the same photographs."""
    root = folder / "train_val" / _SIGN
    root.mkdir(parents=True, exist_ok=True)
    hand = (np.linspace(0.2, 0.6, 42).reshape(21, 2)).tolist()
    found = []
    for key in ("landmarks", "hand_landmarks"):
        entries = {}
        for name in _IMAGES:
            (root / f"{name}.jpg").write_bytes(plain("JPEG"))
            boxes = {"bboxes": [[0.1, 0.1, 0.6, 0.6], [0.7, 0.7, 0.1, 0.1]], "labels": [_SIGN, "no_gesture"]}
            entries[name] = boxes | {key: [hand, []], "user_id": f"person {name}", "leading_hand": "right"}
        found.append(json.dumps(entries).encode())
    return found


def image_sets(folder):
    """Return image sets as stages write them."""
    small = colour_set(per_class=2)
    write_image_set(folder / "a.zip", small)
    write_image_set(folder / "b.zip", small.select([0, 3]))
    return [(folder / name).read_bytes() for name in ("a.zip", "b.zip")]


_MEMBERS = {".csv": damage.of_csv, ".json": damage.of_json}
of_image_set = functools.partial(damage.of_zip, members=_MEMBERS)
of_arrays = functools.partial(damage.of_zip, members={".npy": damage.of_array})


def read_whole_image_set(path):
    """Read images and poses as trainings do, and list them as a data set."""
    found = read_image_set(path)
    assert len(found.images) == len(found.rows) and all(isinstance(name, str) for name in found.class_names)
    assert set(found.labels) <= set(range(len(found.class_names)))
    if "keypoints" in found.rows:
        assert found.keypoints.shape == (len(found), 21, 2)
    read_data_set("image_archive", path)


def archives_to_unpack(kind, folder):
    """Return archives of a kind: zip, or tar with the function that compresses it."""
    files = {"top/a/1.png": plain("PNG"), "top/b/2.png": plain("PNG"), "top/notes.txt": b"x" * 900}
    if kind == "zip":
        return [make_zip(folder / "x.zip", files).read_bytes(), make_zip(folder / "y.zip", {"a": b"b"}).read_bytes()]
    out = []
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=form) as archive:
            for name, content in (files | {f"top/{'n' * 120}/ö.png": b"long"}).items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        out.append(kind(data.getvalue()))
    return out


def of_tar(compress, expand, data, other, chance):
    """Damage a compressed tar archive within, or outside."""
    if chance.random() < 0.4:
        return damage.of_bytes(data, other, chance)
    return compress(damage.of_bytes(expand(data), expand(other), chance))


def unpacked(path):
    """Unpack an archive beside itself, verify what came, and remove it."""
    folder = path.with_name(path.name + ".out")
    try:
        files, _ = unpack(path, folder, Limits(1000, 10_000_000, 1000), {})
        assert verify(folder) == files
        assert all(one.resolve().is_relative_to(folder.resolve()) for one in folder.rglob("*"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def listings_of_unpacked(folder):
    """Lay down what was unpacked; return its listing."""
    archive = make_zip(folder / "x.zip", {"a/1.png": plain("PNG"), "b/2 x.png": b"x"})
    shutil.rmtree(folder / "out", ignore_errors=True)
    unpack(archive, folder / "out", Limits(), {})
    return [(folder / "out" / "UNPACKED.sha256").read_bytes()]


def manifests(folder):
    """Return a manifest, with the poses of its photographs beside it."""
    names = [f"{label}/{number}.png" for label in "ab" for number in range(4)]
    (folder / "1.png").write_bytes(plain("PNG"))
    rows = {"name": names, "path": f"{folder}/1.png", "class": [name[0] for name in names], "group": names}
    write_pose_set(folder / "poses.npz", pose_set_of(names))
    pd.DataFrame({**rows, "part": "", "landmarks": ""}).to_csv(folder / "manifest.csv", index=False)
    boxed = pd.DataFrame({**rows, "part": "", "landmarks": keypoints_json(np.full((21, 2), 5.5))})
    boxed["path"] += "#xywh=1,2,3,4"
    return [(folder / "manifest.csv").read_bytes(), boxed.to_csv(index=False).encode()]


def pose_set_of(names):
    """Return poses of these photographs, of which the first has none."""
    keypoints = np.random.default_rng(0).uniform(0, 30, (len(names), 21, 2)).astype(np.float32)
    keypoints[0] = np.nan
    confidence, size = np.ones((len(names), 21), np.float32), np.full((len(names), 2), 60)
    return PoseSet(np.array(names), keypoints, confidence, np.array(["left"] * len(names)), size, "given")


def read_whole_manifest(path):
    """Read a manifest and the photographs that it names, and split it."""
    for place in read_manifest(path)["path"]:
        # What a damaged path leads to is no matter of the manifest.
        with contextlib.suppress(WrongInput):
            load_photograph(place)
    split_by(path, path.with_name("poses.npz"))


def split_by(manifest, poses):
    """Run the stage that splits a manifest by its poses."""
    options = {"classes": "all", "kind": "grouped", "test_fraction": 0.3, "min_images": 2, "seed": 0}
    run(split, options, ["--manifest", manifest, "--poses", poses, "--out", manifest.with_name("split.csv")])


def sets_of_poses(folder):
    """Return sets of poses, with the manifest of their photographs beside them."""
    manifests(folder)
    write_pose_set(folder / "fewer.npz", pose_set_of(["a/0.png", "a/1.png"]))
    return [(folder / name).read_bytes() for name in ("poses.npz", "fewer.npz")]


def read_poses(path):
    """Read poses as crops and splits do."""
    poses = read_pose_set(path)
    num = len(poses.names)
    assert poses.keypoints.shape == (num, 21, 2) and poses.confidence.shape == (num, 21)
    assert poses.size.shape == (num, 2) and poses.side.shape == (num,) and poses.found.shape == (num,)
    assert np.isfinite(poses.keypoints[poses.found]).any() or not poses.found.any()
    split_by(path.with_name("manifest.csv"), path)


def kept_findings(folder):
    """Return a part of unfinished poses, and of none."""
    found = findings_of(3)
    write_arrays(folder / "some", arrays_of(list(found.values())))
    write_arrays(folder / "none", arrays_of([]))
    return [(folder / name).read_bytes() for name in ("some", "none")]


def findings_of(count):
    """Return {key: Finding} of as many photographs, the first without a hand."""
    none = np.full((21, 2), np.nan, np.float32)
    poses = [none, *(np.full((21, 2), place, np.float32) for place in range(1, count))]
    return {
        f"{place:032}": Finding(pose, np.ones(21, np.float32), "left", (40, 30), 0.7, "" if place else "no hand seen")
        for place, pose in enumerate(poses)
    }


def remembered(folder):
    """Return what a detector's findings are remembered in."""
    Memory(folder / "memory").add(findings_of(3))
    return [file.read_bytes() for file in (folder / "memory").iterdir()]


def recall(path):
    """Look for photographs in a memory that is one file; those that it no longer knows are looked at anew."""
    alone = path.with_name("alone")
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    shutil.copy(path, alone)
    for key in findings_of(3):
        expect_finding(Memory(alone).find(key))


def expect_finding(finding):
    """Say what is wrong with a Finding, if it is not None."""
    assert finding is None or (finding.keypoints.shape == (21, 2) and finding.confidence.shape == (21,))


def take_up_findings(path):
    """Take up a part of unfinished poses, or make it anew."""
    arrays = read_findings(path)
    for row in range(0 if arrays is None else len(arrays["reason"])):
        expect_finding(finding_at(arrays, row))


def kept_crops(folder):
    """Return a part of unfinished crops."""
    pngs = [plain("PNG"), plain("PNG")[:90]]
    lengths = np.array([len(png) for png in pngs])
    write_arrays(folder / "part", {"png": np.frombuffer(b"".join(pngs), np.uint8), "length": lengths})
    return [(folder / "part").read_bytes()]


def take_up_crops(path):
    """Take up a part of unfinished crops, or make it anew."""
    assert all(isinstance(png, bytes) for png in read_pngs(path) or [])


def subsets(folder):
    """Return the subset of an image set beside it."""
    small = colour_set(per_class=2)
    write_image_set(folder / "crops.zip", small)
    rows = small.rows[["file_name", "class", "label", "group"]].assign(part=["fit", "val", "fit", "fit"])
    return [rows.to_csv(index=False).encode()]


def scores_of(folder):
    """Return the scores of an image set beside them."""
    small = colour_set(per_class=2)
    write_image_set(folder / "images.zip", small)
    rows = small.rows[["file_name", "label"]].assign(score=[0.1, 0.2, 0.3, 0.4])
    return [rows.to_csv(index=False).encode()]


def read_scores_beside(path):
    """Read scores for the rows of the image set beside them."""
    images = path.with_name("images.zip")
    assert np.isfinite(read_scores(path, read_image_set(images).rows, images)).all()


def all_params(folder):
    """Return the settings of the tiny study in two styles of YAML."""
    own = Study(tiny(yaml.load((ROOT / "params.yaml").read_text(), yaml.CSafeLoader))).own_params()
    return [yaml.dump(own, sort_keys=False, default_flow_style=flow).encode() for flow in (False, None)]


def read_params(path):
    """Read settings as a run does, and plan the study by them."""
    try:
        study = Study(loaded(path.read_bytes().decode("utf-8")))
    except UnicodeDecodeError:
        return  # Snakemake's own refusal
    assert study.artifacts()["tables"]
    assert "NaN" not in json.dumps(study.own_params()) and "Infinity" not in json.dumps(study.own_params())


def generators(folder):
    """Return a generator of each kind."""
    for condition in CONDITIONS:
        options = GAN_OPTIONS | {"condition": condition, "channels": 1, "shared_dim": 2, "z_dim": 5}
        save_generator(folder / condition, build_generator(condition, 2, options), options, ["a", "b"])
    return [(folder / condition).read_bytes() for condition in CONDITIONS]


def read_generator(path):
    """Read a generator; what it says of itself can be used."""
    generator, description = load_generator(path)
    assert description["condition"] in CONDITIONS and all(isinstance(name, str) for name in description["class_names"])
    assert sum(parameter.numel() for parameter in generator.parameters()) > 0


def classifiers(folder):
    """Return two small classifiers."""
    for name, further in (("a", {}), ("b", {"as_published": ["thousand_outputs"]})):
        options = CLASSIFIER_OPTIONS | further
        weights = ClassifierTraining(options, 3, "cpu").model.state_dict()
        save_classifier(folder / name, weights, options, ["1", "2", "3"], best_epoch=1)
    return [(folder / name).read_bytes() for name in "ab"]


def read_classifier(path):
    """Read a classifier; what it says of itself can be used."""
    _, description = load_classifier(path)
    assert all(isinstance(name, str) for name in description["class_names"])


@functools.cache
def small_gan():
    """Return a training of two tiny networks, its options, and itself."""
    options = GAN_OPTIONS | {"channels": 1, "shared_dim": 2, "z_dim": 5, "embed_dim": 4}
    return new_training(2, options, "cpu"), options


def gan_states(folder):
    """Return the state of a training, after its optimisers have begun."""
    training, options = small_gan()
    for optimiser in (training.generator_optimiser, training.discriminator_optimiser):
        for parameter in optimiser.param_groups[0]["params"]:
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
    save_training(folder / "state", training, options)
    return [(folder / "state").read_bytes()]


def resume_gan(path):
    """Take a state up, or say in words why not."""
    training, options = small_gan()
    reason = resume_training(path, training, options)
    assert isinstance(training.step, int)
    if reason is not None:
        raise WrongInput(reason)


@functools.cache
def small_classifier():
    """Return the training of a small classifier."""
    return ClassifierTraining(CLASSIFIER_OPTIONS, 3, "cpu")


def classifier_states(folder):
    """Return states of a training."""
    training = small_classifier()
    training.remember_best(0, 0.5)
    training.save(folder / "state", "a")
    return [(folder / "state").read_bytes()]


def resume_classifier(path):
    """Take a state up, or say in words why not."""
    training, said = small_classifier(), io.StringIO()
    training.epochs_done = None
    with contextlib.redirect_stdout(said):
        training.resume(path, "a")
    assert training.epochs_done is None or isinstance(training.epochs_done, int)
    if "ignored" in said.getvalue():
        raise WrongInput(said.getvalue())


_IDS = {f"i{number:012}" for number in range(4)}


def answers(folder):
    """Return what raters export."""
    rows = [[image_set_of(_IDS), place, image, 1 + place % 5] for place, image in enumerate(sorted(_IDS), start=1)]
    table = pd.DataFrame(rows, columns=["image_set", "position", "image", "rating"])
    table.insert(0, "rater", "ann")
    return [table.to_csv(index=False).encode(), table.to_csv(index=False, sep=";").encode("utf-8-sig")]


def read_answers(path):
    """Read the one file of a folder of answers."""
    alone = path.with_name("alone")
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    shutil.copy(path, alone)
    forms, refused = read_forms(alone, _IDS)
    assert len(forms) + len(refused) == 1
    assert all(rating in range(1, 6) for form in forms for rating in form.ratings.values())
    for one in refused:
        raise WrongInput(f"{one['file']}: {one['reason']}")


def keys(folder):
    """Return the key of a form."""
    images = sorted(_IDS)
    table = pd.DataFrame({"image": images, "source": "real", "class": "a", "file_name": "a/1.png"})
    return [table.to_csv(index=False).encode()]


def openpose_files(folder):
    """Return what OpenPose writes of one hand, two people and nobody."""
    triples = [float(value) for joint in range(21) for value in (joint, 2 * joint, 0.5)]
    hands = {"hand_left_keypoints_2d": triples, "hand_right_keypoints_2d": []}
    return [json.dumps({"version": 1.3, "people": people}).encode() for people in ([hands], [hands, hands], [])]


def read_openpose_hands(path):
    """Read hands that a pose can be made of."""
    for hand in read_openpose(path):
        assert np.isfinite(hand.confidence).all() and hand.keypoints.shape == (21, 2)
        assert not np.isinf(hand.keypoints).any()


def inspect(path):
    """Tell of an artifact all that there is to tell, and draw it."""
    contents = read_contents(path)
    assert all(isinstance(line, str) for line in contents.lines())
    if contents.draw:
        contents.draw()


def _tar(compress, expand):
    make = functools.partial(archives_to_unpack, compress)
    return Reader(make, functools.partial(of_tar, compress, expand), "*.tar", unpacked)


def _listing(make, kind):
    return Reader(make, damage.of_csv, "*.csv", functools.partial(read_listed, kind))


def _list_from(reader, up, path):
    """Read the data set that has the damaged file as its annotation, which lies so many folders below its root."""
    read_data_set(reader, path.parents[up])


_same = bytes
READERS = {
    "photograph": Reader(photographs, damage.of_bytes, "*.png", read_photograph),
    "folder in an archive": Reader(
        archived_photographs,
        functools.partial(damage.of_zip, members={".csv": damage.of_csv}),
        "*.zip",
        functools.partial(read_data_set, "folder"),
    ),
    "labels.csv": _listing(labels_of, "labels"),
    "groups.csv": _listing(groups_of, "groups"),
    "RWTH annotations": Reader(
        annotations_of_rwth, damage.of_text, "x-handshape-annotations.txt", functools.partial(_list_from, "rwth", 0)
    ),
    "million hands": Reader(
        alignment_of_million_hands,
        damage.of_text,
        "x-trainingalignment.txt",
        functools.partial(_list_from, "million_hands", 0),
    ),
    "HaGRID annotations": Reader(
        annotations_of_hagrid,
        damage.of_json,
        f"ann_train_val/{_SIGN}.json",
        functools.partial(_list_from, "hagrid", 1),
    ),
    "image set": Reader(image_sets, of_image_set, "*.zip", read_whole_image_set),
    "unpack zip": Reader(functools.partial(archives_to_unpack, "zip"), damage.of_zip, "*.zip", unpacked),
    "unpack tar": _tar(_same, _same),
    "unpack tar.gz": _tar(functools.partial(gzip.compress, compresslevel=1, mtime=0), gzip.decompress),
    "unpack tar.bz2": _tar(bz2.compress, bz2.decompress),
    "unpack tar.xz": _tar(functools.partial(lzma.compress, preset=0), lzma.decompress),
    "UNPACKED.sha256": Reader(
        listings_of_unpacked, damage.of_text, "out/UNPACKED.sha256", lambda path: verify(path.parent)
    ),
    "manifest": Reader(manifests, damage.of_csv, "*.csv", read_whole_manifest),
    "poses": Reader(sets_of_poses, of_arrays, "*.npz", read_poses),
    "part of poses": Reader(kept_findings, of_arrays, "*.npz", take_up_findings),
    "part of crops": Reader(kept_crops, of_arrays, "*.npz", take_up_crops),
    "memory of poses": Reader(remembered, of_arrays, "*.npz", recall),
    "subset": Reader(
        subsets, damage.of_csv, "*.csv", lambda path: read_subset(path.with_name("crops.zip"), path, "fit")
    ),
    "scores": Reader(scores_of, damage.of_csv, "*.csv", read_scores_beside),
    "params.yaml": Reader(all_params, damage.of_yaml, "params.yaml", read_params),
    "generator": Reader(generators, damage.of_safetensors, "*.safetensors", read_generator),
    "classifier": Reader(classifiers, damage.of_safetensors, "*.safetensors", read_classifier),
    "state of a generator": Reader(gan_states, damage.of_zip, "*.pt", resume_gan),
    "state of a classifier": Reader(classifier_states, damage.of_zip, "*.pt", resume_classifier),
    "answers": Reader(answers, damage.of_csv, "*.csv", read_answers),
    "key of a form": Reader(keys, damage.of_csv, "*.csv", read_key),
    "OpenPose": Reader(openpose_files, damage.of_json, "*.json", read_openpose_hands),
    **{name: Reader(*own) for name, own in REPORTED.items()},
}

_DAMAGE = {
    ".zip": of_image_set,
    ".npz": of_arrays,
    ".csv": damage.of_csv,
    ".json": damage.of_json,
    ".safetensors": damage.of_safetensors,
    ".pt": damage.of_zip,
}
_LARGEST = 300_000  # bytes of an artifact that is worth damaging


def inspected(results):
    """Return readers that tell about artifacts like those of a finished study, {"inspect <rule>": Reader}."""
    found = {}
    for path in sorted(Path(results).glob("*/**/*")):
        if path.suffix in _DAMAGE and path.is_file() and 0 < path.stat().st_size <= _LARGEST:
            kind = path.relative_to(results).parts[0], path.suffix
            found.setdefault(kind, []).append(path)
    return {
        f"inspect {rule}{suffix}": Reader(
            functools.partial(_copies, paths[:4]), _DAMAGE[suffix], f"results/{rule}/*{suffix}", inspect
        )
        for (rule, suffix), paths in found.items()
    }


def _copies(paths, folder):
    return [path.read_bytes() for path in paths]
