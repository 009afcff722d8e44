"""Where an artifact lies, and what its path says of it: which rule makes it, of which data, by which settings."""

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.recipes import (
    COPIES,
    generator_of,
    is_own,
    maker_of,
    size_in_words,
    split_kept,
    split_size,
    split_variant,
)
from pipeline.sources import ROOT
from pipeline.stage import WrongInput
from pipeline.study import QUALITY_TABLES

RESULTS, PICTURES, STATES = "results", ".inspected", ".state"

_CELL = re.compile(
    r"(?P<dataset>[a-z0-9_]+)-n(?P<size>(?:\d+|all)(?:__[a-z0-9_]+)?)-s(?P<seed>\d+)(?:-(?P<rest>[a-z0-9_-]+))?"
)
_TABLE = re.compile(r"table(?P<number>\d+)(?P<long>_long)?")
# Tables and texts for people that lie beside those of the paper.
_FURTHER = {"rivals": "table of rivals", "verdict": "verdict on generated images"}
_FIGURE = re.compile(r"figure(?P<number>\d+)")
_LAST = 8  # figure of the paper
_PART = re.compile(r"(?P<dataset>[a-z0-9_]+)-(?P<part>train|test)")
_KEPT = re.compile(r"(?P<number>\d{6})-[0-9a-f]{32}")
_RULE = re.compile(r'^rule (\w+):\n\s+"""(.+?)"""', re.MULTILINE | re.DOTALL)
_INHERITED = re.compile(r"^use rule (\w+) as (\w+) with:", re.MULTILINE)

_IMAGES, _CLASSIFIERS = {"image set"}, {"classifier", "training curve"}
# What each folder of results/ holds: a file of another kind there was put there by mistake.
_HOLDS = {
    "drawn": _IMAGES,
    "manifests": {"list of photographs"},
    "poses": {"set of poses", "report on poses"},
    "splits": {"split"},
    "crops": _IMAGES,
    "subsets": {"subset"},
    "generators": {"generator"},
    "training": {"training of a generator", "picture"},
    "images": _IMAGES,
    "scores": {"scores of generated images"},
    "conditioning": {"images held against their condition", "measures of conditioning"},
    "quality": {"quality of an image set"},
    "filtered": _IMAGES,
    "copies": _IMAGES,
    "real_classifiers": _CLASSIFIERS,
    "classifiers": _CLASSIFIERS,
    "predictions": {"predictions"},
    "audit": {"audit of a data set", "test images beside training images", "picture"},
    "rating_forms": {"page", "key of a rating form"},
    "ratings": {"ratings by people"},
    "errata": {"table", "claims"},
    "verdict": {"numbers of a verdict", "compared recipes"},
    "claims": {"claims"},
    "figures": {"picture", "drawing"},
    "sheets": {"picture"},
    "report": {"page"},
    "plan": {"plan"},
    STATES: {
        "training state of a generator",
        "training state of a classifier",
        "part of unfinished poses",
        "part of unfinished crops",
    },
}


@dataclass(frozen=True)
class Place:
    """root: the folder that Snakemake and DVC ran in; name: the path as they write it, relative to root."""

    root: Path
    name: str

    @property
    def parts(self):
        """Folders and file name below results/; the file name alone for an artifact that lies elsewhere."""
        parts = tuple(self.name.split("/"))
        return parts[1:] if parts[0] == RESULTS else parts[-1:]

    @property
    def stem(self):
        """The file name without its suffix."""
        return Path(self.name).stem

    @property
    def picture(self):
        """Where its picture goes by default: one place per artifact, out of the way of all artifacts."""
        return self.root.joinpath(RESULTS, PICTURES, *self.parts[:-1], self.parts[-1] + ".png")


def place_of(path):
    """Return the Place of a path; an artifact outside any results/ is seen from the current folder."""
    # Not resolved: DVC may have put a link here that leads into its cache.
    whole = Path(os.path.abspath(path))
    for folder in whole.parents:
        if folder.name == RESULTS:
            return Place(folder.parent, whole.relative_to(folder.parent).as_posix())
    return Place(Path.cwd(), whole.as_posix())


