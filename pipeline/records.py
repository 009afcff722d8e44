"""Snakemake's records of finished jobs: one JSON per output file, below .snakemake/metadata."""

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path

_LONGEST_NAME = 254  # bytes of a file name; the records of longer ones Snakemake 9 stores in folders


def record_path(path):
    """Return where the record of an output lies, relative to the folder that Snakemake ran in."""
    name = urlsafe_b64encode(os.fsencode(path)).decode()
    parts = [name[start : start + _LONGEST_NAME] for start in range(0, len(name), _LONGEST_NAME)]
    return Path(".snakemake", "metadata", *("@" + part for part in parts[:-1]), parts[-1])


def record_of(path, root=Path()):
    """Return the record of an output, a dict, or None where there is none that can be read."""
    try:
        return json.loads((root / record_path(path)).read_text())
    except (OSError, json.JSONDecodeError):
        return None


def finished_job(path, root=Path()):
    """Return the record of an output whose job came to its end, or None."""
    record = record_of(path, root)
    return record if record and record.get("rule") and not record.get("incomplete") else None


def ran(record):
    """Tell whether a job wrote the file; a record without a job is written after the output got its date.

    So it is where DVC restored the file, or a person had Snakemake touch it; a job starts before its output is written.
    """
    return record["starttime"] <= record["endtime"]
