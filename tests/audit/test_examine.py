import json
import sys

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from audit.clips import clip_set, scene, with_images

from pipeline.audit import examine
from pipeline.audit.examine import drawn_groups
from pipeline.audit.fingerprints import moved
from pipeline.data.archive import ImageSet, write_image_set
from pipeline.data.subset import draw_subset
from pipeline.stage import WrongInput

OPTIONS = {"dataset": "toy", "kind": "grouped", "images": 1000, "generated": 40, "seed": 0, "makers": ["reacgan"]}
TRAIN, TEST = clip_set(range(60)), clip_set(range(60, 90))
# Of four training images, found again among the tests as others would do it.
ORIGINALS = (0, 33, 66, 99)


def planted():
    copied, brighter, shifted, mirrored = TRAIN.images[list(ORIGINALS)]
    brighter = np.clip(brighter.astype(int) + 30, 0, 255).astype(np.uint8)
    return with_images(TEST, [copied, brighter, moved(shifted[None], 2, 0)[0], mirrored[:, ::-1]])


def generated(copies):
    """Blurred scenes of no clip, the first of them copies of training images."""
    images = [cv2.GaussianBlur(scene(number, 0), (0, 0), 3) for number in range(500, 540)]
    rows = pd.DataFrame({"file_name": [f"{n}.png" for n in range(40)], "label": 0, "class": "a", "group": ""})
    return ImageSet(np.stack([*TRAIN.images[:copies], *images[copies:]]), rows.assign(keypoints=""), ["a", "b"])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    write_image_set(folder / "train.zip", TRAIN)
    write_image_set(folder / "test.zip", TEST)
    write_image_set(folder / "planted.zip", planted())
    write_image_set(folder / "reacgan.zip", generated(0))
    write_image_set(folder / "copies.zip", generated(10))
    draw_subset(TRAIN.rows, "all", 0.3, 0).to_csv(folder / "subset.csv", index=False)
    return folder


def run(folder, out, test="test.zip", made="reacgan.zip", **changed):
    """Return (numbers, table) of the stage, and write its page."""
    inputs = {"train": "train.zip", "test": test, "images": made, "learnt-from": "train.zip", "subsets": "subset.csv"}
    paths = [f"--{name}={folder / path}" for name, path in inputs.items()]
    outs = {"out": out / "a.json", "table": out / "a.csv", "page": out / "a.png"}
    sys.argv = ["examine", "--options", json.dumps(OPTIONS | changed), *paths]
    sys.argv += [f"--{name}={path}" for name, path in outs.items()]
    examine.main()
    return json.loads(outs["out"].read_text()), pd.read_csv(outs["table"], keep_default_na=False)


@pytest.fixture(scope="module")
def clean(folder, tmp_path_factory):
    return run(folder, tmp_path_factory.mktemp("clean"))


def test_a_clean_set_is_not_blamed_and_its_random_split_is(clean):
    told, table = clean
    assert told["split"]["flagged_share"] <= 0.02 and len(table) == 90
    assert not any(sentence.startswith("This split leaks") for sentence in told["findings"])
    assert told["random_split"]["test_images"] == 90
    assert told["random_split"]["near_own_group"] > 70
    assert sum(sentence.startswith("A random split would leak") for sentence in told["findings"]) == 1


def test_planted_images_are_found_beside_their_originals(folder, tmp_path, capfd, clean):
    told, table = run(folder, tmp_path, test="planted.zip")
    assert table["flagged"][:4].tolist() == [1, 1, 1, 1]
    assert (table["flagged"][4:] == clean[1]["flagged"][4:]).all()
    assert table["exact"][:4].tolist() == ["equal", "", "", "mirrored"]
    for row, original in enumerate(ORIGINALS):
        assert table["hash_nearest"][row] == TRAIN.rows["file_name"][original]
    (warning,) = (sentence for sentence in told["findings"] if sentence.startswith("This split leaks"))
    assert "2 test images are copies of training images (1 of them mirrored)" in warning
    assert f"note: toy: {warning}" in capfd.readouterr().err
    page = cv2.imread(str(tmp_path / "a.png"))[:, :, ::-1]
    copied = cv2.resize(TRAIN.images[0], None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    assert (page[30 : 30 + 128, 10 : 10 + 128] == copied).all()
    assert (page[30 : 30 + 128, 138 : 138 + 128] == copied).all()


def test_what_a_generator_repeats_is_counted(folder, tmp_path, clean):
    told, _ = run(folder, tmp_path, made="copies.zip")
    before, after = (numbers["memorisation"]["reacgan"] for numbers in (clean[0], told))
    assert before["nearer_share"] == 0
    fit = pd.read_csv(folder / "subset.csv").query("part == 'fit'")["file_name"]
    assert (
        40 * after["nearer_share"] == TRAIN.rows["file_name"][:10].isin(fit).sum()
    )  # clips that validate are among them
    assert "more often than real images do" in told["findings"][-1]
    assert "no more often than real images do" in clean[0]["findings"][-1]


def test_the_same_images_give_the_same_files(folder, tmp_path):
    for name in ("first", "again"):
        run(folder, tmp_path / name)
    for kind in ("json", "csv", "png"):
        first, again = ((tmp_path / name / f"a.{kind}").read_bytes() for name in ("first", "again"))
        assert first == again


def test_of_many_images_whole_groups_are_drawn(folder, tmp_path):
    rows = pd.concat([TRAIN.rows, TEST.rows])
    chosen = rows[drawn_groups(rows, 100, 0)]
    assert len(chosen) == 99 and (chosen["group"].value_counts() == 3).all()
    assert drawn_groups(rows, 270, 0).all()
    assert set(rows[drawn_groups(rows, 50, 0)]["name"]) < set(chosen["name"])
    told, _ = run(folder, tmp_path, images=100)
    assert (told["images"], told["images_of"]) == (99, 270)
    with pytest.raises(WrongInput, match="raise `images` of audit"):
        run(folder, tmp_path, images=2)
