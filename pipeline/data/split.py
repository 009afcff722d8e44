"""Which photographs test, and which train: decided once per data set, after poses are known.

Photographs without a pose take no part (Section 4.2 removes them), nor do classes too small for both sides.
The default keeps clips or signers together: 79 % of RWTH's annotated frames have an annotated neighbour in the same
clip, so that a random split, as in the paper, tests on near-duplicates.
"""

import json

import numpy as np
import pandas as pd

from pipeline.chance import seed_of, stream
from pipeline.data.files import replacing
from pipeline.data.manifest import read_manifest
from pipeline.data.table import check_labels, check_parts, read_table
from pipeline.stage import WrongInput, note, run_stage, stage_arguments

COLUMNS = ["name", "part", "class", "label", "group"]


def split_photographs(rows, kind, test_fraction, seed):
    """Return a boolean mask: True where the row tests.

    kind: "grouped" (no group on both sides), "random" (images, stratified by class), "official" (the owner's `part`),
    "untested" (nothing tests: the images are only lent to generators).
    Of the first two, every class keeps at least one training image.
    """
    if kind == "untested":
        return np.zeros(len(rows), bool)
    if kind == "official":
        if not rows["part"].isin(["train", "test"]).all():
            raise WrongInput("this data set comes without a split of its own; set split: grouped in params.yaml")
        return (rows["part"] == "test").to_numpy()
    return _draw_groups(rows, test_fraction, seed) if kind == "grouped" else _draw_images(rows, test_fraction, seed)


def _draw_images(rows, test_fraction, seed):
    """Test on the nearest whole number of images to test_fraction of each class, drawn by name."""
    drawn = np.zeros(len(rows), bool)
    order = [seed_of(seed, "split", name) for name in rows["name"]]
    for _, positions in rows.groupby("class").indices.items():
        count = min(round(test_fraction * len(positions)), len(positions) - 1)
        drawn[sorted(positions, key=order.__getitem__)[:count]] = True
    return drawn


def _draw_groups(rows, test_fraction, seed):
    """Walk the groups in drawn order; move one to the test side where that brings the classes nearer their share.

    Each class weighs the same, so that the rare ones are represented too.
    """
    counts = pd.crosstab(rows["group"], rows["class"])
    groups = counts.index[stream(seed, "split").permutation(len(counts))]
    total = counts.sum().to_numpy()
    tested, chosen = np.zeros(len(total)), set()
    for group in groups:
        with_it = tested + counts.loc[group].to_numpy()
        nearer = np.abs(with_it / total - test_fraction).sum() < np.abs(tested / total - test_fraction).sum()
        if nearer and (with_it < total).all():
            tested = with_it
            chosen.add(group)
    return rows["group"].isin(chosen).to_numpy()


def main():
    args = stage_arguments(__doc__, inputs=["manifest", "poses"]).parse_args()
    options = args.options
    rows = read_manifest(args.manifest, ["name", "class", "group", "part"])
    rows = rows[_with_pose(rows, args.poses)]
    sizes = rows["class"].value_counts()
    classes = _class_names(sizes, options["classes"], options["min_images"])
    rows = rows[rows["class"].isin(classes)].reset_index(drop=True)
    test = split_photographs(rows, options["kind"], options["test_fraction"], options["seed"])
    rows = rows.assign(part=np.where(test, "test", "train"), label=[classes.index(name) for name in rows["class"]])
    if options["kind"] != "untested":
        check_sides(rows, args.manifest)
    with replacing(args.out) as beside:
        rows[COLUMNS].to_csv(beside, index=False)
    left_out = sorted(set(sizes.index) - set(classes))
    print(f"{len(rows)} photographs with a pose, {int((~test).sum())} train, {int(test.sum())} test")
    print(f"{len(classes)} classes; left out for fewer than {options['min_images']} images: {left_out}")
    print(json.dumps(rows.groupby(["class", "part"]).size().unstack(fill_value=0).to_dict("index")))


def read_split(path):
    """Return the rows of a split, labels as whole numbers; raise WrongInput where it is something else."""
    rows = read_table(path, COLUMNS, only=True, numbers={"label": int})
    if rows.empty:
        raise WrongInput(f"{path}: no row; expected one per photograph; delete it and run Snakemake again")
    check_labels(path, rows, ["label"])
    check_parts(path, rows, ["train", "test"])
    return rows


def _with_pose(rows, path):
    try:
        with np.load(path, allow_pickle=False) as poses:
            names, found = poses["names"].tolist(), np.isfinite(poses["keypoints"]).all(axis=2).any(axis=1)
    except Exception as wrong:  # numpy raises many kinds for a damaged file
        reason = " ".join(str(wrong).split())[:300]
        raise WrongInput(f"{path}: no complete set of poses ({reason}); delete it and run Snakemake again") from None
    if names != rows["name"].tolist() or found.shape != (len(rows),):
        raise WrongInput(f"{path}: other photographs than in the manifest; delete it and run Snakemake again")
    return found


def check_sides(rows, where):
    """Raise WrongInput if a class cannot train or nothing is left to test; say which classes are never tested."""
    counts = pd.crosstab(rows["class"], rows["part"]).reindex(columns=["train", "test"], fill_value=0)
    if not counts["test"].any():
        raise WrongInput(
            f"{where}: the split leaves no test image; every class comes from one group, or test_fraction is too small:"
            " mend the groups, or set the data set's split.kind to random in params.yaml"
        )
    untrained, untested = (sorted(counts.index[counts[side] == 0]) for side in ("train", "test"))
    if untrained:
        raise WrongInput(
            f"{where}: class {untrained[0]!r} has no training image; leave it out of the data set's `classes`"
        )
    if untested:
        note(f"{where}: {len(untested)} classes have no test image and so no recall ({', '.join(untested)})")


def _class_names(sizes, classes, min_images):
    """Return the class names in label order: as listed in params.yaml, or by name."""
    listed = sorted(sizes.index) if classes == "all" else classes
    kept = [name for name in listed if sizes.get(name, 0) >= min_images]
    if len(kept) < 2:
        raise WrongInput(
            f"only {len(kept)} classes have {min_images} or more photographs with a pose; expected at least 2;"
            " look at the pose report, or lower min_images in params.yaml"
        )
    return kept


if __name__ == "__main__":
    run_stage(main)
