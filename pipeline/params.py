"""What params.yaml says: checked against its schema and itself before anything is made of it."""

import json
from math import isfinite
from pathlib import Path

import jsonschema
import yaml

from pipeline.recipes import ordered
from pipeline.stage import WrongInput

_DEEPEST, _MOST_VALUES = 30, 1_000_000
_SCHEMA = Path(__file__).parent / "schemas" / "params.schema.yaml"


def check_params(params):
    """Raise WrongInput, naming the key, where params.yaml is not what the schema says or names what is not there."""
    _check_values(params)
    schema = yaml.safe_load(_SCHEMA.read_text())
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(plain(params)))
    if error is not None:
        raise WrongInput(f"params.yaml, {_dotted(error.absolute_path)}: {error.message}; mend that key")
    _choose(params["studies"], params["study"], "study", "studies")
    for name, study in params["studies"].items():
        for role in ("table8", "table9", "source"):
            _choose(study["experiments"], study[role], f"studies.{name}.{role}", f"studies.{name}.experiments")
        for dataset in study["experiments"]:
            _choose(params["datasets"], dataset, f"studies.{name}.experiments.{dataset}", "datasets")
            if params["datasets"][dataset]["split"]["kind"] == "untested":
                raise WrongInput(
                    f"params.yaml, studies.{name}.experiments.{dataset}: its split is untested; expected test images;"
                    f" give datasets.{dataset}.split another kind, or name it as extra_images alone"
                )
            _check_experiment(study, dataset, f"studies.{name}.experiments.{dataset}")
        trained = study["experiments"][study["table8"]]["sizes"]
        for size in study["rivals"]["sizes"]:
            if size not in trained:
                raise WrongInput(
                    f"params.yaml, studies.{name}.rivals.sizes: found {size!r}; expected some of {trained}, the sizes "
                    f"of {study['table8']}; leave it out"
                )
        _check_errata(study, f"studies.{name}")
        _check_extra_images(params, study, f"studies.{name}")
    for name, dataset in params["datasets"].items():
        if "drawn" in dataset and dataset["root"] != f"results/drawn/{name}.zip":
            raise WrongInput(f"params.yaml, datasets.{name}.root: a drawn data set lies in results/drawn/{name}.zip")


def _check_values(params):
    """Raise WrongInput at the first value that JSON does not know: YAML has NaN, dates, and nests without end."""
    waiting = [((), params)]
    for path, value in waiting:
        if len(path) > _DEEPEST or len(waiting) > _MOST_VALUES:
            raise WrongInput(f"params.yaml, {_dotted(path[:5])}: a nest without end; mend its anchors")
        if isinstance(value, dict):
            waiting += [((*path, key), own) for key, own in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, number), own) for number, own in enumerate(value)]
        elif not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
            raise WrongInput(
                f"params.yaml, {_dotted(path)}: found {value!r}; expected a text, a number, true or false; mend it"
            )


def plain(value):
    """Return a copy made of ordinary dicts and lists, as JSON knows them."""
    return json.loads(json.dumps(value))


def _dotted(path):
    return ".".join(str(part) for part in path) or "top level"


def _choose(choices, wanted, key, place):
    if wanted not in choices:
        known = f"{sorted(choices)}, the keys of {place}"
        raise WrongInput(f"params.yaml, {key}: found {wanted!r}; expected one of {known}")


def _check_experiment(study, dataset, key):
    """Check that an experiment has the generators its tables need, and each setting a value for every size."""
    experiment = study["experiments"][dataset]
    needed = {"reacgan", study["spade"]} if dataset in (study["table8"], study["table9"]) else {study["spade"]}
    missing = sorted(needed - set(experiment["generators"]))
    if missing:
        raise WrongInput(f"params.yaml, {key}.generators: {missing[0]!r} is missing; the tables need it, add it")
    # The source's generator of the multi-source rows has seen all of its data set.
    sizes = ordered(experiment["sizes"]) + (["all"] if dataset == study["source"] else [])
    classifier = experiment["classifier"]
    for section in (*experiment["generators"].values(), classifier, *classifier["strategies"].values()):
        for name, value in section.items():
            missing = [size for size in sizes if _by_size(value) and size not in value]
            if missing:
                raise WrongInput(f"params.yaml, {key}: {name} has no value for size {missing[0]!r}; add it")


def _check_extra_images(params, study, key):
    """Check that the data sets that lend generators images are there, and are other ones."""
    for dataset, experiment in study["experiments"].items():
        for name, generator in experiment["generators"].items():
            if generator["extra_images"] is not None:
                others = params["datasets"].keys() - {dataset}
                place = f"{key}.experiments.{dataset}.generators.{name}.extra_images"
                _choose(others, generator["extra_images"], place, "datasets, but its own")


def _check_errata(study, key):
    """Check that the recipes whose errata are tried can be made, and that their variants are there."""
    errata, experiment = study["errata"], study["experiments"][study["table8"]]
    if errata["rows"]:
        _choose(experiment["sizes"], errata["size"], f"{key}.errata.size", f"experiments.{study['table8']}.sizes")
    for recipe, variants in errata["rows"].items():
        condition, _, origin = recipe.split("-")[0].partition("_from_")
        for variant in variants:
            _choose(errata["variants"], variant, f"{key}.errata.rows.{recipe}", f"{key}.errata.variants")
        if origin:
            _choose(study["experiments"], origin, f"{key}.errata.rows.{recipe}", f"{key}.experiments")
        if condition != "real":
            place = f"experiments.{origin or study['table8']}.generators"
            known = study["experiments"][origin or study["table8"]]["generators"]
            _choose(known, condition, f"{key}.errata.rows.{recipe}", f"{key}.{place}")


def _by_size(value):
    """True where a setting has one value per subset size, as {"5": 4, "all": 128}."""
    return isinstance(value, dict) and all(key == "all" or key.isdigit() for key in value)


def at_size(options, size):
    """Return the options with each per-size value replaced by the one for this size."""
    return {key: value[str(size)] if _by_size(value) else value for key, value in options.items()}
