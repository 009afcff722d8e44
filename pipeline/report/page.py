"""The whole study on one page, results/report/report.html: verdict, tables, figures, claims, data, settings, times.

The page opens without a network. It is the one artifact that may differ between two makings of the same study, by job
times, revision, software, machine and the records of downloads; everything else on it follows from the inputs. Contact
sheets and samples are embedded as JPEG, with which the demo's page stays below 10 MB; the PNGs lie in results/.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from pipeline.data.document import read_document
from pipeline.data.files import replacing
from pipeline.data.table import check_parts
from pipeline.recipes import STRATEGIES, size_in_words, subset_name
from pipeline.report import captions, circumstances
from pipeline.report.cards import COLUMNS, card_of, read_rows
from pipeline.report.curves import HEIGHT, WIDTH, best_step, charts_of, read_curve
from pipeline.report.embedding import csp_hash, embedded, embedded_picture, embedded_sheet
from pipeline.report.inputs import AUDIT, CLAIMS, OBEYED, RATINGS, VERDICT
from pipeline.report.owners import owner_of
from pipeline.report.settings import flat, settings_of
from pipeline.report.table_views import view_of
from pipeline.stage import WrongInput, run_stage, stage_arguments
from pipeline.study import Study

_TEMPLATES = Path(__file__).parent / "templates"
# What the page shows, as folder below results/ and suffix; tables lie in results/ itself.
_KINDS = (
    ".csv",
    "figures.png",
    "figures.pdf",
    "claims.json",
    "verdict.json",
    "audit.json",
    "audit.png",
    "errata.csv",
    "errata.json",
    "quality.json",
    "ratings.json",
    "conditioning/measures.json",
    "sheets/crops.png",
    "sheets/generated.png",
    "training.csv",
    "training.png",
    "manifests.csv",
    "poses.csv",
    "splits.csv",
    "subsets.csv",
)
MEASURES = {
    "accuracy": "taken for their class",
    "found": "hand found",
    "pck": "joints near their place (PCK@0.2)",
    "pck_missed_as_0": "the same, no hand as 0",
}


@dataclass(frozen=True)
class Picture:
    """A picture in the page: its data URI, its size in pixels and what a reader who cannot see it needs to know."""

    uri: str
    width: int
    height: int
    alt: str


def sorted_by_kind(paths, datasets):
    """Return {kind: {file stem: path}}, empty for a kind without files; raise WrongInput for one of no known kind.

    Files of a kind come in the order of the data sets that their names begin with.
    """
    order = {name: place for place, name in enumerate(datasets)}
    files = defaultdict(dict)
    for path in sorted(paths, key=lambda path: (order.get(path.stem.partition("-")[0], -1), path)):
        kind = path.relative_to("results").parent.as_posix().removeprefix(".") + path.suffix
        if kind not in _KINDS:
            raise WrongInput(f"{path}: not a kind that the page shows, which are {', '.join(_KINDS)}; leave it out")
        files[kind][path.stem] = path
    return files


def content_of(study, files):
    """Return what the template shows that follows from the inputs: {name: value}."""
    obeyed = files["conditioning/measures.json"]
    names = {"target": study.target, "gestures": study.gestures, "source": study.source}
    return {
        "study": study,
        "sentences": sentences(study),
        "roles": _roles(study),
        "size_in_words": size_in_words,
        "verdicts": [read_document(path, VERDICT) for path in files["verdict.json"].values()],
        "tables": _tables(captions.TABLES, files, names),
        "rivals": _tables(captions.FURTHER_TABLES, files, names),
        "absent_tables": [number for number in captions.TABLES if f"table{number}" not in files[".csv"]],
        "figures": _figures(files, names),
        "absent_figures": [number for number in captions.FIGURES if f"figure{number}" not in files["figures.png"]],
        "claims": [claim for path in files["claims.json"].values() for claim in _claims(path)],
        "errata": [_erratum(name, files) for name in files["errata.csv"]],
        "ratings": {name: read_document(path, RATINGS) for name, path in files["ratings.json"].items()},
        "quality": {name: flat(read_document(path, dict)) for name, path in files["quality.json"].items()},
        "audits": {name: read_document(path, AUDIT) for name, path in files["audit.json"].items()},
        "audit_sheets": _sheets(files["audit.png"], "The closest pairs of images of {}, side by side"),
        "measures": MEASURES,
        "conditioning": {name: read_document(path, OBEYED) for name, path in obeyed.items()},
        "crops_sheets": _sheets(files["sheets/crops.png"], "Real training crops of {}, each with pose and pose maps"),
        "generated_sheets": _sheets(files["sheets/generated.png"], "Generated images of {} by generator and class"),
        "trainings": [_training(name, files) for name in files["training.csv"]],
        "chart": (WIDTH, HEIGHT),
        "cards": [_card(name, study, files) for name in files["manifests.csv"]],
        "settings": settings_of(study),
    }


def sentences(study):
    """Tell in two sentences what the study does, from its settings."""
    learnt = [
        f"{name} ({_listed(study.sizes(name))} images per class, seed{'s' * (len(own['seeds']) > 1)}"
        f" {_listed(own['seeds'])})"
        for name, own in study.experiments.items()
    ]
    conditions = dict.fromkeys(maker for own in study.experiments.values() for maker in own["generators"])
    backbones = dict.fromkeys(own["classifier"]["backbone"] for own in study.experiments.values())
    return [
        f"Generators ({_listed(conditions)}) learn hands from {_listed(learnt)}, and make"
        f" {study.settings['generation']['images_per_class']} images of every class, however rare it is.",
        f"Classifiers ({_listed(backbones)}) learn from real images alone and, by {_listed(STRATEGIES)}, from real and"
        " generated ones; all are judged on test images from which nothing learns and by which nothing is chosen"
        + (", some errata excepted, which do so as the released code does." if study.errata_rows() else "."),
    ]


def _listed(words):
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


def _roles(study):
    """Return {data set: [its parts in the study]}."""
    parts = {"target": study.target, "gestures": study.gestures}
    if study.source != study.target:
        parts["source of multi-source rows"] = study.source
    return {name: [part for part, own in parts.items() if own == name] for name in study.experiments}


def render(content, surroundings):
    """Return the page as HTML; surroundings: what comes from outside the graph, as `circumstances` tells it."""
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = ((_TEMPLATES / name).read_text() for name in ("page.css", "page.js"))
    allowed = {"style_hash": csp_hash(style), "script_hash": csp_hash(script)}
    own = {"style": Markup(style), "script": Markup(script)}
    return environment.get_template("page.html").render(**content, **surroundings, **allowed, **own)


def surroundings_of(study):
    """Return what the template shows that comes from outside the graph: owners, times, revision, software, machine."""
    artifacts = study.artifacts()
    return {
        "owners": {name: owner_of(study.datasets[name]) for name in study.data_sets()},
        "times": circumstances.times_of({rule: files for rule, files in artifacts.items() if rule != "report"}),
        "revision": circumstances.revision(),
        "software": circumstances.software(),
        "machine": circumstances.machine(),
    }


def _tables(numbers, files, names):
    """Return the TableView of each table of these numbers, or names, that has both of its files."""
    found = files[".csv"]
    stems = {number: f"table{number}" if number in captions.TABLES else number for number in numbers}
    return [
        view_of(number, found[stem], found[f"{stem}_long"], names) for number, stem in stems.items() if stem in found
    ]


def _figures(files, names):
    """Return (number, caption, Picture, PDF as data URI) of each figure that there is."""
    shown = []
    for number, texts in captions.FIGURES.items():
        name = f"figure{number}"
        if name in files["figures.png"]:
            caption, alt = (text.format(**names) for text in texts)
            picture = Picture(*embedded_picture(files["figures.png"][name]), alt)
            shown.append((number, caption, picture, embedded(files["figures.pdf"][name])))
    return shown


def _claims(path):
    """Return (name, sentence, {number's name: text}) of each claim of a file {claim: {"sentence", numbers}}."""
    claims = read_document(path, CLAIMS).items()
    return [(name, own["sentence"], flat({k: v for k, v in own.items() if k != "sentence"})) for name, own in claims]


def _erratum(name, files):
    """Return the table of errata as text, and what it answers."""
    told = read_document(files["errata.json"][name], CLAIMS)
    return {"table": read_rows(files["errata.csv"][name]), "sentences": [one["sentence"] for one in told.values()]}


def _sheets(paths, alt):
    return {name: Picture(*embedded_sheet(path), alt.format(name)) for name, path in paths.items()}


def _training(name, files):
    """Return a training's name, Charts, best step, table of evaluations and picture of samples."""
    curve = read_curve(files["training.csv"][name])
    samples = Picture(*embedded_sheet(files["training.png"][name]), f"Samples of {name} at each evaluation")
    return {
        "name": name,
        "charts": charts_of(curve),
        "best": best_step(curve),
        "evaluations": read_rows(files["training.csv"][name]),
        "samples": samples,
    }


def _card(name, study, files):
    tables = {kind: read_rows(files[kind][name], columns) for kind, columns in COLUMNS.items()}
    check_parts(files["splits.csv"][name], tables["splits.csv"], ["train", "test"])
    return card_of(name, study.datasets[name], *tables.values(), _subsets(name, study, files["subsets.csv"]))


def _subsets(name, study, files):
    """Yield (what it is called, its rows) of the subsets of each size by the first seed of a data set."""
    if name not in study.experiments:
        return
    seed = study.seeds(name)[0]
    for size in study.sizes(name):
        path = files.get(subset_name(name, size, seed))
        if path is not None:
            yield f"subset, {size_in_words(size)}, seed {seed}", read_rows(path, ["part"])


def main():
    parser = stage_arguments(__doc__)
    parser.add_argument("--made", type=Path, nargs="*", default=[], help="what the page shows, below results/")
    args = parser.parse_args()
    study = Study(args.options)
    page = render(content_of(study, sorted_by_kind(args.made, study.data_sets())), surroundings_of(study))
    with replacing(args.out) as beside:
        beside.write_text(page, encoding="utf-8")
    print(json.dumps({"inputs": len(args.made), "bytes": len(page.encode())}))


if __name__ == "__main__":
    run_stage(main)
