"""PROVENANCE.json: what an unpacked folder says of where it is from."""

import json

from pipeline.stage import WrongInput

PROVENANCE = "PROVENANCE.json"
_OF_FETCHED = ("data_set", "url", "page", "sha256", "licence", "citation", "fetched")  # all of them text


def read_provenance(folder):
    """Return the record of a folder as a dict, {} where it has none; raise WrongInput where it is damaged.

    That of a data set that was fetched has a `data_set`, and then page, licence, citation and fetched as well; that of
    an archive from elsewhere (pipeline.data.unpack) has its name alone, as `archive`.
    """
    path = folder / PROVENANCE
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        expected = _OF_FETCHED if "data_set" in record else ("archive", "sha256")
        wrong = [key for key in expected if not isinstance(record[key], str)]
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as damage:
        wrong = [f"{type(damage).__name__}: {damage}"]
    if wrong:
        raise WrongInput(
            f"{path}: {wrong[0]}; expected the record of what was unpacked there, with the texts"
            f" {', '.join(_OF_FETCHED)}, or archive and sha256; restore it, or move the folder away and fetch again"
        )
    return record
