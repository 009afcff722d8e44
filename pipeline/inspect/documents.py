"""JSON artifacts: the measures of a table or of conditioning, claims, and the plans that DVC compares."""

import json

from pipeline.inspect.contents import Contents, listed
from pipeline.stage import WrongInput


def read(path):
    """Return the Contents of measures, of claims or of a plan; raise WrongInput for other JSON.

    A table's measures are {source: {method: {column: {measure: percent}}}}, those of conditioning {set: {measure:
    {"value", "n"}}}, claims {claim: {"section", "sentence", …}}; a plan is {file: settings}.
    """
    try:
        content = json.loads(path.read_text())
        if all("command" in settings for settings in content.values()):
            return _plan(content)
        if all("sentence" in claim for claim in content.values()):
            return _claims(content)
        if "generated" in content:
            return _conditioning(content)
        return _measures(content)
    except (ValueError, AttributeError, TypeError):  # JSON's own error is a ValueError, and so is that of the encoding
        raise WrongInput(f"{path}: neither measures nor claims nor a plan; delete it and run Snakemake again") from None


def _plan(content):
    size = f"{len(content)} files and the settings that each is made with"
    return Contents("plan", size, lines=lambda: [size, *content])


def _claims(content):
    said = [f"Section {claim['section']}: {claim['sentence']}" for claim in content.values()]
    return Contents("claims", f"{len(content)} claims of the paper, and what this study says", lines=lambda: said)


def _conditioning(content):
    rows = {
        f"{name}, {what}": f"{own['value']:.4f} of {own['n']} images"
        for name, measures in content.items()
        for what, own in measures.items()
    }
    brief = f"generated: accuracy {content['generated']['accuracy']['value']:.4f}"
    return Contents("measures of conditioning", brief, lines=lambda: listed(rows))


def _measures(content):
    cells = {
        f"{source}, {method}, {column}": "  ".join(f"{name} {value:.2f}" for name, value in measures.items())
        for source, methods in content.items()
        for method, columns in methods.items()
        for column, measures in columns.items()
    }
    size = f"{len(cells)} cells"
    return Contents("measures of a table", size, lines=lambda: [f"{size}, in percent", *listed(cells)])
