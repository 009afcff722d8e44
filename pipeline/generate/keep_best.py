"""Keep the generated images of each class that look most like their class (Section 3.1.4)."""

import zipfile

import numpy as np
import pandas as pd

from pipeline.data.archive import read_metadata, write_encoded
from pipeline.data.table import read_table
from pipeline.data.tree import read_member
from pipeline.stage import WrongInput, run_stage, stage_arguments


def keep_best(scores, labels, keep_fraction, inverted=False):
    """Return positions int64, ascending, of the highest scores (N,) of each class: that fraction of it, at least one.

    Of equal scores the earlier position stays. inverted: keep what the released code keeps instead.
    """
    scores, labels = np.asarray(scores, float), np.asarray(labels)
    keep = _first_of if inverted else _best_of
    kept = []
    for label in set(labels):
        positions = np.flatnonzero(labels == label)
        kept.append(keep(positions, scores, max(1, round(keep_fraction * len(positions)))))
    return np.sort(np.concatenate(kept))


def _best_of(positions, scores, count):
    return positions[np.argsort(-scores[positions], kind="stable")[:count]]


def _first_of(positions, scores, count):
    """The first images; the worst of those kept gives way only to one that is worse still (utils/loops.py:231-234).

    The released code also skips up to a batch of images at the end; here all are met.
    """
    kept = positions[:count].copy()
    for position in positions[count:]:
        worst = scores[kept].argmin()
        if scores[position] < scores[kept[worst]]:
            kept[worst] = position
    return kept


def read_scores(path, rows, images_path):
    """Return the scores (N,) in [0, 1] at `path`; WrongInput unless names and labels are of these rows, in order."""
    expected = rows[["file_name", "label"]].astype(str)
    table = read_table(path, [])
    misfit = _misfit(table, expected)
    if misfit:
        raise WrongInput(
            f"{path}{misfit}; expected the scores of {images_path}, {len(rows)} images in order; score it again"
        )
    scores = pd.to_numeric(table["score"], errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(~((scores >= 0) & (scores <= 1)))  # NaN is neither
    if wrong.size:
        found = f"{path}, row {wrong[0] + 2}: score {table['score'][wrong[0]]!r}"
        raise WrongInput(f"{found}; expected a number in [0, 1]; score it again")
    return scores


def _misfit(table, expected):
    """Return where a table of scores begins to be of other images than the expected file names and labels, or None."""
    if list(table.columns) != [*expected.columns, "score"]:
        return f": the columns {', '.join(table.columns)}"
    both = min(len(table), len(expected))
    differs = (table[expected.columns][:both].to_numpy() != expected[:both].to_numpy()).any(axis=1)
    if differs.any():
        first = differs.argmax()
        return f", row {first + 2}: {table['file_name'][first]}, label {table['label'][first]}"
    return f": {len(table)} rows" if len(table) != len(expected) else None


def copy_images(images_path, rows, class_names, out):
    """Write the image set of these rows, their PNGs copied byte for byte from the archive at images_path."""
    with zipfile.ZipFile(images_path) as source:
        write_encoded(out, (read_member(source, name) for name in rows["file_name"]), rows, class_names)


def main():
    args = stage_arguments(__doc__, inputs=("images", "scores")).parse_args()
    rows, class_names = read_metadata(args.images)
    scores = read_scores(args.scores, rows, args.images)
    inverted = "inverted_filter" in args.options["as_published"]
    kept = keep_best(scores, rows["label"], args.options["keep_fraction"], inverted)
    copy_images(args.images, rows.assign(score=scores).iloc[kept], class_names, args.out)
    print(f"kept {len(kept)} of {len(rows)} images, mean score {scores[kept].mean():.4f} of {scores.mean():.4f}")


if __name__ == "__main__":
    run_stage(main)
