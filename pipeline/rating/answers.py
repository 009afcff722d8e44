"""The human score of Tables 3 and 4 from the files that raters exported.

Files that cannot count are named with the reason, and the others count without them. One rater, one file: of several
the fullest counts. Where two are as full and differ, nobody knows which is meant, or whether two people chose the same
name, so neither counts until a person removes or renames one.
"""

import csv
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.data.files import replacing
from pipeline.metrics.agreement import krippendorff_alpha
from pipeline.rating.key import image_set_of, read_key
from pipeline.rating.scores import human_score
from pipeline.stage import WrongInput, note, run_stage, stage_arguments

COLUMNS = ["rater", "image_set", "position", "image", "rating"]
# What the page puts before a name that a spreadsheet would take for a formula.
_GUARD = re.compile(r"^'(?=['=+\-@\t\r])")


@dataclass(frozen=True)
class Form:
    """One exported file: its name, its rater, and {image: 1 to 5} of what was rated."""

    file: str
    rater: str
    ratings: dict


def read_form(path, ids):
    """Return the Form of one file; raise WrongInput, without the file's name, where it cannot count."""
    rows = _rows(_text(path))
    raters = {_name(row["rater"]) for row in rows}
    if len(raters) != 1:
        raise WrongInput(f"found {len(raters)} raters; expected one per file; split it, or export it anew")
    if raters == {""}:
        raise WrongInput("found no rater's name; expected one in every row; ask whose ratings they are")
    image_sets, expected = sorted({row["image_set"] for row in rows}), image_set_of(ids)
    if image_sets != [expected]:
        raise WrongInput(f"made for image set {' and '.join(image_sets)}; expected {expected}; rate the present page")
    repeated = [image for image, times in Counter(row["image"] for row in rows).items() if times > 1]
    if repeated:
        raise WrongInput(f"image {repeated[0]} has more than one row; expected one; export the file anew")
    ratings = {row["image"]: _rating(row, ids) for row in rows}
    ratings = {image: rating for image, rating in ratings.items() if rating is not None}
    if not ratings:
        raise WrongInput("found no rating; expected at least one; rate some images and export the file anew")
    return Form(path.name, raters.pop(), ratings)


def _text(path):
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise WrongInput(f"cannot be read ({wrong.strerror}); expected a CSV file; export it anew") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # A spreadsheet may have saved it in its country's encoding; of all fields only the name can suffer.
        return data.decode("latin-1")


def _rows(text):
    """Return the rows that hold anything, as dicts; between fields, a comma or what spreadsheets put in its place."""
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        columns, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        raise WrongInput("not a CSV file; expected one that the page exported; export it anew") from None
    if columns != COLUMNS:
        found = ",".join(columns)[:80]
        raise WrongInput(f"columns {found!r}; expected {','.join(COLUMNS)}; export the file anew")
    for number, row in enumerate(rows, start=2):
        if any(row) and len(row) != len(COLUMNS):
            raise WrongInput(f"row {number} has {len(row)} fields; expected {len(COLUMNS)}; export the file anew")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in rows if any(row)]
    if not rows:
        raise WrongInput("a header without rows; expected one row per image; export the file anew")
    return rows


def _name(field):
    return unicodedata.normalize("NFC", _GUARD.sub("", field)).strip()


def _rating(row, ids):
    """Return the rating of a row, None where it has none."""
    if row["image"] not in ids:
        raise WrongInput(f"image {row['image']!r} is not in the key; expected one of the page's; export the file anew")
    if row["rating"] not in ("", *"12345"):
        found = f"image {row['image']} has the rating {row['rating']!r}"
        raise WrongInput(f"{found}; expected a whole number from 1 to 5; mend it with its rater")
    return int(row["rating"]) if row["rating"] else None


def read_forms(folder, ids):
    """Return ([Form] by file name, one per rater, [{"file", "reason"}] of the files that do not count)."""
    # A folder that is not there has no files.
    paths = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() == ".csv")
    by_rater, refused = defaultdict(list), []
    for path in paths:
        try:
            form = read_form(path, ids)
            by_rater[form.rater].append(form)
        except WrongInput as wrong:
            refused.append({"file": path.name, "reason": str(wrong)})
    forms = []
    for own in by_rater.values():
        counted, others = _choose(own)
        forms += counted
        refused += others
    return sorted(forms, key=lambda form: form.file), sorted(refused, key=lambda one: one["file"])


def _choose(forms):
    """Return ([the fullest form of one rater], the others as refused); none counts where two are as full and differ."""
    best, *others = sorted(forms, key=lambda form: (-len(form.ratings), form.file))
    rivals = [form for form in others if len(form.ratings) == len(best.ratings) and form.ratings != best.ratings]
    if not rivals:
        reason = f"{best.file} of the same rater counts, which holds as many ratings or more; remove one of them"
        return [best], [{"file": form.file, "reason": reason} for form in others]
    reason = "several files of one rater, as full as each other, that differ; keep one, or give two people two names"
    return [], [{"file": form.file, "reason": reason} for form in forms]


def ratings_of(forms, images):
    """Return ratings float (raters, images), NaN where there is none."""
    table = [[form.ratings.get(image, np.nan) for image in images] for form in forms]
    return np.array(table, float).reshape(len(forms), len(images))


def summarise(forms, refused, key, sources, seed):
    """Return everything that tables and the report read of one data set's ratings; None where there are too few.

    sources: all there are, as a form may have no image of one.
    """
    alpha, pairs = krippendorff_alpha(ratings_of(forms, key["image"]))
    partial = [form for form in forms if len(form.ratings) < len(key)]
    return {
        "image_set": image_set_of(key["image"]),
        "raters": len(forms),
        "complete": len(forms) - len(partial),
        "incomplete": [{"file": form.file, "ratings": len(form.ratings), "of": len(key)} for form in partial],
        "refused": refused,
        "sources": {
            source: human_score(ratings_of(forms, key.loc[key["source"] == source, "image"]), (seed, source))
            for source in sources
        },
        "agreement": {"krippendorff_alpha": None if alpha is None else round(alpha, 4), "pairs": pairs},
    }


def main():
    args = stage_arguments(__doc__, inputs=["key"]).parse_args()
    key, folder = read_key(args.key), Path(args.options["folder"])
    forms, refused = read_forms(folder, set(key["image"]))
    for one in refused:
        note(f"{folder / one['file']} does not count: {one['reason']}")
    summary = summarise(forms, refused, key, args.options["sources"], args.options["seed"])
    for one in summary["incomplete"]:
        note(f"{folder / one['file']} counts for the {one['ratings']} of {one['of']} images that it rates")
    with replacing(args.out) as beside:
        beside.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{summary['raters']} raters, {summary['complete']} of them of all images; {len(refused)} files refused")


if __name__ == "__main__":
    run_stage(main)
