"""Which files of this project a module's results depend on: itself and all it imports, however far away.

Snakemake takes them as inputs, so that an edit re-runs the stages it concerns and no other, and none can be forgotten.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def source_files(*modules):
    """Return the sorted paths, relative to the repository, of the modules and of everything of ours they import."""
    found, waiting = set(), list(modules)
    while waiting:
        path = _file_of(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def _file_of(module):
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _imports(path):
    """Yield the dotted names that a file may import from this project."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
