"""How a generator's training went, as small line charts: losses, and the Fréchet distance that picks the generator."""

from dataclasses import dataclass

import pandas as pd

from pipeline.data.table import read_table
from pipeline.stage import WrongInput

WIDTH, HEIGHT, EDGE = 320, 120, 8
_CHARTS = {"Losses": ["loss_d", "loss_g"], "Fréchet distance to training images": ["frechet"]}


@dataclass(frozen=True)
class Chart:
    """lines: {name: points [(x, y)] in a picture of WIDTH x HEIGHT}; low, high: the values at bottom and top."""

    title: str
    lines: dict
    low: float
    high: float


def read_curve(path):
    """Return the curve of a generator's training; raise WrongInput where it is something else, or has no row."""
    numbers = {"step": int} | dict.fromkeys((name for names in _CHARTS.values() for name in names), float)
    curve = read_table(path, list(numbers), only=True, numbers=numbers)
    if curve.empty:
        raise WrongInput(f"{path}: no evaluation; expected one per row; delete it and run Snakemake again")
    return curve


def charts_of(curve):
    """Return the Charts of a training's curve: a table with step, loss_d, loss_g and frechet, a row per evaluation."""
    return [_chart(title, curve["step"], curve[names]) for title, names in _CHARTS.items()]


def best_step(curve):
    """Return the step with the least Fréchet distance, or None where none was measured."""
    return None if curve["frechet"].isna().all() else int(curve.loc[curve["frechet"].idxmin(), "step"])


def _chart(title, steps, values):
    low, high = values.min().min(), values.max().max()
    across = _placed(steps, steps.min(), steps.max(), WIDTH)
    lines = {}
    for name in values:
        up = HEIGHT - _placed(values[name], low, high, HEIGHT)
        known = values[name].notna()
        lines[name] = [(round(x, 1), round(y, 1)) for x, y in zip(across[known], up[known], strict=True)]
    return Chart(title, lines, low, high)


def _placed(values, low, high, length):
    """Place values between low and high inside a length, EDGE from its ends; in the middle where all are the same."""
    if high == low or pd.isna(high - low):
        return pd.Series(length / 2, index=values.index)
    return EDGE + (values - low) / (high - low) * (length - 2 * EDGE)
