"""Which classes gain and which lose by pretraining on generated images (Section 5.2.2, Figure 7)."""

import numpy as np
import pandas as pd

from pipeline.stage import WrongInput

# Training images: the limits of the green and the red labels of Figure 7.
MINORITY, MAJORITY = 10, 100
# Test images of a class: with fewer than this, one image moves its accuracy by more than 5 points.
THIN = 20


def class_changes(real, pretrained, subsets):
    """Return one row per class, in the order of the labels: how its accuracy changes from `real` to `pretrained`.

    real, pretrained: {seed: predictions}, subsets: {seed: rows of the subset}; the seeds of all three count. Columns:
    class; train_images (mean over seeds of those that were fitted); test_images; real and pretrained (percent, means
    over seeds) and change (points), NaN without test images. Raises WrongInput where the test images differ.
    """
    seeds = [seed for seed in real if seed in pretrained and seed in subsets]
    if not seeds:
        raise WrongInput(f"class changes: seeds {[*real]} and {[*pretrained]}; expected a common one; train both")
    names = _class_names(subsets[seed] for seed in seeds)
    fitted = [subsets[seed].query("part == 'fit'")["label"] for seed in seeds]
    images = _test_images([predictions[seed] for predictions in (real, pretrained) for seed in seeds], len(names))
    # Hits are whole numbers, so that a class that stayed is told from one that moved by a rounding error.
    hits = [_hits((predictions[seed] for seed in seeds), len(names)) for predictions in (real, pretrained)]
    answers = np.where(images > 0, len(seeds) * images, np.nan)
    return pd.DataFrame(
        {
            "class": names,
            "train_images": np.mean([np.bincount(labels, minlength=len(names)) for labels in fitted], axis=0),
            "test_images": images,
            "real": 100 * hits[0] / answers,
            "pretrained": 100 * hits[1] / answers,
            "change": 100 * (hits[1] - hits[0]) / answers,
        }
    )


def _class_names(subsets):
    rows = pd.concat(subsets).drop_duplicates("label").sort_values("label")
    return rows["class"].tolist()


def _test_images(predictions, num_classes):
    """Return the test images per class (num_classes,) of all predictions, which must be of the same images."""
    first, *others = (rows.set_index("file_name")["label"].sort_index() for rows in predictions)
    if not all(first.equals(other) for other in others):
        raise WrongInput("class changes: predictions of different test images; delete them and run Snakemake again")
    return np.bincount(first, minlength=num_classes)


def _hits(predictions, num_classes):
    labels = [rows.loc[rows["predicted"] == rows["label"], "label"] for rows in predictions]
    return np.bincount(pd.concat(labels), minlength=num_classes)


def count_changes(rows):
    """Return {what happened: {"classes", "test_images"}} of the rows of class_changes.

    From zero to above zero includes from zero to one hundred percent.
    """
    real, pretrained, change = rows["real"], rows["pretrained"], rows["change"]
    happened = {
        "tested": change.notna(),
        "rose": change > 0,
        "fell": change < 0,
        "stayed": change == 0,
        "zero_to_all": (real == 0) & (pretrained == 100),
        "zero_to_some": (real == 0) & (pretrained > 0),
        "some_to_zero": (real > 0) & (pretrained == 0),
        "untested": change.isna(),
    }
    return {
        name: {"classes": int(those.sum()), "test_images": int(rows["test_images"][those].sum())}
        for name, those in happened.items()
    }


def state_class_changes(rows, where):
    """Return the claim as a dict of numbers, with its sentence; where: data set, size and seeds in words."""
    minority = rows[rows["train_images"] < MINORITY]
    tested = rows[rows["test_images"] > 0]
    weights = tested["test_images"] / tested["test_images"].sum()
    numbers = {
        "classes": rows.astype(object).where(rows.notna(), None).to_dict("records"),
        "counts": {"all": count_changes(rows), "minority": count_changes(minority)},
        "minority_below": MINORITY,
        "accuracy": {name: float((tested[name] * weights).sum()) for name in ("real", "pretrained")},
        "median_test_images": float(tested["test_images"].median()),
    }
    return {
        "section": "5.2.2",
        "claim": "Pretraining on generated images raises the accuracy of minority classes, some from 0 to 100 %.",
        "sentence": f"{where}: {_sentence(numbers)}",
        **numbers,
    }


def _sentence(numbers):
    counts, minority = numbers["counts"]["all"], numbers["counts"]["minority"]
    total, few = counts["tested"]["classes"], minority["tested"]["classes"]
    accuracy, median = numbers["accuracy"], numbers["median_test_images"]
    parts = [
        f"of {total} classes {_directions(counts)};",
        f"{_jumps(counts)}.",
        f"Of the {few} with fewer than {MINORITY} training images {_directions(minority)}; {_jumps(minority)}."
        if few
        else f"No class with test images has fewer than {MINORITY} training images.",
        f"Overall accuracy went from {accuracy['real']:.1f} to {accuracy['pretrained']:.1f} %.",
    ]
    if counts["untested"]["classes"]:
        parts.append(f"{counts['untested']['classes']} more classes have no test image.")
    if median < THIN:
        parts.append(
            f"Evidence is thin: the median class has {median:g} test images, so that one image of one seed's"
            f" predictions is {100 / median:.0f} points."
        )
    return " ".join(parts)


def _directions(counts):
    return "{} rose, {} fell, {} stayed".format(*(counts[name]["classes"] for name in ("rose", "fell", "stayed")))


def _jumps(counts):
    risen, whole, lost = (counts[name] for name in ("zero_to_some", "zero_to_all", "some_to_zero"))
    left = f"{_with_images(risen)} left 0 %"
    if risen["classes"]:
        left += f", {_with_images(whole)} of these for 100 %"
    return f"{left}, and {_with_images(lost)} fell to 0 %"


def _with_images(count):
    classes, images = count["classes"], count["test_images"]
    return f"{classes} ({images} test image{'' if images == 1 else 's'})" if classes else "none"
