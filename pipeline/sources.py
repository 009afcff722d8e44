"""The code that results depend on.

Snakemake takes a stage's own files as inputs, so that an edit re-runs what it concerns and no other, and no file can be
forgotten.
"""

import ast
import functools
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # of a syntax tree, that hold statements


def source_files(*modules):
    """Return the sorted paths, relative to the repository, of the modules and of everything of ours they import."""
    found, waiting = set(), list(modules)
    while waiting:
        path = _file_of(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting.extend(_imports(path.read_bytes()))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def libraries_of(paths):
    """Return the names of the packages that these source files may import, ours among them."""
    sources = {(ROOT / path).read_bytes() for path in paths}
    return {name.split(".")[0] for source in sources for name in _imports(source)}


def code_digest(*modules):
    """Return a hash of the source files of these modules, which tells an edit of any of them."""
    digest = hashlib.sha256()
    for path in source_files(*modules):
        digest.update(path.encode() + b"\0" + (ROOT / path).read_bytes())
    return digest.hexdigest()[:16]


def template_files(folder):
    """Return the sorted paths, relative to the repository, of the templates of a folder of pipeline/."""
    return sorted(
        path.relative_to(ROOT).as_posix() for path in (ROOT / "pipeline" / folder / "templates").glob("[!.]*")
    )


def _file_of(module):
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


# The graph asks for the sources of every rule, most of which share most files.
@functools.cache
def _imports(source):
    """Return the dotted names that a file of this content may import from this project."""
    names = []
    for node in _statements(ast.parse(source).body):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _statements(nodes):
    """Yield statements and those within them, without the expressions, which are most of a tree and import nothing."""
    for node in nodes:
        yield node
        for field in _BLOCKS:
            yield from _statements(getattr(node, field, ()))
