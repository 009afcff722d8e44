import base64
import re

import cv2
import numpy as np
import pandas as pd
import pytest
from rating.toys import CLASSES, MAKERS, make_form, noise

from pipeline.rating.form import drawn_names
from pipeline.rating.key import image_ids, image_set_of


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_form(tmp_path_factory.mktemp("form"))


def counts(names):
    return pd.Series(names).str.split("/").str[0].value_counts().to_dict()


def test_images_are_spread_over_classes_as_evenly_as_these_allow():
    rows = noise(5, 0).rows
    rows = rows[(rows["class"] != "pincet") | (rows["file_name"] == "pincet/010.png")]
    assert counts(drawn_names(rows, "real", 7, 0)) == {"fist": 3, "palm": 3, "pincet": 1}
    assert len(drawn_names(rows, "real", 100, 0)) == len(rows)


def test_sources_show_the_same_classes_but_not_the_same_numbers():
    rows = noise(9, 0).rows
    for seed in range(5):
        drawn = [drawn_names(rows, source, 2, seed) for source in ("real", "reacgan", "spade_bones")]
        assert counts(drawn[0]) == counts(drawn[1]) == counts(drawn[2])
    assert drawn_names(rows, "real", 9, 0) != drawn_names(rows, "reacgan", 9, 0) != drawn_names(rows, "reacgan", 9, 1)


def test_more_images_contain_the_fewer_and_no_row_order_matters():
    rows = noise(5, 0).rows
    more, fewer = (drawn_names(rows, "real", count, 0) for count in (9, 4))
    assert more[:4] == fewer == drawn_names(rows[::-1], "real", 4, 0)


def test_every_source_is_there_and_real_images_are_held_out_ones(made):
    assert made.key["source"].value_counts().to_dict() == dict.fromkeys(["real", *MAKERS], 3)
    held_out = set(made.image_sets["real"].rows["file_name"][1::2])
    assert set(made.key.loc[made.key["source"] == "real", "file_name"]) <= held_out


def test_the_page_carries_the_pixels_that_the_key_names(made):
    assert set(made.uris) == made.ids
    for row in made.key.to_dict("records"):
        png = np.frombuffer(base64.b64decode(made.uris[row["image"]].partition(",")[2]), np.uint8)
        image_set = made.image_sets[row["source"]]
        (place,) = np.flatnonzero(image_set.rows["file_name"] == row["file_name"])
        assert image_set.rows["class"][place] == row["class"]
        assert np.array_equal(cv2.imdecode(png, cv2.IMREAD_COLOR)[:, :, ::-1], image_set.images[place])


def test_the_page_says_of_no_image_where_it_is_from(made):
    text = made.page.read_text()
    for word in (*MAKERS, *CLASSES, *made.key["file_name"]):
        assert word not in text
    # Not the order in which the key lists them, source by source.
    assert list(made.uris) == sorted(made.ids) != made.key["image"].tolist()


def test_the_page_names_no_other_place(made):
    text = re.sub(r"data:image/png;base64,[\w+/=]+", "", made.page.read_text())
    assert not re.search(r"//\w|\bsrc=|@import|url\(", text)
    assert "default-src 'none'" in text


def test_an_id_depends_on_the_pixels_alone_and_is_no_number_to_a_spreadsheet():
    images = np.random.default_rng(0).integers(0, 256, (2000, 2, 2, 3), np.uint8)
    ids = image_ids(images)
    assert ids[7] == image_ids(images[7:8])[0] and len(set(ids)) == len(ids)
    assert not any(re.fullmatch(r"\d+(e\d+)?", name) for name in ids)
    # A generator that has collapsed shows one image several times, and each is rated.
    assert len(set(image_ids(images[[0, 0, 0]]))) == 3
    assert image_set_of(ids) == image_set_of(ids[::-1]) != image_set_of(ids[1:])


def test_a_form_made_again_is_the_same_and_another_seed_shows_others(made, tmp_path):
    for name in ("again", "other"):
        (tmp_path / name).mkdir()
    again, other = make_form(tmp_path / "again"), make_form(tmp_path / "other", seed=1)
    assert again.page.read_bytes() == made.page.read_bytes() != other.page.read_bytes()
    assert again.key_file.read_bytes() == made.key_file.read_bytes()
    assert image_set_of(other.ids) != image_set_of(made.ids)


def test_fewer_images_than_asked_are_shown_and_said(tmp_path, capsys):
    made = make_form(tmp_path, per_source=8)
    assert made.key["source"].value_counts().to_dict() == {"real": 6, "reacgan": 8, "spade_bones": 8}
    assert re.findall(r"^note: .*", capsys.readouterr().err, re.MULTILINE) == [
        f"note: {tmp_path}/real.zip: the form shows 6 images of real; 8 were asked; raise the study's val_fraction"
    ]
