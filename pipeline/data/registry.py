"""Which data sets there are to fetch: registry.yaml, checked against its schema."""

from pathlib import Path

import jsonschema
import yaml

from pipeline.stage import WrongInput

REGISTRY = Path(__file__).with_name("registry.yaml")
_SCHEMA = Path(__file__).parents[1] / "schemas" / "registry.schema.yaml"


def read_registry(path):
    """Return {name: data set}; raise WrongInput, naming the key, where the file is not what the schema says."""
    registry = yaml.safe_load(Path(path).read_text())
    schema = yaml.safe_load(_SCHEMA.read_text())
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(registry))
    if error is not None:
        raise WrongInput(f"{path}, {'.'.join(map(str, error.absolute_path))}: {error.message}; mend that key")
    for name, data_set in registry.items():
        places = [file["into"] for file in data_set["files"]]
        if len(set(places)) < len(places) or ("." in places and len(places) > 1):
            raise WrongInput(f"{path}, {name}.files: two archives into one folder; give each an `into` of its own")
    return registry


def gigabytes(data_set):
    """Return how many GB the archives have in all, as their owner says, and how many archives he gives no size for."""
    told = [file["gb"] for file in data_set["files"] if file["gb"] is not None]
    return sum(told), len(data_set["files"]) - len(told)
