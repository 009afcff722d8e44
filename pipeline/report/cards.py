"""Data-set cards: where photographs come from, how many each stage lost and why, what is left of each class."""

from dataclasses import dataclass

import pandas as pd

_SPLITS = {
    "grouped": "groups stay together, so that no clip or signer is on both sides",
    "random": "images at random, so that neighbouring frames may be on both sides",
    "official": "as the owner of the data set published it",
}


# What a card needs of its tables; half a million landmarks stay unread.
COLUMNS = {
    "manifests.csv": ["class"],
    "poses.csv": ["name", "class", "found", "reason"],
    "splits.csv": ["name", "part", "class", "group"],
}


@dataclass(frozen=True)
class Card:
    """stages: (what, photographs left, photographs lost, why); classes: one dict per class; groups: by side."""

    name: str
    source: str
    reader: str
    detector: str
    split: str
    stages: list
    classes: list
    groups: dict


def card_of(name, data, manifest, poses, split):
    """Return the Card of a data set with its section of params.yaml and its three tables (read_rows, COLUMNS)."""
    found = poses[poses["found"] == "1"]
    kept = found[found["name"].isin(split["name"])]
    reasons = poses.loc[poses["found"] != "1", "reason"].value_counts()
    small = found.loc[~found["name"].isin(split["name"]), "class"].value_counts()
    few = f"fewer than {data['split']['min_images']} photographs with a hand, or not among the study's classes: "
    stages = [
        ("photographs listed", len(manifest), 0, ""),
        ("hand found", len(found), len(poses) - len(found), _counted(reasons)),
        ("class kept", len(kept), len(found) - len(kept), few + _counted(small) if len(small) else ""),
        ("cropped and split", len(split), len(kept) - len(split), ""),
    ]
    return Card(
        name=name,
        source=f"drawn by this project ({data['root']})" if "drawn" in data else data["root"],
        reader=data["reader"],
        detector=_detector(data["poses"]),
        split=f"{data['split']['kind']}: {_SPLITS[data['split']['kind']]}",
        stages=stages,
        classes=_classes(manifest, found, split),
        groups=_groups(split),
    )


def _counted(counts):
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


def read_rows(path, columns=None):
    """Return a CSV, or some of its columns, as a table of text, so that a class called "nan" stays one."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, usecols=columns)


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
    sides = {part: set(rows["group"]) for part, rows in split.groupby("part")}
    return {part: len(groups) for part, groups in sides.items()} | {"both": len(set.intersection(*sides.values()))}
