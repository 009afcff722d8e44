"""JSON as stages write it: read whole, and compared with the shape that its reader needs."""

import json
from pathlib import Path

from pipeline.stage import WrongInput

NUMBER = (int, float)
NUMBER_OR_NONE = (int, float, type(None))
_REMEDY = "delete it and run Snakemake again"
_SHOWN = 100  # letters of a key that are told


def read_document(path, shape):
    """Return what a JSON file holds; raise WrongInput where it is missing, damaged or of another shape.

    shape: a type, or a tuple of such; [shape], a list of any length; {key: shape}, an object with these keys, and maybe
    others; {str: shape}, an object with any keys.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # half a pair of surrogates is no text that could be shown
    except FileNotFoundError:
        raise WrongInput(f"{path}: no such file; run Snakemake to make it") from None
    except (ValueError, RecursionError):
        raise WrongInput(f"{path}: not whole JSON; {_REMEDY}") from None
    misfit = _misfit(content, shape, "it")
    if misfit is not None:
        raise WrongInput(f"{path}: {misfit}; {_REMEDY}")
    return content


def _misfit(value, shape, place):
    """Return in words the first part of a value that is not of a shape, or None."""
    kind = dict if isinstance(shape, dict) else list if isinstance(shape, list) else shape
    if not isinstance(value, kind):
        expected = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        return f"{place} is of type {type(value).__name__}; expected {expected}"
    return next(filter(None, (_misfit_at(value, key, own, place) for key, own in _parts(value, shape))), None)


def _parts(value, shape):
    """Return (key or number, its shape) of what a value should consist of."""
    if isinstance(shape, list):
        return [(number, shape[0]) for number in range(len(value))]
    if isinstance(shape, dict):
        return [(key, shape[str]) for key in value] if str in shape else list(shape.items())
    return []


def _misfit_at(value, key, shape, place):
    if isinstance(value, dict) and key not in value:
        return f"{place} has no {key!r}; expected one"
    return _misfit(value[key], shape, f"{place}[{str(key)[:_SHOWN]!r}]")
