"""The README.md that goes with exported weights: what they learnt from, how good they are, how they are loaded."""

from pipeline.classify.predictions import read_predictions
from pipeline.data.entries import loaded
from pipeline.inspect.place import dataset_of, name_says, origin_of
from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.recipes import classifier_folder
from pipeline.report.owners import Owner, owner_of

CLASSIFIER = """\
---
library_name: timm
pipeline_tag: image-classification
license: other
---
# Hand shape classifier {stem}

- Network: timm's `{backbone}`, begun from weights `{weights}`, strategy `{strategy}`, best epoch {best_epoch}.
- {says}.
- Test: {test}.
{shared}
## Loading it

Run in this folder. Images are RGB, {image_size}x{image_size}, scaled to [-1, 1].

```python
import json
import timm
import torch

class_names = json.load(open("class_names.json"))
model = timm.create_model("{backbone}", num_classes={num_classes}, checkpoint_path="model.safetensors").eval()
# Yours, uint8 (H, W, 3): torch.from_numpy(rgb).permute(2, 0, 1)[None] / 127.5 - 1
images = torch.zeros(1, 3, {image_size}, {image_size})
names = [class_names[label] for label in model(images).argmax(1)]
```

`timm.create_model("local-dir:.", pretrained=True)` reads the same from config.json.
"""

GENERATOR = """\
---
pipeline_tag: unconditional-image-generation
license: other
---
# Generator of hand shapes {stem}

- Network: {condition}, {steps} steps, on {given}.
- {says}.
{shared}
## Loading it

Run in this folder, with the program that made it on the path.

```python
import torch
from pipeline.gan.generator_file import load_generator

generator, description = load_generator("model.safetensors")
class_names = description["class_names"]
z = torch.randn(4, description["options"]["z_dim"])
{call}
pixels = ((images + 1) * 127.5).round().clamp(0, 255).byte()  # (4, 3, 64, 64), RGB
```
"""
_SHARED = """\
- Classes, by label: {classes}.
- Made by *Balanced hand shapes*, which reproduces *Bringing Balance to Hand Shape Classification*.
- Licence: the program is MIT. Weights learn from photographs and from the weights they began with: their owners' terms
  hold. Name them before you pass this on.
{owners}
"""
_CALLS = {
    "reacgan": "images = generator(z, torch.arange(4) % len(class_names))",
    "spade_keypoints": """\
from pipeline.poses.render import pose_maps

keypoints = torch.rand(4, 21, 2) * 63  # yours: the 21 joints of a hand, in pixels of the 64x64 image
images = generator(z, pose_maps("spade_keypoints", keypoints, 64, description["options"]["heatmap_sigma"]))""",
}
_CALLS["spade_bones"] = _CALLS["spade_keypoints"].replace("spade_keypoints", "spade_bones")


def classifier_card(place, description):
    """Return the card of the classifier at a Place of results/."""
    options = description["options"]
    return CLASSIFIER.format(
        **{key: options[key] for key in ("backbone", "weights", "strategy", "image_size")},
        stem=place.stem,
        best_epoch=description["best_epoch"],
        says=_sentence(place),
        test=_test(place),
        shared=_shared(place, description),
        num_classes=len(description["class_names"]),
    )


def generator_card(place, description):
    """Return the card of the generator at a Place of results/."""
    condition = description["condition"]
    return GENERATOR.format(
        stem=place.stem,
        condition=condition,
        steps=description["options"]["steps"],
        given="class labels" if condition == "reacgan" else "hand poses",
        says=_sentence(place),
        shared=_shared(place, description),
        call=_CALLS[condition],
    )


def _sentence(place):
    says = name_says(place)
    return says[0].upper() + says[1:]


def _shared(place, description):
    classes = ", ".join(f"{label} {name}" for label, name in enumerate(description["class_names"]))
    return _SHARED.format(classes=classes, owners="\n".join(_owners(place, description)))


def _owners(place, description):
    """Return a line per data set that the weights learnt from, directly or by generated images: whose, which terms."""
    data_sets = _data_sets(place.root / "params.yaml")
    # Classifiers are lent no images.
    names = [dataset_of(place), origin_of(place), description["options"].get("extra_images")]
    lines = []
    for name in dict.fromkeys(filter(None, names)):
        told = owner_of(data_sets[name], place.root) if name in data_sets else Owner("", "", "")
        words = [("licence", told.licence or "not known here"), ("source", told.source), ("to cite", told.citation)]
        lines.append(f"- Data set `{name}`: " + "; ".join(f"{what}: {text}" for what, text in words if text) + ".")
    return lines


def _data_sets(params):
    """Return the data sets of a params.yaml by name, none where the results lie without one."""
    return loaded(params.read_text(encoding="utf-8"))["datasets"] if params.is_file() else {}


def _test(place):
    """Tell the accuracy on the test images, where the predictions lie in the same results/."""
    path = place.root / "results" / "predictions" / f"{place.stem}.csv"
    if place.parts[0] != classifier_folder(place.stem) or not path.is_file():
        return "not known here (its predictions are not in results/predictions/)"
    table = read_predictions(path)
    labels, predicted = table["label"].to_numpy(), table["predicted"].to_numpy()
    right, recall = accuracy(labels, predicted), macro_recall(labels, predicted)
    return f"{100 * right:.2f} % of {len(table)} images of the test part right, macro recall {100 * recall:.2f} %"
