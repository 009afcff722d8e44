"""Whose a data set is: what params.yaml, the record of its download, or the registry of data sets says."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.data.registry import REGISTRY, read_registry
from pipeline.data.unpack import PROVENANCE

_KEYS = ("source", "licence", "citation")


@dataclass(frozen=True)
class Owner:
    """Each is text, empty where nobody tells; fetched: the day of the download, of what came by this program."""

    source: str
    licence: str
    citation: str
    fetched: str = ""


def owner_of(data):
    """Return the Owner of a data set with its section of params.yaml, whose own words come first."""
    if "drawn" in data:
        return Owner("drawn by this project", "that of this project", "")
    told = _downloaded(Path(data["root"])) or _registered(data["root"]) or Owner("", "", "")
    return Owner(*(data.get(key, getattr(told, key)) for key in _KEYS), told.fetched)


def _downloaded(root):
    """Return what the record of the download says, in the root or, of several archives, one folder below it."""
    record = next(iter([*root.glob(PROVENANCE), *sorted(root.glob(f"*/{PROVENANCE}"))]), None)
    if record is None:
        return None
    told = json.loads(record.read_text())
    return Owner(told["page"], told["licence"], told["citation"], told["fetched"][:10])


def _registered(root):
    """Return what the registry says of the data set that is fetched to this very place."""
    for name, entry in read_registry(REGISTRY).items():
        if Path("data", name, entry["root"]) == Path(root):
            return Owner(entry["page"], entry["licence"], entry["citation"])
    return None
