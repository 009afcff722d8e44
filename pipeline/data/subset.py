"""Subsets: n training images of each class, the same for generator and classifier (Section 4.2).

One file names both; the released code draws them apart (`independent_subsets`) and regardless of class and clip
(`unstratified_subsets`).
Part `fit` trains; part `val` picks the classifier's best epoch. Of each class, `val` holds whole groups; a clip that
shows two classes may validate one and train the other.
"""

import pandas as pd

from pipeline.chance import seed_of
from pipeline.data.archive import read_image_set, read_metadata
from pipeline.data.files import replacing
from pipeline.data.table import check_labels, check_parts, read_table
from pipeline.stage import WrongInput, note, run_stage, stage_arguments

COLUMNS = ["file_name", "class", "label", "group", "part"]


def draw_subset(rows, size, val_fraction, seed):
    """Return the rows of the subset with a column `part`: exactly `size` per class, or all there are.

    size: an integer or "all". A larger size contains a smaller one, image by image and part by part, because each
    class has one drawn order per seed, of which a subset takes the beginning.
    """
    drawn = [_draw_class(own, size, val_fraction, seed) for _, own in rows.groupby("label", sort=True)]
    return pd.concat(drawn, ignore_index=True)


def draw_unstratified(rows, size, val_fraction, seed):
    """Return the rows of a subset as the released code draws it, with a column `part`: images of any class and clip.

    `val` is a fraction of all images, whatever the size, `fit` has `size` images per class on average of the others.
    """
    order = [seed_of(seed, "unstratified", name) for name in rows["name"]]
    rows = rows.assign(order=order).sort_values("order").drop(columns="order")
    num_val = int(val_fraction * len(rows))
    num_fit = len(rows) if size == "all" else size * rows["label"].nunique()
    fit, val = rows[num_val:].head(num_fit), rows[:num_val]
    return pd.concat([fit.assign(part="fit"), val.assign(part="val")], ignore_index=True)


def _draw_class(rows, size, val_fraction, seed):
    # By the photograph's own name, so that one more photograph elsewhere draws nothing anew.
    order = [seed_of(seed, "subset", name) for name in rows["name"]]
    rows = rows.assign(order=order).sort_values("order").drop(columns="order")
    held = rows["group"].isin(_val_groups(rows, val_fraction, seed))
    fit, val = rows[~held].assign(part="fit"), rows[held].assign(part="val")
    total = len(rows) if size == "all" else min(size, len(rows))
    # Both counts grow by at most one as the total does, so the subsets nest.
    num_fit = min(len(fit), max(total - int(val_fraction * total), total - len(val)))
    return pd.concat([fit.head(num_fit), val.head(total - num_fit)])


def _val_groups(rows, val_fraction, seed):
    """Return whole groups, in drawn order, that together hold at most val_fraction of the class."""
    sizes = rows["group"].value_counts()
    chosen, room = [], val_fraction * len(rows)
    for group in sorted(sizes.index, key=lambda name: seed_of(seed, "val", name)):
        if sizes[group] <= room:
            chosen, room = [*chosen, group], room - sizes[group]
    return chosen


def read_rows(path):
    """Return the rows of a subset, labels as whole numbers; raise WrongInput where it is something else."""
    rows = read_table(path, COLUMNS, only=True, numbers={"label": int})
    check_labels(path, rows, ["label"])
    check_parts(path, rows, ["fit", "val"])
    return rows


def read_subset(crops, subset, part):
    """Return the ImageSet of one part ("fit" or "val") of a subset, in the order of the subset file."""
    wanted = read_rows(subset)
    names = wanted.loc[wanted["part"] == part, "file_name"]
    found = read_image_set(crops, keep=lambda rows: rows["file_name"].isin(names))
    position = {name: index for index, name in enumerate(found.rows["file_name"])}
    missing = [name for name in names if name not in position]
    if missing:
        raise WrongInput(f"{subset}: {missing[0]} is not in {crops}; delete the subset and run Snakemake again")
    return found.select([position[name] for name in names])


def main():
    args = stage_arguments(__doc__, inputs=["crops"]).parse_args()
    options = args.options
    rows, class_names = read_metadata(args.crops)
    apart, unstratified = (name in options["as_published"] for name in ("independent_subsets", "unstratified_subsets"))
    seed, val_fraction = options["seed"], options["val_fraction"]
    if apart:
        # The released GAN holds nothing back: it also learns from images that choose the classifier's epoch.
        seed, val_fraction = seed_of(seed, "the generator's own"), 0
    draw = draw_unstratified if unstratified else draw_subset
    chosen = draw(rows, options["size"], val_fraction, seed)
    _report(chosen, options["size"], class_names, args.crops, unstratified)
    with replacing(args.out) as beside:
        chosen[COLUMNS].to_csv(beside, index=False)


def _report(chosen, size, class_names, crops, unstratified):
    counts = chosen.groupby("label").size().reindex(range(len(class_names)), fill_value=0)
    num_val = int((chosen["part"] == "val").sum())
    print(f"{len(chosen)} images of {len(class_names)} classes, {num_val} of them to validate")
    if not counts.all() and not unstratified:
        name = class_names[int(counts.argmin())]
        raise WrongInput(f"{crops}: class {name!r} has no training image; raise the data set's split.min_images")
    short = [f"{class_names[label]} {count}" for label, count in counts.items() if size != "all" and count < size]
    if short and not unstratified:
        note(
            f"{crops}: {len(short)} classes have fewer than the {size} training images asked, and give all they have"
            f" ({', '.join(short)}); add images, or leave these classes out of the data set's `classes`"
        )


if __name__ == "__main__":
    run_stage(main)
