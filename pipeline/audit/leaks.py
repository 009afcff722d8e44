"""Near-duplicates between training and test images of a split, and what counts as near, learnt from the training set.

Near is what next to no image of another group is: a distance that half a percent of the training images, by each
measure, fall short of when they look for the nearest training image of other groups. Neighbouring frames of one clip
do, and whatever of another group is as near deserves a look.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from pipeline.audit.fingerprints import MEASURES
from pipeline.audit.nearest import nearest

FALSE_ALARMS = 0.01  # share of images without a duplicate that are near one all the same, at most: by both measures
CHANCE = 0.01  # a split is blamed for an excess that would come by chance more rarely than this
UNITS = {"hash": np.asarray, "features": np.sqrt}  # of squared distances: bits of 64, Euclidean distance


class Calibration(NamedTuple):
    """Thresholds {measure: distance}, typical {measure: median distance to other groups}; how training images do.

    other: of training images, near one of another group; own: of those that share a group, near one of it (bool each).
    groups: how many there are; groups_near: those of them with an image near another group.
    """

    thresholds: dict
    typical: dict
    other: np.ndarray
    own: np.ndarray
    groups: int
    groups_near: int

    def told(self):
        """Return the thresholds, and how the training images do by them."""
        return self.thresholds | {
            "training_images": len(self.other),
            "other_share": float(self.other.mean()),
            "own_images": len(self.own),
            "own_share": float(self.own.mean()) if len(self.own) else None,
            "groups": self.groups,
            "groups_near": self.groups_near,
        }


def calibrate(prints, train):
    """Return the Calibration of the images at positions `train` of Fingerprints."""
    groups = prints.groups[train]
    thresholds, typical, other, own = {}, {}, np.zeros(len(train), bool), np.zeros(len(train), bool)
    shared = np.bincount(groups)[groups] > 1
    for measure in MEASURES:
        views = prints.vectors[measure][:, train]
        apart = UNITS[measure](nearest(views, views[0], groups, groups).squared)
        known = apart[np.isfinite(apart)]
        # Without a second group nothing tells what is near, and equal pixels alone are found.
        level = FALSE_ALARMS / len(MEASURES)
        thresholds[measure] = float(np.quantile(known, level, method="lower")) if len(known) else 0.0
        typical[measure] = float(np.median(known)) if len(known) else 1.0
        other |= apart < thresholds[measure]
        own |= UNITS[measure](_within_groups(views, groups)) < thresholds[measure]
    return Calibration(thresholds, typical, other, own[shared], len(set(groups)), len(set(groups[other])))


def _within_groups(views, groups):
    """Return the squared distance (N,) of each image to the nearest other one of its group, inf where it is alone."""
    found = np.full(len(groups), np.inf)
    order = np.argsort(groups, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(members) > 1:
            own = views[:, members]
            found[members] = nearest(own, own[0], members, members).squared
    return found


def audit_split(prints, train, test, calibration):
    """Return a row per test image: per measure its nearest training image, how far, of its group or not, near or not.

    exact is "equal" where a training image has the same pixels, "mirrored" where one has after mirroring, else empty.
    flagged: exact, or near by any measure. The *_number are positions in the Fingerprints.
    """
    rows, groups = prints.rows, prints.groups
    table = rows.iloc[test][["file_name", "class", "group"]].reset_index(drop=True)
    for measure in MEASURES:
        views = prints.vectors[measure]
        found = nearest(views[:, test], views[0, train])
        number = train[found.number]
        table[f"{measure}_nearest"] = rows["file_name"].to_numpy()[number]
        table[f"{measure}_distance"] = UNITS[measure](found.squared)
        table[f"{measure}_same_group"] = groups[test] == groups[number]
        table[f"{measure}_near"] = table[f"{measure}_distance"] < calibration.thresholds[measure]
        table[f"{measure}_number"] = number
    equal, mirrored = (np.isin(view[test], prints.pixels[0, train]) for view in prints.pixels)
    table["exact"] = np.select([equal, mirrored], ["equal", "mirrored"], "")
    table["flagged"] = table[[f"{measure}_near" for measure in MEASURES]].any(axis=1) | (table["exact"] != "")
    return table


def summarise(table, calibration):
    """Return the counts of an audited split, and `chance`: how likely so many groups are near others without a leak.

    Groups count, not images: the frames of a clip come near together. Where pairs of groups are near at random, as many
    within the training set as the calibration knows of, the number of pairs across to the tests is negative binomial.
    """
    own = np.any([table[f"{measure}_near"] & table[f"{measure}_same_group"] for measure in MEASURES], axis=0)
    strange = table[table["flagged"] & ~own]["group"].nunique()
    groups, near = table["group"].nunique(), calibration.groups_near
    # The threshold itself is the distance of one more pair within; two groups of a pair are near each other.
    chance = stats.nbinom.sf(strange - 1, (near + 1) // 2 + 1, calibration.groups / (calibration.groups + 2 * groups))
    counts = {name: int((table["exact"] == name).sum()) for name in ("equal", "mirrored")}
    found = {
        "test_images": len(table),
        "flagged": int(table["flagged"].sum()),
        "flagged_share": float(table["flagged"].mean()),
        **{f"near_by_{measure}": int(table[f"{measure}_near"].sum()) for measure in MEASURES},
        **counts,
        "near_own_group": int(own.sum()),
        "groups": groups,
        "groups_near_others": strange,
        "chance": float(chance),
        "excess": bool(chance < CHANCE),
    }
    return found | {"leaks": bool(sum(counts.values()) or own.any() or found["excess"])}


def worst(table, calibration, count):
    """Return (test row, number of its nearest training image) of the closest pairs, equal and flagged ones first."""
    ratios = np.stack([_ratio(table, calibration, measure) for measure in reversed(MEASURES)])
    numbers = np.stack([table[f"{measure}_number"] for measure in reversed(MEASURES)])
    by = ratios.argmin(axis=0)
    order = np.lexsort([ratios.min(axis=0), ~table["flagged"], table["exact"] == ""])[:count]
    return [(int(row), int(numbers[by[row], row])) for row in order]


def _ratio(table, calibration, measure):
    return table[f"{measure}_distance"] / (calibration.typical[measure] or 1.0)
