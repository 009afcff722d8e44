"""JSON artifacts: measures of tables, conditioning and quality, audits, ratings, claims, verdicts, plans of stages."""

import json

from pipeline.inspect.contents import Contents, listed
from pipeline.stage import WrongInput


def read(path):
    """Return the Contents of measures, ratings, claims, a verdict or a plan; raise WrongInput for other JSON.

    A table's measures are {source: {method: {column: {measure: percent}}}}, those of conditioning {set: {measure:
    {"value", "n"}}}, those of quality {"features", "real_images", "generated_images", "measures"}; an audit ends with
    "findings"; a plan is {file: settings}; claims are {claim: {"section", "sentence", …}}; ratings are as
    pipeline.rating.answers sums them up; a verdict is {"dataset", "verdicts": {size: {"finding", "sentences", …}}}.
    """
    try:
        contents = _contents(json.loads(path.read_text(encoding="utf-8")))
        contents.lines()  # a value of another type shows here
        return contents
    # JSON's own error is a ValueError, and so is that of the encoding.
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        raise WrongInput(
            f"{path}: neither measures, ratings, claims, a verdict nor a plan; delete it and run Snakemake again"
        ) from None


def _contents(content):
    if "findings" in content:
        return _audit(content)
    if "verdicts" in content:
        return _verdict(content)
    if "features" in content:
        return _quality(content)
    if "image_set" in content:
        return _ratings(content)
    if all("command" in settings for settings in content.values()):
        return _plan(content)
    if all("sentence" in claim for claim in content.values()):
        return _claims(content)
    if "generated" in content:
        return _conditioning(content)
    return _measures(content)


def _plan(content):
    size = f"{len(content)} files and the settings that each is made with"
    return Contents("plan", size, lines=lambda: [size, *content])


def _claims(content):
    said = [f"Section {claim['section']}: {claim['sentence']}" for claim in content.values()]
    return Contents("claims", f"{len(content)} claims of the paper, and what this study says", lines=lambda: said)


def _verdict(content):
    findings = {size: own["finding"] for size, own in content["verdicts"].items()}
    said = [f"{size}: {sentence}" for size, own in content["verdicts"].items() for sentence in own["sentences"]]
    brief = f"{content['dataset']}: " + ", ".join(f"{finding} ({size})" for size, finding in findings.items())
    return Contents("numbers of a verdict", brief, lines=lambda: said)


def _conditioning(content):
    rows = {
        f"{name}, {what}": f"{own['value']:.4f} of {own['n']} images"
        for name, measures in content.items()
        for what, own in measures.items()
    }
    brief = f"generated: accuracy {content['generated']['accuracy']['value']:.4f}"
    return Contents("measures of conditioning", brief, lines=lambda: listed(rows))


def _quality(content):
    rows = {
        f"{name} ({content['features']})": f"{own['value']:.4f} [{own['low']:.4f}, {own['high']:.4f}]"
        for name, own in content["measures"].items()
    }
    size = f"{content['generated_images']} images beside {content['real_images']} validation images"
    return Contents("quality of an image set", size, lines=lambda: [size, *listed(rows)])


def _audit(content):
    size = f"{content['split']['test_images']} test images, {content['split']['flagged']} with a near-duplicate"
    return Contents("audit of a data set", size, lines=lambda: [size, *content["findings"]])


def _ratings(content):
    scores = {source: _human_score(own) for source, own in content["sources"].items()}
    refused = {one["file"]: one["reason"] for one in content["refused"]}
    alpha = content["agreement"]["krippendorff_alpha"]
    people = f"{content['raters']} raters, {content['complete']} of them of all images"
    return Contents(
        "ratings by people",
        f"{people}, {len(refused)} files refused",
        lines=lambda: [
            f"{people}; image set {content['image_set']}",
            "agreement: " + ("too few ratings" if alpha is None else f"Krippendorff's alpha {alpha:.3f}"),
            "realism from 1 to 5",
            *listed(scores),
            *(["files refused", *listed(refused)] if refused else []),
        ],
    )


def _human_score(own):
    return f"{own['mean']:.2f} of {own['ratings']} ratings, {own['images']} images" if own["ratings"] else "unrated"


def _measures(content):
    cells = {
        f"{source}, {method}, {column}": "  ".join(f"{name} {value:.2f}" for name, value in measures.items())
        for source, methods in content.items()
        for method, columns in methods.items()
        for column, measures in columns.items()
    }
    size = f"{len(cells)} cells"
    return Contents("measures of a table", size, lines=lambda: [f"{size}, in percent", *listed(cells)])
