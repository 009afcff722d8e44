import re

import pytest

from pipeline.data.grouping import told_by_names


@pytest.mark.parametrize(
    ("name", "example", "group"),
    [
        ("images/{c}_P_hgr1_id{n}_{i}.jpg", "images/A_P_hgr1_id01_1.jpg", "id01"),
        ("{c}/hand{n}_{c}_bot_seg_{i}.png", "A/hand01_A_bot_seg_1.png", "hand01"),
        ("{c}/Signer-{n}/{i}.jpg", "A/Signer-01/1.jpg", "Signer-01"),
        ("{c}/S{n} {i}.png", "A/S01 1.png", "S01"),
        ("{c}/walk{n}{c}_frame000{i}.png", "A/walk01A_frame0001.png", "walk01A"),
        ("{c}/anna{n}/{i}.jpg", "A/anna01/1.jpg", "anna01"),
    ],
)
def test_signers_and_clips_that_names_tell(name, example, group):
    names = [name.format(c=c, n=n, i=i) for c in "ABC" for n in ("01", "02", "03", "04") for i in (1, 2, 3)]
    assert example in names
    told = told_by_names(names, depth=0)
    assert re.search(told.pattern, example)[1] == group


@pytest.mark.parametrize(
    "names",
    [
        [f"a/{number:04d}.jpg" for number in range(40)],
        [f"a/IMG_{number}.jpg" for number in range(40)],
        [f"a/id{number}_1.jpg" for number in range(40)],  # as many groups as images
        [f"a/id{number % 2}_{number}.jpg" for number in range(40)],  # two groups make no split
        [f"a/id{number % 4}_{number}.jpg" for number in range(40)] + ["a/other.jpg"],
    ],
    ids=["numbers", "camera", "each its own", "two", "one without"],
)
def test_names_that_tell_nothing_give_no_groups(names):
    assert told_by_names(names, depth=0) is None


def test_the_folder_below_the_class_is_found_below_sides_too():
    names = [f"train/{c}/ann{n}/{i}.jpg" for c in "ab" for n in "123" for i in "12"]
    assert re.search(told_by_names(names, depth=1).pattern, names[0])[1] == "ann1"
