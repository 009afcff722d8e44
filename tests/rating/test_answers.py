import csv
import dataclasses
import io
import json
import re

import pytest
from rating.toys import MAKERS, make_form, rows_of, run

from pipeline.rating import answers
from pipeline.rating.answers import read_forms

EIGHT = [1, 2, 3, 4, 5, 1, 2, 3]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """9 images: 3 of real ones and of each maker."""
    return make_form(tmp_path_factory.mktemp("form"))


def as_csv(rows, **dialect):
    text = io.StringIO()
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue()


def put(folder, name, rows, **dialect):
    (folder / name).write_text(as_csv(rows, **dialect), encoding="utf-8", newline="")


def summary_of(folder, made, out):
    options = {"folder": str(folder), "sources": ["real", *MAKERS], "seed": 0}
    run(answers, options, ["--key", made.key_file, "--out", out])

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(out.read_text(), parse_constant=refuse)


def test_ratings_count_for_the_image_they_stand_by(tmp_path, made):
    rows = rows_of(made.ids, "ann", [*EIGHT, 5])
    put(tmp_path, "ann.csv", [rows[0], *rows[:0:-1]])
    (form,), refused = read_forms(tmp_path, made.ids)
    assert refused == [] and form.rater == "ann"
    assert form.ratings == dict(zip(sorted(made.ids), [*EIGHT, 5], strict=True))


@pytest.mark.parametrize(
    ("dialect", "encoding"),
    [
        ({}, "utf-8-sig"),
        ({"lineterminator": "\n"}, "utf-8"),
        ({"lineterminator": "\r"}, "utf-8"),
        ({"delimiter": ";"}, "utf-8-sig"),
        ({"delimiter": ";"}, "cp1252"),
        ({"delimiter": "\t"}, "utf-8"),
        ({"quoting": csv.QUOTE_ALL, "delimiter": ";"}, "utf-8"),
    ],
)
def test_what_spreadsheets_save_is_read(tmp_path, made, dialect, encoding):
    # Rows that a spreadsheet left empty at the end.
    rows = [*rows_of(made.ids, "Zoë; or, Zo", EIGHT), [""] * 5, [""] * 5]
    (tmp_path / "saved.CSV").write_bytes(as_csv(rows, **dialect).encode(encoding))
    (form,), refused = read_forms(tmp_path, made.ids)
    assert refused == [] and form.rater == "Zoë; or, Zo"
    assert form.ratings == dict(zip(sorted(made.ids), EIGHT, strict=False))


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("'=1+1", "=1+1"),
        ("'@ann", "@ann"),
        ("''quoted", "'quoted"),
        ("O'Neil", "O'Neil"),
        ("a\r\nb", "a\r\nb"),
        ("'t", "'t"),
    ],
)
def test_a_guarded_name_is_read_as_it_was(tmp_path, made, field, name):
    put(tmp_path, "a.csv", rows_of(made.ids, field, EIGHT))
    assert [form.rater for form in read_forms(tmp_path, made.ids)[0]] == [name]


def changed(column, value, row=1):
    def change(rows):
        rows[row][column] = value
        return as_csv(rows)

    return change


