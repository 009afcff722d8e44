"""Whose a data set is: what params.yaml, the record of its download, or the registry of data sets says."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.data.provenance import PROVENANCE, read_provenance
from pipeline.data.registry import REGISTRY, read_registry
from pipeline.stage import WrongInput, note

_KEYS = ("source", "licence", "citation")


@dataclass(frozen=True)
class Owner:
    """Each is text, empty where nobody tells; fetched: the day of the download, of what came by this program."""

    source: str
    licence: str
    citation: str
    fetched: str = ""


def owner_of(data, repository=Path()):
    """Return the Owner of a data set with its section of the repository's params.yaml, whose own words come first."""
    if "drawn" in data:
        return Owner("drawn by this project", "that of this project", "")
    told = _downloaded(repository / data["root"]) or _registered(data["root"]) or Owner("", "", "")
    return Owner(*(data.get(key, getattr(told, key)) for key in _KEYS), told.fetched)


def _downloaded(root):
    """Return what the record of the download says, None where there is none of a data set with an owner.

    It lies in the root, or, of several archives, one folder below it, or, of a root within the archive, above it.
    """
    below = [path.parent for path in sorted(root.glob(f"*/{PROVENANCE}"))]
    records = [_record(folder) for folder in (root, *below)]
    # As far up as the data set's own folder, whose name the record has; what lies above is of others.
    records += [record for above in root.parents if (record := _record(above)).get("data_set") == above.name]
    told = next((record for record in records if "data_set" in record), None)
    return told and Owner(told["page"], told["licence"], told["citation"], told["fetched"][:10])


def _record(folder):
    """Return the record of a folder; one that is damaged, or another program's, is told and stops no report."""
    try:
        return read_provenance(folder)
    except WrongInput as wrong:
        note(str(wrong))
        return {}


def _registered(root):
    """Return what the registry says of the data set that is fetched to this very place."""
    for name, entry in read_registry(REGISTRY).items():
        if Path("data", name, entry["root"]) == Path(root):
            return Owner(entry["page"], entry["licence"], entry["citation"])
    return None
