"""What a person wants to know of photographs before anything is made of them."""

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from pipeline.data.manifest import load_photograph
from pipeline.stage import WrongInput


@dataclass(frozen=True)
class Survey:
    """rows: the manifest's, with width, height and digest (of size and pixels); unreadable: a message for each."""

    rows: pd.DataFrame
    unreadable: list


def survey(rows):
    """Return the Survey of a manifest's rows: every photograph is decoded, on all cores, as the stages will do."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        looks = list(threads.map(_look, rows["path"]))
    unreadable = [look for look in looks if isinstance(look, str)]
    readable = [not isinstance(look, str) for look in looks]
    seen = pd.DataFrame([look for look in looks if not isinstance(look, str)], columns=["width", "height", "digest"])
    return Survey(pd.concat([rows[readable].reset_index(drop=True), seen], axis=1), unreadable)


def _look(path):
    try:
        image = load_photograph(path)
    except WrongInput as wrong:
        return str(wrong)
    digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
    return image.shape[1], image.shape[0], digest


def lines_of(found):
    """Return lines that tell classes, formats, sizes and exact duplicates of a Survey."""
    rows = found.rows
    counts = rows["class"].value_counts()
    formats = Counter(PurePosixPath(path.partition("#xywh=")[0]).suffix.lower() for path in rows["path"])
    shorter = rows[["width", "height"]].min(axis=1)
    return [
        f"{len(rows)} images of {len(counts)} classes, {counts.iloc[0]} to {counts.iloc[-1]} of each",
        "  " + ", ".join(f"{name} {count}" for name, count in counts.items()),
        "formats: " + ", ".join(f"{suffix} {count}" for suffix, count in formats.most_common()),
        f"shorter side: {shorter.min()} to {shorter.max()} pixels, median {shorter.median():g}",
        *_duplicate_lines(rows),
    ]


def duplicates(rows):
    """Return (within, across): lists of the names of images with equal pixels, of one class and of several."""
    sets = [own for _, own in rows.groupby("digest", sort=False) if len(own) > 1]
    within = [own["name"].tolist() for own in sets if own["class"].nunique() == 1]
    return within, [own["name"].tolist() for own in sets if own["class"].nunique() > 1]


def _duplicate_lines(rows):
    lines = []
    for kind, sets, remedy in zip(
        ("within", "across"),
        duplicates(rows),
        ("they count twice; remove all but one", "one of the labels is wrong; mend it"),
        strict=True,
    ):
        lines.append(f"equal pixels {kind} classes: {len(sets)} sets" + (f"; {remedy}" if sets else ""))
        lines += [f"  {' = '.join(names)}" for names in sets[:_SHOWN]]
    return lines


_SHOWN = 5
