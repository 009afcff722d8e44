"""The settings of a study as its jobs got them: a few tables of plain text."""

import json
from dataclasses import dataclass

from pipeline.params import at_size


@dataclass(frozen=True)
class Group:
    """A table of settings: headings of its columns, and rows (setting, one text per column)."""

    title: str
    headings: list
    rows: list


def flat(options, prefix=""):
    """Return nested options as {dotted key: text}; lists stay one text."""
    rows = {}
    for key, value in options.items():
        if isinstance(value, dict):
            rows |= flat(value, f"{prefix}{key}.")
        else:
            rows[prefix + key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return rows


def settings_of(study):
    """Return the Groups of a Study: its own settings, its data sets, generators and classifiers."""
    own = {key: value for key, value in study.settings.items() if key != "experiments"}
    groups = [_one_column("Study", flat(own))]
    for name in study.data_sets():
        groups.append(_one_column(f"Data set {name}", flat(study.datasets[name])))
    for name, experiment in study.experiments.items():
        sizes = _sizes(study, name)
        generators = {maker: by_size(options, sizes) for maker, options in experiment["generators"].items()}
        groups.append(_side_by_side(f"Generators of {name}", generators))
        groups.append(_one_column(f"Classifiers of {name}", by_size(experiment["classifier"], study.sizes(name))))
    return groups


def by_size(options, sizes):
    """Return {dotted key: text} of options; what differs between sizes as "5: 4, all: 128"."""
    resolved = {size: flat(at_size(options, size)) for size in sizes}
    texts = {}
    for key in resolved[sizes[0]]:
        values = {size: own[key] for size, own in resolved.items()}
        same = len(set(values.values())) == 1
        texts[key] = values[sizes[0]] if same else ", ".join(f"{size}: {value}" for size, value in values.items())
    return texts


def _sizes(study, dataset):
    """The sizes that generators are trained at; the source's generator of the multi-source rows has seen all."""
    sizes = study.sizes(dataset)
    return sizes if dataset != study.source or "all" in sizes else [*sizes, "all"]


def _one_column(title, texts):
    return Group(title, ["value"], [(key, [text]) for key, text in texts.items()])


def _side_by_side(title, columns):
    keys = dict.fromkeys(key for texts in columns.values() for key in texts)
    # A setting that one generator has and another has not is empty there.
    rows = [(key, [texts.get(key, "") for texts in columns.values()]) for key in keys]
    return Group(title, list(columns), rows)
