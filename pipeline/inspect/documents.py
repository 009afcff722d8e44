"""JSON artifacts: the measures of a table, and the plans that DVC compares."""

import json

from pipeline.inspect.contents import Contents, listed
from pipeline.stage import WrongInput


def read(path):
    """Return the Contents of measures {source: {method: {column: {measure: percent}}}}, or of a plan {file: settings}.

    Raises WrongInput for other JSON.
    """
    try:
        content = json.loads(path.read_text())
        if all("command" in settings for settings in content.values()):
            return _plan(content)
        return _measures(content)
    except (ValueError, AttributeError, TypeError):  # JSON's own error is a ValueError, and so is that of the encoding
        raise WrongInput(
            f"{path}: neither the measures of a table nor a plan; delete it and run Snakemake again"
        ) from None


def _plan(content):
    size = f"{len(content)} files and the settings that each is made with"
    return Contents("plan", size, lines=lambda: [size, *content])


def _measures(content):
    cells = {
        f"{source}, {method}, {column}": "  ".join(f"{name} {value:.2f}" for name, value in measures.items())
        for source, methods in content.items()
        for method, columns in methods.items()
        for column, measures in columns.items()
    }
    size = f"{len(cells)} cells"
    return Contents("measures of a table", size, lines=lambda: [f"{size}, in percent", *listed(cells)])
