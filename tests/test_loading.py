"""Nothing executes on load, and no shell sees a name: read off the syntax trees of all our sources."""

import ast

import pytest
from conftest import ROOT

SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pipeline").rglob("*.py"))

# What runs code that a file or a name holds, whatever its arguments.
FORBIDDEN = {
    "eval",
    "exec",
    "os.popen",
    "os.system",
    "pandas.read_pickle",
    "pd.read_pickle",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "shelve.open",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "torch.hub.load",
    "torch.jit.load",
    "yaml.full_load",
    "yaml.load",
    "yaml.unsafe_load",
}
# {call: the argument that makes it safe, and its value}
NEEDED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
IMPORTS = {"cloudpickle", "dill", "joblib", "marshal", "shelve"}


def dotted(node):
    """Return the name that is called, as it is written: np.load."""
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(text):
    """Return what in a source could execute what it reads, as "line: words"."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in IMPORTS]
            if isinstance(node, ast.ImportFrom) and node.module in ("pickle", "subprocess", "os"):
                own = [f"{node.module}.{alias.name}" for alias in node.names]
                found += [f"{node.lineno}: {name}" for name in own if name in FORBIDDEN]
        if isinstance(node, ast.Call):
            name, given = dotted(node.func), {one.arg: getattr(one.value, "value", None) for one in node.keywords}
            argument, value = NEEDED.get(name, (None, None))
            if name == "yaml.load" and len(node.args) == 2 and "SafeLoader" in ast.unparse(node.args[1]):
                continue  # libyaml's loader, many times as fast, has no function of its own
            if name in FORBIDDEN or (argument and given.get(argument) is not value) or given.get("shell"):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", SOURCES)
def test_no_source_executes_what_it_reads(path):
    assert dangers((ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch; torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "pickle.load(file)",
        "from pickle import loads",
        "import joblib",
        "yaml.load(text, Loader)",
        "subprocess.run(line, shell=True)",
        "os.system(name)",
        "eval(text)",
    ],
)
def test_the_search_finds(text):
    assert dangers(text)
