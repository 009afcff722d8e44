"""Nothing executes on load, and no shell sees a name: read off the syntax trees of all our Python.

That is the pipeline, the tests, and the Snakefile with its rules, as Snakemake translates them.
"""

import ast
import fnmatch
import io
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from conftest import ROOT
from snakemake.parser import parse

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("pipeline/**/*.py", "tests/**/*.py", "Snakefile", "pipeline/rules/*.smk")
    for path in ROOT.glob(pattern)
)

# What runs code that a file or a name holds, whatever its arguments; called, or handed on to be called.
FORBIDDEN = [
    "asyncio.create_subprocess_shell",
    "eval",
    "exec",
    "os.popen",
    "os.system",
    "pandas.read_hdf",
    "pandas.read_pickle",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "torch.hub.load",
    "torch.jit.load",
    "torch.package.*",
    "yaml.*unsafe_load*",
    "yaml.full_load*",
    "yaml.load_all",
]
# {call: the argument that makes it safe, and its value}
NEEDED = {
    "torch.load": ("weights_only", True),
    "torch.serialization.load": ("weights_only", True),
    "numpy.load": ("allow_pickle", False),
}
PICKLES = {"_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve"}
HARMLESS = {"pickle.UnpicklingError", "pickle.dumps"}  # to refuse a pickle, or to make one that has to be refused
NO_STAR = {*PICKLES, "builtins", "numpy", "os", "pandas", "subprocess", "torch", "yaml"}
SHELLS = {"bash", "cmd", "csh", "dash", "fish", "ksh", "sh", "zsh"}
# Tests that have to: a job's command as Snakemake runs it, lines of these tests alone, and what the README shows.
PERMITTED = {
    "tests/chaos/stages.py": ["['bash', '-c', f'set -euo pipefail; {command.line}']"],
    "tests/study_copy.py": ["['bash', '-ec', command]"],
    "tests/inspect/test_export.py": ["exec"],
    "tests/test_slurm.py": ["Call(table8.folder, 'bash', '-euc', block)"],
}


def python_of(path):
    """Return a source as Python: what Snakemake reads is translated by its own parser."""
    if path.endswith(".py"):
        return (ROOT / path).read_text()
    file = SimpleNamespace(get_path_or_uri=lambda secret_free: path)
    opened = SimpleNamespace(open=lambda _: io.StringIO((ROOT / path).read_text()))
    return parse(file, SimpleNamespace(sourcecache=opened), {})[0]


def names_of(tree):
    """Return {name in this source: what it was imported as}, wherever in the source."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            # `import os.path` binds os; `import torch.serialization as s` binds the module itself.
            names |= {one.asname or one.name.split(".")[0]: one.name if one.asname else one.name.split(".")[0]
                      for one in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def dotted(node, names):
    """Return what an expression names, in full: numpy.load for np.load; "" for anything but a name."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return f"{before}.{node.attr}".removeprefix("builtins.") if before else ""
    return names.get(node.id, node.id).removeprefix("builtins.") if isinstance(node, ast.Name) else ""


def imported(node):
    """Return the dangerous ones of the names that a statement or a call imports."""
    if isinstance(node, ast.Import):
        return [one.name for one in node.names if one.name.split(".")[0] in PICKLES - {"pickle"}]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        top = node.module.split(".")[0]
        star = top in NO_STAR and any(one.name == "*" for one in node.names)
        return [f"from {node.module}"] if top in PICKLES - {"pickle"} or star else []
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func).rpartition(".")[2]
        return (
            [node.args[0].value] if called in ("__import__", "import_module") and node.args[0].value in PICKLES else []
        )
    return []


def is_forbidden(name):
    """Whether this name executes what it is given, unless it is one of NEEDED with its argument."""
    own_pickle = name.startswith("pickle.") and name not in HARMLESS
    return own_pickle or name in NEEDED or any(fnmatch.fnmatchcase(name, pattern) for pattern in FORBIDDEN)


def is_safe_call(node, name):
    """Whether a call of one of NEEDED, or of yaml.load, has the argument that makes it safe."""
    given = {one.arg: one.value for one in node.keywords}
    if name == "yaml.load":  # libyaml's safe loader, many times as fast, has no function of its own
        loaders = [*node.args[1:2], *filter(None, [given.get("Loader")])]
        return any("SafeLoader" in ast.unparse(loader) for loader in loaders)
    argument, value = NEEDED.get(name, (None, None))
    return argument in given and getattr(given[argument], "value", None) is value