def rule_of(place):
    """Return the name of the rule whose outputs lie at this place, or None."""
    folders, table = place.parts[:-1], _TABLE.fullmatch(place.stem)
    if not folders or folders[0] == "recorded":
        further = place.stem.removesuffix("_long")
        if further in _FURTHER:
            return further
        return table and ("quality_tables" if table["number"] in QUALITY_TABLES else "tables")
    nested = {"sheets": f"{folders[-1]}_sheets", STATES: folders[:2][-1], "training": "generators"}
    rule = nested.get(folders[0], folders[0])
    return rule if rule in rule_sentences() else None


@functools.cache
def rule_sentences():
    """Return {rule: its docstring} of all rules of this program."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "pipeline" / "rules").glob("*.smk")))
    sentences = {name: " ".join(sentence.split()) for name, sentence in _RULE.findall(text)}
    return sentences | {name: sentences[other] for other, name in _INHERITED.findall(text)}


def check_kind(place, path, kind):
    """Raise WrongInput where a folder of results/ holds a file of a kind that its rule does not make."""
    expected = _HOLDS.get(place.parts[0]) if len(place.parts) > 1 else None
    if expected and kind not in expected:
        raise WrongInput(
            f"{path}: found a {kind}; expected a {' or '.join(sorted(expected))} in results/{place.parts[0]};"
            " delete it and run Snakemake again"
        )


def dataset_of(place):
    """Return the data set that a name begins with, or None."""
    found = _CELL.fullmatch(place.stem) or _PART.fullmatch(place.stem)
    return found["dataset"] if found else None


def origin_of(place):
    """Return the data set whose generator a name tells of where that is another one's, as in `…_from_hagrid`, or ""."""
    found = _CELL.fullmatch(place.stem)
    maker = (found["rest"] or "").split("-")[0] if found else ""
    return split_variant(maker)[0].partition("_from_")[2]


def name_says(place):
    """Return in words what the file name says: data set, subset, seed, and condition or recipe."""
    if cell := _CELL.fullmatch(place.stem):
        words = [f"data set {cell['dataset']}", _size_says(cell["size"]), f"seed {cell['seed']}"]
        return ", ".join(words + ([_rest_says(cell["rest"], cell["dataset"], rule_of(place))] if cell["rest"] else []))
    if kept := _KEPT.fullmatch(place.stem):
        return f"data set {place.parts[-2]}, part {int(kept['number'])}"
    if table := _TABLE.fullmatch(place.stem):
        return f"Table {table['number']} of the paper" + (", one row per cell" if table["long"] else "")
    if figure := _FIGURE.fullmatch(place.stem):
        return f"Figure {figure['number']}" + (" of the paper" if int(figure["number"]) <= _LAST else "")
    if rule_of(place) in _FURTHER:
        return _FURTHER[rule_of(place)]
    if rule_of(place) == "errata":
        return "errors of the released code" + (", one row per cell" if place.stem.endswith("_long") else "")
    if rule_of(place) == "claims":
        return "claims of Section 5.2 of the paper"
    if part := _PART.fullmatch(place.stem):
        return f"data set {part['dataset']}, {part['part']}"
    return f"data set {place.stem}" if rule_of(place) else "nothing that this program knows"


def _size_says(text):
    size, variant = split_size(text)
    return size_in_words(size) + _variant_says(variant) + (", the generator's own" if is_own(text) else "")


def _rest_says(rest, dataset, rule):
    if rule == "generators":
        condition, variant = split_variant(rest)
        return f"condition {condition}{_variant_says(variant)}"
    if rule in ("images", "scores", "conditioning", "quality", "filtered"):
        maker, filtered = split_kept(rest)
        best = "the best " if rule == "filtered" else ""
        return f"{best}images of {_generator(maker, dataset)}" + (filtered and f", filtered{_variant_says(filtered)}")
    made, (strategy, variant) = maker_of(rest), split_variant(rest.split("-")[-1])
    if made is None:
        return f"recipe {rest}: real images alone{_variant_says(variant)}"
    maker, filtered = made
    if maker == COPIES:
        return f"recipe {rest}: {strategy} with copies of the real images"
    best = "the best " if filtered else ""
    return f"recipe {rest}: {strategy}{_variant_says(variant)} with {best}images of {_generator(maker, dataset)}"


def _generator(maker, dataset):
    name, variant = split_variant(maker)
    (origin, _, _), condition = generator_of((dataset, None, None), name)
    return (condition if origin == dataset else f"{condition} trained on {origin}") + _variant_says(variant)


def _variant_says(variant):
    return f" (variant {variant})" if variant else ""
