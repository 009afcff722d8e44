"""Statements for people to read: what they begin with."""

from pipeline.inspect.contents import Contents
from pipeline.stage import WrongInput


def read(path):
    """Return the Contents of a verdict; raise WrongInput for other text, and where it is cut off."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("# ") or not text.endswith("\n"):
        raise WrongInput(f"{path}: not a whole verdict; delete it and run Snakemake again")
    lines = [line for line in text.splitlines() if line]
    return Contents("verdict", lines[0].removeprefix("# "), lines=lambda: lines)
