"""Generators and classifiers: the settings in the header, the tensors, and what a generator draws."""

import json
from collections import defaultdict

import numpy as np
from safetensors import SafetensorError, safe_open

from pipeline.inspect.contents import Contents, in_one_line
from pipeline.inspect.place import dataset_of, place_of
from pipeline.stage import WrongInput

_DRAWN_PER_CLASS, _SEED = 6, 0
_SHOWN_SIGMA = 2.0
# Batch normalisation counts these; no gradient ever changes them.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def read(path):
    """Return the Contents of a generator or classifier; raise WrongInput for other safetensors files."""
    tensors, description = _header(path)
    kind = "generator" if "condition" in description else "classifier"
    learnt = sum(count for name, (_, _, count) in tensors.items() if name.rpartition(".")[2] not in _STATISTICS)
    made_of = description["condition"] if kind == "generator" else description["options"]["backbone"]
    return Contents(
        kind,
        f"{made_of}, {learnt:,} parameters, {len(description['class_names'])} classes",
        lines=lambda: _lines(path, tensors, description, learnt),
        draw=(lambda: _samples(path)) if kind == "generator" else None,
        settings=description["options"],
    )


def _header(path):
    """Return ({tensor name: (dtype, shape, count)}, description), without reading the tensors."""
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads((file.metadata() or {})["description"])
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            tensors = {name: _described(part) for name, part in slices.items()}
        missing = {"options", "class_names"} - set(description)
    except (SafetensorError, KeyError, ValueError) as wrong:
        raise WrongInput(
            f"{path}: no generator or classifier of this program ({in_one_line(wrong)}); delete it and train it again"
        ) from None
    if missing or not {"condition", "best_epoch"} & set(description):
        raise WrongInput(
            f"{path}: a header with {', '.join(sorted(description))}; expected options, class_names and condition or"
            " best_epoch; delete it and train it again"
        )
    return tensors, description


def _described(part):
    shape = part.get_shape()
    return part.get_dtype(), tuple(shape), int(np.prod(shape, dtype=np.int64))


def _lines(path, tensors, description, learnt):
    names = description["class_names"]
    lines = [f"{len(names)} classes: {', '.join(map(str, names))}"]
    if "best_epoch" in description:
        lines.append(f"weights of epoch {description['best_epoch'] + 1}, the best (its curve is the CSV beside it)")
    total = sum(count for _, _, count in tensors.values())
    lines.append(f"{learnt:,} parameters, and {total - learnt:,} batch statistics, in {len(tensors)} tensors")
    return [*lines, *_modules(tensors), _not_finite(path, tensors)]


def _modules(tensors):
    """Return a line per part of the network: tensors, numbers, dtypes and its largest tensor."""
    parts = defaultdict(list)
    for name, described in tensors.items():
        parts[name.partition(".")[0]].append((name, *described))
    lines = []
    for part, members in parts.items():
        count = sum(member[3] for member in members)
        largest = max(members, key=lambda member: member[3])
        dtypes = "/".join(sorted({member[1] for member in members}))
        shape = " x ".join(map(str, largest[2])) or "one number"
        lines.append(f"  {part}: {len(members)} tensors, {count:,} numbers, {dtypes}; largest {largest[0]} ({shape})")
    return lines


def _not_finite(path, tensors):
    bad = {}
    with safe_open(path, framework="numpy") as file:
        for name in tensors:
            count = int((~np.isfinite(file.get_tensor(name))).sum())
            if count:
                bad[name] = count
    if not bad:
        return "all values are finite"
    return f"NOT FINITE: {sum(bad.values())} values, in {', '.join(bad)}; train it again, with a lower lr"


def _samples(path):
    """Draw the same few images per class each time: fixed latents, and for SPADE poses of training images."""
    from pipeline.gan.generator_file import load_generator  # torch: only for those who look
    from pipeline.generate.sample import sample
    from pipeline.report.sheets import generated_sheet, lay_out_sheet

    generator, description = load_generator(path)
    posed = description["condition"] != "reacgan"
    per_class = _DRAWN_PER_CLASS // (2 if posed else 1)
    target = _posed_crops(path, per_class) if posed else _classes_alone(description["class_names"])
    options = {"images_per_class": per_class, "seed": _SEED, "as_published": []}
    drawn = sample(generator, description, target, options, ["cpu"])
    drawn.images = np.stack(list(drawn.images))
    return lay_out_sheet([(f"seed {_SEED}", generated_sheet(drawn, per_class, _SHOWN_SIGMA))])


def _posed_crops(path, per_class):
    from pipeline.data.archive import read_image_set

    place = place_of(path)
    dataset = dataset_of(place)
    if dataset is None:
        raise WrongInput(f"{path}: the name does not say the data set whose poses to draw; give it back its name")
    crops = place.root / "results" / "crops" / f"{dataset}-train.zip"
    return read_image_set(crops, keep=lambda every: every.groupby("label").cumcount() < per_class)


def _classes_alone(class_names):
    import pandas as pd

    from pipeline.data.archive import ImageSet

    return ImageSet(np.zeros((0, 0, 0, 3), np.uint8), pd.DataFrame({"label": [], "keypoints": []}), class_names)
