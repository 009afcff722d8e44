"""What a file holds, whatever made it: its suffix says who reads it, its contents what it is."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.stage import WrongInput

# Each reader is imported when it is needed: a table is told about without waiting for torch.
_READERS = {
    ".zip": "image_sets",
    ".npz": "pose_sets",
    ".csv": "tables",
    ".json": "documents",
    ".html": "pages",
    ".md": "statements",
    ".safetensors": "weights",
    ".pt": "training_states",
    ".png": "sheets",
    ".pdf": "drawings",
}


@dataclass
class Contents:
    """kind: what it is; brief: its counts in a few words; lines(): all that is worth telling, a list of text;

    draw(): a picture uint8 (H, W, 3) RGB, or None where there is nothing to look at; settings: those that the file
    itself carries. lines and draw may raise WrongInput where a closer look finds damage.
    """

    kind: str
    brief: str
    lines: Callable
    draw: Callable | None = None
    settings: dict | None = None


def is_artifact(path):
    """True for a file that one of the readers is for."""
    return path.suffix in _READERS and path.is_file()


def read_contents(path):
    """Return the Contents of a file; raise WrongInput where it is missing, empty, damaged or of no known kind."""
    if not path.is_file():
        raise WrongInput(f"{path}: no such file; expected an artifact; make it with Snakemake or get it with dvc pull")
    if path.suffix not in _READERS:
        raise WrongInput(f"{path}: not of a known kind; expected one of {', '.join(_READERS)}; name an artifact")
    if path.stat().st_size == 0:
        raise WrongInput(f"{path}: an empty file; expected an artifact; delete it and run Snakemake again")
    return importlib.import_module(f"pipeline.inspect.{_READERS[path.suffix]}").read(path)


def listed(counts):
    """Return counts (a dict or a Series, by name) as lines, the numbers below each other."""
    width = max((len(str(name)) for name, _ in counts.items()), default=0)
    return [f"  {name!s:{width}}  {count}" for name, count in counts.items()]


def in_one_line(text):
    """Return a message of another library as part of a sentence."""
    return " ".join(str(text).split()).rstrip(".")
