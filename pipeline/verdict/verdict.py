"""Do generated images help on this data, by how much, and how sure is that?

The question is about the best of several recipes with generated images and the best of several rivals without, both
chosen on the images that compare them. The advantage is max_g θ_g − max_r θ_r of the true macro-recalls θ. It is at
least some number if one g is ahead of every rival by it. The g whose lower end is wrong must be wrong against the true
best rival, so the lower end max_g min_r low(g, r) is wrong with probability α/2 where each low(g, r) is wrong with
probability α/2 divided by the number of g (Bonferroni): the rivals need no correction, nor a choice of the best in every
resample. The mirror image holds for the upper end min_r max_g high(g, r), corrected for the number of rivals.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.stage import WrongInput
from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import MEASURES, count_hits, for_measure

_TAIL = 0.025  # on either side of a 95 % interval
_MISSED = 0.2  # of true effects of the detectable size


@dataclass(frozen=True)
class Contest:
    """The best recipe with generated images against the best rival, in points of macro-recall, with a 95 % interval.

    The interval allows for both choices. detectable: the true advantage that 80 % of such experiments would find.
    """

    generated: str
    rival: str
    advantage: float
    low: float
    high: float
    detectable: float


@dataclass(frozen=True)
class Verdict:
    """finding ("help", "harm", "no evidence" or "one seed"), the contests behind it, and what to tell people.

    against_real: the same recipes against `real` alone. table: one row per recipe, as `compare_recipes` gives it.
    """

    finding: str
    against_rivals: Contest
    against_real: Contest
    seeds: int
    images: int
    groups: int
    sentences: tuple
    table: pd.DataFrame


def judge(predictions, generated, names):
    """Return the Verdict on {(recipe, seed): table of predictions}.

    generated: the recipes that use generated images; all others are rivals, `real` among them. names: {recipe: words}.
    """
    counts = count_hits(predictions)
    _check_families(counts.recipes, generated)
    rivals = [recipe for recipe in counts.recipes if recipe not in generated]
    against_rivals = hold_contest(counts, generated, rivals)
    finding = _finding(against_rivals, len(counts.seeds))
    verdict = Verdict(
        finding=finding,
        against_rivals=against_rivals,
        against_real=hold_contest(counts, generated, ["real"]),
        seeds=len(counts.seeds),
        images=int(counts.images.sum()),
        groups=len(counts.images),
        sentences=(),
        table=compare_recipes(counts, generated, against_rivals.rival),
    )
    return _told(verdict, len(generated), len(rivals), names)


def _check_families(recipes, generated):
    for recipe in sorted({"real", *generated}):
        if recipe not in recipes:
            raise WrongInput(f"the verdict has no predictions of {recipe!r}, found {list(recipes)}; make them")
    if not generated or "real" in generated:
        raise WrongInput(f"recipes with generated images: found {sorted(generated)}, expected some, without 'real'")


def hold_contest(counts, generated, rivals):
    """Return the Contest of two lists of recipes, of Counts."""
    generated, rivals = sorted(generated), sorted(rivals)
    measured = spread(counts)
    found = differences(measured, *([counts.recipes.index(name) for name in names] for names in (generated, rivals)))
    lows, highs = found.interval(_TAIL / len(generated))[0], found.interval(_TAIL / len(rivals))[1]
    best = int(found.value[:, 0].argmax())
    rival = int(found.value[best].argmin())
    needed = found.half_width(_TAIL / len(generated)) + found.half_width(_MISSED)
    return Contest(
        generated=generated[best],
        rival=rivals[rival],
        advantage=float(found.value[best, rival]),
        low=float(lows.min(1).max()),
        high=float(highs.max(0).min()),
        detectable=float(min(needed[best, rival], 100)),
    )


def _finding(contest, seeds):
    if seeds == 1:
        return "one seed"
    return "help" if contest.low > 0 else "harm" if contest.high < 0 else "no evidence"


def compare_recipes(counts, generated, best_rival):
    """Return a table of every recipe by falling macro-recall, in points: both measures and their sd over seeds (NaN for
    one), and the differences to `real` and to the best rival with 95 % intervals, each for that one pair.
    """
    table = pd.DataFrame({"recipe": counts.recipes})
    table["generated"] = table["recipe"].isin(generated)
    everyone = range(len(counts.recipes))
    for measure in MEASURES:
        measured = spread(for_measure(counts, measure))
        table[measure] = measured.values.mean(1)
        table[f"{measure}_sd"] = pd.DataFrame(measured.values).std(axis=1)
        for other, recipe in (("real", "real"), ("best_rival", best_rival)):
            number = counts.recipes.index(recipe)
            found = differences(measured, everyone, [number])
            itself = table.index == number
            for end, values in zip(("", "_low", "_high"), (found.value, *found.interval(_TAIL)), strict=True):
                table[f"{measure}_to_{other}{end}"] = np.where(itself, np.nan, values[:, 0])
    table = table.sort_values(["macro_recall", "recipe"], ascending=[False, True], ignore_index=True)
    return table.assign(seeds=len(counts.seeds), images=int(counts.images.sum()), groups=len(counts.images))


def _told(verdict, ways, rivals, names):
    """Return the Verdict with its sentences."""
    contest = verdict.against_rivals
    test = f"{verdict.images} test images in {_several(verdict.groups, 'group')}"
    behind = f"(95 % interval {_span(contest)}; {_several(verdict.seeds, 'seed')}, {test})"
    generated, rival = names[contest.generated], names[contest.rival]
    size, best = abs(contest.advantage), f"the best of {_several(ways, 'way')} to use them ({generated})"
    best_rival = f"the best of {_several(rivals, 'rival')} ({rival})"
    if verdict.finding == "help":
        told = [
            f"{generated[0].upper()}{generated[1:]} beats {best_rival} by {_points(size)} of macro-recall {behind}."
        ]
    elif verdict.finding == "harm":
        told = [
            "Generated images do worse here than doing without them: "
            f"{best} is {_points(size)} of macro-recall below {best_rival} {behind}."
        ]
    else:
        opening = "No evidence that generated images help here"
        if verdict.finding == "one seed":
            opening = "One seed cannot tell whether generated images help: how much training varies is unknown"
            behind = f"({_span(contest)} by the choice of {test} alone)"
        side = "above" if contest.advantage > 0 else "below"
        told = [f"{opening}; {best} is {_points(size)} of macro-recall {side} {best_rival} {behind}."]
    if contest.rival != "real":
        told.append(_against_real(verdict, names))
    if ways + rivals > 2:
        told.append(
            f"The intervals allow for choosing the best of {ways} and the best of {rivals} on the same test images; "
            "those of single pairs in the table do not."
        )
    if verdict.finding != "one seed":
        told.append(
            f"A true advantage of about {_points(contest.detectable)} would be found in four of five such experiments; "
            "a much smaller one would mostly be missed."
        )
    return replace(verdict, sentences=tuple(told))


def _against_real(verdict, names):
    contest = verdict.against_real
    side = "above" if contest.advantage > 0 else "below"
    alone = " by the choice of test images alone" if verdict.finding == "one seed" else ""
    return (
        f"Against {names['real']} without any remedy, {names[contest.generated]} is {_points(abs(contest.advantage))} "
        f"{side} ({_span(contest)}{alone})."
    )


def _several(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _points(number):
    return f"{number:.1f} points"


def _span(contest):
    return f"{_signed(contest.low)} to {_signed(contest.high)}"


def _signed(number):
    """Return a number with one digit and the sign of print, a zero without sign."""
    return f"{round(number, 1) + 0:.1f}".replace("-", "−")
