"""Data-set cards: how many photographs each stage lost and why, which were damaged, what is left of each class."""

from dataclasses import dataclass

import pandas as pd

from pipeline.data.table import read_table
from pipeline.poses.reasons import UNREADABLE, counted

_SPLITS = {
    "grouped": "groups stay together, so that no clip or signer is on both sides",
    "random": "images at random, so that neighbouring frames may be on both sides",
    "official": "as the owner of the data set published it",
    "untested": "all images train; they are lent to generators and test nothing",
}


# What a card needs of its tables; half a million landmarks stay unread.
COLUMNS = {
    "manifests.csv": ["class", "group"],
    "poses.csv": ["name", "class", "found", "reason"],
    "splits.csv": ["name", "part", "class", "group"],
}


@dataclass(frozen=True)
class Card:
    """stages: (what, photographs left, photographs lost, why); classes: one dict per class; groups: by side;

    unreadable: (name, why) of every photograph that could not be read.
    """

    name: str
    place: str
    reader: str
    detector: str
    split: str
    stages: list
    classes: list
    groups: dict
    unreadable: list


def card_of(name, data, manifest, poses, split, subsets=()):
    """Return the Card of a data set with its section of params.yaml and its three tables (read_rows, COLUMNS).

    subsets: (what it is called, its rows) of each subset of training images that the card tells of.
    """
    damaged = poses[poses["reason"].str.startswith(UNREADABLE)]
    found = poses[poses["found"] == "1"]
    kept = found[found["name"].isin(split["name"])]
    none = poses.loc[(poses["found"] != "1") & ~poses.index.isin(damaged.index), "reason"]
    train = split[split["part"] == "train"]
    small = found.loc[~found["name"].isin(split["name"]), "class"].value_counts()
    few = f"fewer than {data['split']['min_images']} photographs with a hand, or not among the study's classes: "
    stages = [
        ("photographs listed", len(manifest), 0, ""),
        ("readable", len(poses) - len(damaged), len(damaged), "not readable; named below" if len(damaged) else ""),
        ("hand found", len(found), len(none), _listed(counted(none))),
        ("class kept", len(kept), len(found) - len(kept), few + _listed(small) if len(small) else ""),
        ("to train", len(train), len(split) - len(train), "test images, from which nothing learns"),
        *(_subset_stage(what, rows, len(train)) for what, rows in subsets),
    ]
    return Card(
        name=name,
        place=data["root"],
        reader=data["reader"],
        detector=_detector(data["poses"]),
        split=f"{data['split']['kind']}: {_SPLITS[data['split']['kind']]}",
        stages=stages,
        classes=_classes(manifest, found, split),
        groups={"all": manifest["group"].nunique()} | _groups(split),
        unreadable=[(row["name"], row["reason"].removeprefix(UNREADABLE)) for _, row in damaged.iterrows()],
    )


def _subset_stage(what, rows, train):
    val, lost = int((rows["part"] == "val").sum()), train - len(rows)
    return (
        what,
        len(rows),
        lost,
        f"{len(rows) - val} train, {val} validate" + ("; the others are not drawn" if lost else ""),
    )


def _listed(counts):
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


def read_rows(path, columns=None):
    """Return a CSV, or some of its columns, as a table of text, so that a class called "nan" stays one."""
    return read_table(path, columns or [], only=columns is not None)


def _detector(poses):
    if poses["detector"] == "given":
        return "none: the data came with landmarks"
    return f"{poses['detector']}, region {poses['roi']}, least confidence {poses['min_confidence']}"


def _classes(manifest, found, split):
    """Return counts per class, classes that were lost included, those with most training images first."""
    counts = pd.DataFrame(
        {
            "photographs": manifest["class"].value_counts(),
            "hands": found["class"].value_counts(),
            "train": split.loc[split["part"] == "train", "class"].value_counts(),
            "test": split.loc[split["part"] == "test", "class"].value_counts(),
        }
    )
    counts = counts.fillna(0).astype(int).rename_axis("name").reset_index()
    return counts.sort_values(["train", "name"], ascending=[False, True]).to_dict("records")


def _groups(split):
    """Return how many groups there are on each side, and on both."""
    sides = {part: set(split.loc[split["part"] == part, "group"]) for part in ("train", "test")}
    return {part: len(groups) for part, groups in sides.items()} | {"both": len(set.intersection(*sides.values()))}
