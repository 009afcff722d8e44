"""Unpack an artifact into a folder that other libraries open.

    python -m pipeline.inspect.export ARTIFACT FOLDER

An image set becomes a folder per class, for torchvision's ImageFolder and, with metadata.csv, for Hugging Face
`datasets`; folder names begin with the label, so that their order is that of the labels. Weights get a model card, and
those of a classifier timm's config.json.
"""

import argparse
import json
import re
import zipfile
from pathlib import Path, PurePosixPath

from safetensors import safe_open

from pipeline.data.archive import read_metadata
from pipeline.data.files import replacing
from pipeline.inspect.contents import read_contents
from pipeline.inspect.model_cards import classifier_card, generator_card
from pipeline.inspect.place import place_of
from pipeline.stage import WrongInput, note, run_stage

_UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # in a folder's name, on one system or another


def export(path, folder):
    """Write the artifact at `path` into a new or empty folder; return the files' names in the order written."""
    kind = read_contents(path).kind
    if kind not in _WRITERS:
        raise WrongInput(f"{path}: a {kind}; expected one of {', '.join(_WRITERS)}; name such an artifact")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongInput(f"{folder}: not an empty folder; nothing is overwritten, so name another")
    written = []
    for name, content in _WRITERS[kind](path):
        with replacing(folder / name) as beside:
            beside.write_bytes(content)
        written.append(name)
    return written


def _image_set(path):
    """Yield the files of an image set; the images' bytes are those of the archive."""
    rows, class_names = read_metadata(path)
    digits = len(str(len(class_names) - 1))
    folders = [f"{label:0{digits}}_{_UNFIT.sub('_', name)}" for label, name in enumerate(class_names)]
    names = [f"{folders[label]}/{PurePosixPath(name).name}" for name, label in _named(rows)]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    if twice:
        raise WrongInput(f"{path}: two images would be {min(twice)}; make the image set with names of their own")
    with zipfile.ZipFile(path) as archive:
        for name, (old, _) in zip(names, _named(rows), strict=True):
            yield name, archive.read(old)
    empty = sorted(set(range(len(class_names))) - set(rows["label"]))
    for label in empty:
        yield f"{folders[label]}/.empty", b""
    if empty:
        note(f"{len(empty)} classes have no image; their folders are empty: ImageFolder(..., allow_empty=True)")
    yield "class_names.json", _json(class_names)
    # Last: where it stands, all that it lists does.
    yield "metadata.csv", rows.assign(file_name=names).to_csv(index=False).encode()


def _named(rows):
    return list(zip(rows["file_name"], rows["label"], strict=True))


def _classifier(path):
    description = _description(path)
    options, class_names = description["options"], description["class_names"]
    size = options["image_size"]
    yield "model.safetensors", path.read_bytes()
    yield "class_names.json", _json(class_names)
    half = [0.5, 0.5, 0.5]
    shown = {"input_size": [3, size, size], "mean": half, "std": half, "crop_pct": 1.0, "num_classes": len(class_names)}
    config = {"architecture": options["backbone"], "num_classes": len(class_names), "label_names": class_names}
    yield "config.json", _json(config | {"pretrained_cfg": shown})
    yield "README.md", classifier_card(place_of(path), description).encode()


def _generator(path):
    description = _description(path)
    yield "model.safetensors", path.read_bytes()
    yield "class_names.json", _json(description["class_names"])
    yield "README.md", generator_card(place_of(path), description).encode()


def _description(path):
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["description"])


def _json(value):
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


_WRITERS = {"image set": _image_set, "classifier": _classifier, "generator": _generator}


def main():
    parser = argparse.ArgumentParser(prog="python -m pipeline.inspect.export", description=__doc__.partition("\n")[0])
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT", help="an image set, a classifier or a generator")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where it goes: new, or empty")
    args = parser.parse_args()
    written = export(args.artifact, args.folder)
    print(f"{args.folder}: {len(written)} files written, {written[-1]} last")


if __name__ == "__main__":
    run_stage(main)