REFUSED = {
    "columns": (changed(4, "score", row=0), "columns 'rater,image_set,position,image,score'"),
    "raters": (changed(0, "ben"), "found 2 raters"),
    "nameless": (lambda rows: as_csv([rows[0], *(["", *row[1:]] for row in rows[1:])]), "found no rater's name"),
    "set": (lambda rows: as_csv([rows[0], *([row[0], "s0", *row[2:]] for row in rows[1:])]), "made for image set s0"),
    "sets": (changed(1, "s0"), "made for image set s0 and s"),
    "unknown": (changed(3, "i000000000000"), "image 'i000000000000' is not in the key"),
    "twice": (lambda rows: as_csv([*rows, rows[3]]), "has more than one row"),
    "six": (changed(4, "6"), "has the rating '6'"),
    "zero": (changed(4, "0"), "has the rating '0'"),
    "half": (changed(4, "2.5"), "has the rating '2.5'"),
    "word": (changed(4, "real"), "has the rating 'real'"),
    "nothing": (lambda rows: "", "not a CSV file"),
    "header": (lambda rows: as_csv(rows[:1]), "a header without rows"),
    "silent": (lambda rows: as_csv([rows[0], *([*row[:4], ""] for row in rows[1:])]), "found no rating"),
    "short": (lambda rows: as_csv(rows)[:-16], "row 10 has"),
    "quote": (lambda rows: as_csv(rows) + '"', "not a CSV file"),
    "binary": (lambda rows: "\x00\x01\xff" * 99, "columns "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_count_is_named_with_the_reason_and_stops_no_other(tmp_path, made, capsys, name):
    change, reason = REFUSED[name]
    folder = tmp_path / "answers"
    folder.mkdir()
    put(folder, "good.csv", rows_of(made.ids, "good", EIGHT))
    text = change(rows_of(made.ids, "bad", EIGHT))
    (folder / "bad.csv").write_bytes(text.encode("latin-1"))
    summary = summary_of(folder, made, tmp_path / "out.json")
    (refused,) = summary["refused"]
    assert refused["file"] == "bad.csv" and reason in refused["reason"]
    assert summary["raters"] == 1
    assert f"note: {folder}/bad.csv does not count: {refused['reason']}" in capsys.readouterr().err


def test_what_cannot_even_be_opened_is_named(tmp_path, made):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "notes.txt").write_text("not an answer")
    forms, (refused,) = read_forms(tmp_path, made.ids)
    assert forms == [] and refused["file"] == "folder.csv" and "cannot be read" in refused["reason"]


def test_of_one_raters_files_the_fullest_counts(tmp_path, made):
    put(tmp_path, "1 early.csv", rows_of(made.ids, "ann", EIGHT[:4]))
    put(tmp_path, "2 full.csv", rows_of(made.ids, "ann", [5, *EIGHT[1:]]))
    put(tmp_path, "3 copy.csv", rows_of(made.ids, " ann ", [5, *EIGHT[1:]]))
    (form,), refused = read_forms(tmp_path, made.ids)
    assert form.file == "2 full.csv" and list(form.ratings.values()) == [5, *EIGHT[1:]]
    assert [one["file"] for one in refused] == ["1 early.csv", "3 copy.csv"]
    assert all("2 full.csv of the same rater counts" in one["reason"] for one in refused)


def test_two_people_of_one_name_do_not_count_until_they_have_two(tmp_path, made):
    put(tmp_path, "a.csv", rows_of(made.ids, "ann", EIGHT))
    put(tmp_path, "b.csv", rows_of(made.ids, "ann", EIGHT[::-1]))
    put(tmp_path, "c.csv", rows_of(made.ids, "ann", EIGHT[:2]))
    put(tmp_path, "d.csv", rows_of(made.ids, "ben", EIGHT))
    forms, refused = read_forms(tmp_path, made.ids)
    assert [form.file for form in forms] == ["d.csv"]
    assert [one["file"] for one in refused] == ["a.csv", "b.csv", "c.csv"]


def test_scores_are_by_source_and_incomplete_forms_count_for_what_they_hold(tmp_path, made, capsys):
    folder = tmp_path / "answers"
    folder.mkdir()
    source = made.key.set_index("image")["source"]
    marks = {"real": 5, "reacgan": 3, "spade_bones": 1}
    full = [marks[source[image]] for image in sorted(made.ids)]
    put(folder, "a.csv", rows_of(made.ids, "ann", full))
    put(folder, "b.csv", rows_of(made.ids, "ben", full))
    put(folder, "c.csv", rows_of(made.ids, "cem", [2] * 4))
    summary = summary_of(folder, made, tmp_path / "out.json")
    assert (summary["raters"], summary["complete"]) == (3, 2)
    assert summary["incomplete"] == [{"file": "c.csv", "ratings": 4, "of": 9}]
    assert "c.csv counts for the 4 of 9 images" in capsys.readouterr().err
    seen = source[sorted(made.ids)[:4]].value_counts()
    for name, score in summary["sources"].items():
        also = int(seen.get(name, 0))
        assert score["ratings"] == 6 + also and score["images"] == 3
        assert score["mean"] == pytest.approx((6 * marks[name] + 2 * also) / (6 + also), abs=5e-5)
        assert score["low"] <= score["mean"] <= score["high"]
    assert list(summary["sources"]) == ["real", "reacgan", "spade_bones"]
    # 4 images with three ratings, 5 with two.
    assert summary["agreement"]["pairs"] == 4 * 3 + 5


def test_without_a_folder_nobody_has_rated(tmp_path, made):
    summary = summary_of(tmp_path / "nowhere", made, tmp_path / "out.json")
    assert (summary["raters"], summary["complete"], summary["refused"]) == (0, 0, [])
    assert {score["mean"] for score in summary["sources"].values()} == {None}
    assert summary["agreement"] == {"krippendorff_alpha": None, "pairs": 0}
    assert re.fullmatch(r"s[0-9a-f]{12}", summary["image_set"])


def test_a_source_without_an_image_has_no_score_but_its_place(tmp_path, made):
    folder = tmp_path / "answers"
    folder.mkdir()
    made.key[made.key["source"] != "real"].to_csv(tmp_path / "key.csv", index=False)
    fewer = dataclasses.replace(made, key_file=tmp_path / "key.csv")
    put(folder, "ann.csv", rows_of(fewer.ids, "ann", EIGHT[:6]))
    sources = summary_of(folder, fewer, tmp_path / "out.json")["sources"]
    assert sources["real"]["mean"] is None and sources["reacgan"]["ratings"] == 3


def test_a_summary_made_again_is_the_same(tmp_path, made):
    for folder, names in (("one", "abc"), ("two", "cba")):
        (tmp_path / folder).mkdir()
        for name in names:
            put(tmp_path / folder, f"{name}.csv", rows_of(made.ids, name, EIGHT[ord(name) % 3 :]))
        summary_of(tmp_path / folder, made, tmp_path / f"{folder}.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