def gives_a_shell_its_line(parts):
    """Whether these expressions in a row are a shell, an option -c of it, and a line that is no constant."""
    texts = [part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else None for part in parts]
    shells = [place for place, text in enumerate(texts) if text and PurePosixPath(text).name in SHELLS]
    options = [place for place, text in enumerate(texts) if text and fnmatch.fnmatchcase(text, "-*c")]
    return any(first < second and None in texts[second + 1 :] for first in shells for second in options)


def dangers(text):
    """Return what in a source could execute what it reads, each as it is written, with its line: [(line, words)]."""
    tree = ast.parse(text)
    names, found, safe = names_of(tree), [], set()
    for node in ast.walk(tree):
        found += [(node.lineno, f"import {name}") for name in imported(node)]
        if isinstance(node, ast.Call):
            if is_safe_call(node, dotted(node.func, names)):
                safe.add(node.func)
            shell = [one.value for one in node.keywords if one.arg == "shell"]
            if any(not isinstance(value, ast.Constant) or value.value for value in shell):
                found.append((node.lineno, ast.unparse(node)))
        parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        if gives_a_shell_its_line(parts):
            found.append((node.lineno, ast.unparse(node)))
        name = dotted(node, names) if isinstance(node, ast.Name | ast.Attribute) else ""
        if node not in safe and (is_forbidden(name) or name == "yaml.load"):
            found.append((node.lineno, name))
    return found


@pytest.mark.parametrize("path", SOURCES)
def test_no_source_executes_what_it_reads(path):
    found = dangers(python_of(path))
    assert [one for one in found if one[1] not in PERMITTED.get(path, [])] == []


def test_every_permission_is_needed_and_all_of_it_is_read():
    for path, permitted in PERMITTED.items():
        assert {words for _, words in dangers(python_of(path))} == set(permitted)
    assert "Snakefile" in SOURCES and "tests/test_loading.py" in SOURCES


@pytest.mark.parametrize(
    "text",
    [
        "import torch; torch.load(path)",
        "import torch; torch.load(path, weights_only=False)",
        "import torch as t; t.load(f)",
        "from torch import load; load(f)",
        "import torch; torch.serialization.load(f)",
        "from torch.serialization import load as read; read(f)",
        "import torch; torch.jit.load(f)",
        "import numpy as np; np.load(path)",
        "import numpy; numpy.load(f, allow_pickle=True)",
        "from numpy import load; load(f)",
        "from numpy import *",
        "import numpy as np; list(map(np.load, files))",
        "import pickle; pickle.load(file)",
        "import pickle as p; p.load(f)",
        "import pickle; p = pickle.Unpickler",
        "from pickle import loads; loads(b)",
        "import _pickle; _pickle.loads(b)",
        "import joblib",
        "from joblib import load",
        "import dill",
        "import importlib; importlib.import_module('dill')",
        "__import__('pickle').loads(b)",
        "def f():\n    import shelve",
        "import yaml; yaml.load(text, Loader)",
        "import yaml; yaml.load(text, Loader=yaml.UnsafeLoader)",
        "from yaml import unsafe_load; unsafe_load(text)",
        "import yaml; yaml.full_load(text)",
        "import pandas as pd; pd.read_pickle(f)",
        "import pandas; pandas.read_hdf(f)",
        "import subprocess; subprocess.run(line, shell=True)",
        "import subprocess; subprocess.run(line, shell=asked)",
        "import subprocess; subprocess.run(['bash', '-c', 'ls ' + name])",
        "import subprocess; line = ['/bin/sh', '-e', '-c', f'ls {name}']; subprocess.run(line)",
        "import os; os.execlp('sh', 'sh', '-c', name)",
        "import os; os.system(name)",
        "from os import system as run; run(name)",
        "eval(text)",
        "import builtins; builtins.eval(text)",
        "run = exec",
    ],
)
def test_the_search_finds(text):
    assert dangers(text)


@pytest.mark.parametrize(
    "text",
    [
        "import torch; torch.load(path, weights_only=True)",
        "import numpy as np; np.load(path, allow_pickle=False)",
        "import pickle\ntry:\n    pass\nexcept pickle.UnpicklingError:\n    pass",
        "import yaml; yaml.load(text, yaml.CSafeLoader)",
        "import subprocess; subprocess.run(['bash', '-c', 'exit 3'])",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', code])",
        "model.eval()",
    ],
)
def test_and_lets_be(text):
    assert dangers(text) == []


def test_the_search_reads_rules(tmp_path, monkeypatch):
    rule = "rule a:\n    output: 'y'\n    run:\n        import pickle\n        pickle.load(open(input[0], 'rb'))\n"
    (tmp_path / "a.smk").write_text(rule)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert dangers(python_of("a.smk"))
