"""Do generated images help on this data, by how much, and how sure is that?

The best of several recipes with generated images meets the best of several rivals without, both chosen on the images
that compare them. Of the true macro-recalls θ, the advantage is max_g θ_g − max_r θ_r: some g is ahead of every rival
by it. A lower end max_g min_r low(g, r) that is too high is too high for that g against the true best rival. So it is
wrong with probability α/2 at most, where each low(g, r) is wrong with probability α/2 over the number of recipes g
(Bonferroni); rivals need no correction, and no choice anew in resamples. The upper end min_r max_g high(g, r) mirrors
this, with the number of rivals. A pair's seed variance is taken to be no less than the mean over all pairs, and to be
known as well as from all recipes: of three seeds alone, a corrected interval would say nothing. Of 1000 simulated
contests of nine with seven without an effect, none ended in a false claim; 7 at most where one rival was far ahead of
the others, and 23 where, besides, one recipe's trainings had six times the spread of the others'.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.stage import WrongInput
from pipeline.verdict.intervals import differences, spread
from pipeline.verdict.measures import MEASURES, count_hits, for_measure
from pipeline.verdict.resamples import bootstrap_intervals
from pipeline.verdict.words import in_points

_TAIL = 0.025  # on either side of a 95 % interval
_ENDS = ("", "_low", "_high", "_bootstrap_low", "_bootstrap_high")


@dataclass(frozen=True)
class Contest:
    """The best recipe with generated images less the best rival, in points of macro-recall, with a 95 % interval.

    The interval allows for both choices. needed: the advantage beyond which this recipe, as its trainings and its test
    groups vary, would have been found ahead of all rivals. room: what is left above the best rival; no advantage is
    larger.
    """

    generated: str
    rival: str
    advantage: float
    low: float
    high: float
    needed: float
    room: float
    seeds: int

    @property
    def finding(self):
        """What may be said: "help", "harm", "no evidence" or, since it tells nothing of training, "one seed"."""
        if self.seeds == 1:
            return "one seed"
        if self.low > 0:
            return "help"
        return "harm" if self.high < 0 else "no evidence"


@dataclass(frozen=True)
class Verdict:
    """What was found, as of the contest with the rivals, the numbers behind it, and the words for people.

    against_real: the same contest with `real` as the only rival. ways, rivals: how many recipes of either family.
    table: of all recipes, as compare_recipes returns it.
    """

    finding: str
    against_rivals: Contest
    against_real: Contest
    ways: int
    rivals: int
    seeds: int
    images: int
    groups: int
    sentences: tuple
    table: pd.DataFrame


def judge(predictions, generated, names):
    """Return the Verdict on {(recipe, seed): table of predictions}.

    generated: the recipes with generated images; all others are rivals, `real` among them. names: {recipe: words}.
    """
    counts = count_hits(predictions)
    rivals = _rivals(counts.recipes, generated)
    against_rivals, against_real = (hold_contest(counts, generated, others) for others in (rivals, ["real"]))
    behind = {
        "ways": len(generated),
        "rivals": len(rivals),
        "seeds": len(counts.seeds),
        "images": int(counts.images.sum()),
        "groups": len(counts.images),
    }
    return Verdict(
        finding=against_rivals.finding,
        against_rivals=against_rivals,
        against_real=against_real,
        **behind,
        sentences=_sentences(against_rivals, against_real, behind, names),
        table=compare_recipes(counts, generated, against_rivals.rival),
    )


def _rivals(recipes, generated):
    missing = sorted({"real", *generated} - set(recipes))
    if missing:
        raise WrongInput(f"predictions: {missing[0]!r} is not among the recipes {list(recipes)}; make them")
    if not generated or "real" in generated:
        raise WrongInput(f"recipes with generated images: found {sorted(generated)}, expected some other than 'real'")
    return [recipe for recipe in recipes if recipe not in generated]


def hold_contest(counts, generated, rivals):
    """Return the Contest of the recipes `generated` with the recipes `rivals`, of Counts."""
    generated, rivals = sorted(generated), sorted(rivals)
    numbers = [[counts.recipes.index(name) for name in family] for family in (generated, rivals)]
    measured = spread(counts)
    pairs = differences(measured, *numbers).pooled()
    low, _ = pairs.interval(_TAIL / len(generated))
    _, high = pairs.interval(_TAIL / len(rivals))
    best = pairs.value[:, 0].argmax()
    rival = pairs.value[best].argmin()
    behind = pairs.value[best] - pairs.value[best, rival]  # of each rival, behind the best one
    return Contest(
        generated=generated[best],
        rival=rivals[rival],
        advantage=float(pairs.value[best, rival]),
        low=float(low.min(1).max()),
        high=float(high.max(0).min()),
        needed=float((pairs.half_width(_TAIL / len(generated))[best] - behind).max()),
        room=float(100 - measured.values[numbers[1][rival]].mean()),
        seeds=len(counts.seeds),
    )


def compare_recipes(counts, generated, best_rival):
    """Return a table, best recipe first: either measure in points, its sd over seeds (NaN for one seed), differences.

    Each difference, to `real` and to the best rival, has the 95 % interval of this one pair, and beside it that of a
    paired bootstrap; NaN to the recipe itself.
    """
    columns = {"recipe": counts.recipes, "generated": [recipe in generated for recipe in counts.recipes]}
    for measure in MEASURES:
        counted = for_measure(counts, measure)
        measured = spread(counted)
        columns[measure] = measured.values.mean(1)
        columns[f"{measure}_sd"] = pd.DataFrame(measured.values).std(axis=1)
        for role, other in (("real", "real"), ("best_rival", best_rival)):
            number = counts.recipes.index(other)
            pairs = differences(measured, range(len(counts.recipes)), [number])
            found = np.column_stack([pairs.value, *pairs.interval(_TAIL), *bootstrap_intervals(counted, number)])
            found[number] = np.nan
            columns |= zip((f"{measure}_to_{role}{end}" for end in _ENDS), found.T, strict=True)
    table = pd.DataFrame(columns).sort_values(["macro_recall", "recipe"], ascending=[False, True], ignore_index=True)
    return table.assign(seeds=len(counts.seeds), images=int(counts.images.sum()), groups=len(counts.images))


def _sentences(against_rivals, against_real, behind, names):
    told = [_main_sentence(against_rivals, behind, names)]
    if against_rivals.rival != "real":
        alone = " by the choice of test images alone" if against_real.finding == "one seed" else ""
        told.append(
            f"{_capital(names[against_real.generated])} is {_off(against_real)} {names['real']} alone "
            f"({_span(against_real)}{alone})."
        )
    if behind["ways"] + behind["rivals"] > 2:
        told.append(
            f"The interval allows for choosing among {_several(behind['ways'], 'way')} to use generated images and "
            f"{_several(behind['rivals'], 'rival')} on the same test images; those of single pairs, in "
            "results/verdict.md, do not."
        )
    if against_rivals.finding == "one seed":
        told.append("Train with further seeds.")
    elif against_rivals.finding != "help":
        told.append(_needed(against_rivals))
    return tuple(told)


def _main_sentence(contest, behind, names):
    test = f"{_several(behind['images'], 'test image')} in {_several(behind['groups'], 'group')}"
    known = f"(95 % interval {_span(contest)}; {_several(behind['seeds'], 'seed')}, {test})"
    best = f"{_best_of(behind['ways'], 'way')} to use them ({names[contest.generated]})"
    rival = f"{_best_of(behind['rivals'], 'rival')} ({names[contest.rival]})"
    if contest.finding == "help":
        winner = _capital(names[contest.generated])
        return f"{winner} beats {rival} by {contest.advantage:.1f} points of macro-recall {known}."
    if contest.finding == "one seed":
        opening = "One seed cannot tell whether generated images help, since how training varies is unknown"
        known = f"({_span(contest)} by the choice of test images alone; {test})"
    elif contest.finding == "harm":
        opening = "Generated images do worse than doing without"
    else:
        opening = "No evidence that generated images help here"
    return f"{opening}: {best} is {_off(contest)} {rival} in macro-recall {known}."


def _needed(contest):
    if contest.needed < contest.room:
        size = f"{contest.needed:.1f} points"
        return f"With these seeds and test images, a lead of the best over all rivals counts from about {size} on."
    return "With so few seeds or groups no lead, however large, would have been told from chance."


def _capital(words):
    return words[0].upper() + words[1:]


def _best_of(number, noun):
    return f"the only {noun}" if number == 1 else f"the best of {number} {noun}s"


def _several(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _off(contest):
    return f"{abs(contest.advantage):.1f} points {'below' if contest.advantage < 0 else 'above'}"


def _span(contest):
    return f"{in_points(contest.low)} to {in_points(contest.high)}"
