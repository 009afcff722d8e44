"""Names that a shell, a pattern or a command line would take for something else, from folder to crops."""

import json

from conftest import ROOT
from data.odd_images import plain
from study_copy import copy_repository, planned, snakemake, tiny

from pipeline.data.archive import read_metadata

FOLDERS = ["-x", "a 'b' \"c\"", "$(touch pwned);&|<>"]
FILES = [
    "-1.png",
    "--out=$HOME.png",
    "`touch pwned`.png",
    "$(touch pwned).png",
    ";touch pwned;.png",
    "{wildcard} %s \\n.png",
    "*?[x]~.png",
    "#xywh=1,2,3,4.png",
    " leading 'and' \"quoted\".png",
    "日本 é.png",
]
PLACE = "photographs 'of' \"$(touch pwned)\" {x} -y"


def folder_of_odd_names(root):
    """Lay down photographs in class folders, and OpenPose's hand beside each."""
    triples = [value for joint in range(21) for value in (10 + joint, 5 + joint, 0.9)]
    people = {"people": [{"hand_left_keypoints_2d": [], "hand_right_keypoints_2d": triples}]}
    names = [f"{folder}/{file}" for folder in FOLDERS for file in FILES]
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain("PNG"))
        path.with_name(path.stem + "_keypoints.json").write_text(json.dumps(people))
    return names


def odd(params):
    """Return the settings of the tiny study with that folder in the place of its drawn signs."""
    signs = tiny(params)["datasets"]["drawn_signs"]
    del signs["drawn"]
    signs |= {"reader": "folder", "root": PLACE, "classes": "all"}
    signs["poses"] = signs["poses"] | {"detector": "openpose_json", "folder": PLACE}
    signs["split"] = signs["split"] | {"kind": "random"}
    return params


def test_no_name_is_taken_for_a_command_or_an_option(tmp_path):
    folder = tmp_path / "re po 'sitory' $(touch pwned)"
    copy_repository(folder, odd)
    names = folder_of_odd_names(folder / PLACE)
    sides = [f"results/crops/drawn_signs-{part}.zip" for part in ("train", "test")]
    status, said = snakemake(folder, *sides)
    assert status == 0, said[-3000:]
    rows = [row for side in sides for row in read_metadata(folder / side)[0].to_dict("records")]
    assert sorted(row["name"] for row in rows) == sorted(names)
    assert {row["class"] for row in rows} == set(FOLDERS)
    assert not list(tmp_path.rglob("pwned")) and not (ROOT / "pwned").exists()


def test_braces_in_settings_are_no_wildcards(tmp_path):
    def braced(params):
        signs = odd(params)["datasets"]["drawn_signs"]
        signs |= {"group_pattern": "(id[0-9]{3})_", "citation": "@book{hands, title={{Hands}} {of} {0}}"}
        return params

    folder = tmp_path / "repository"
    copy_repository(folder, braced)
    folder_of_odd_names(folder / PLACE)
    assert planned(folder)["report"] == 1


def test_a_name_of_two_lines_is_refused(tmp_path):
    folder = tmp_path / "repository"
    copy_repository(folder, odd)
    folder_of_odd_names(folder / PLACE)
    (folder / PLACE / FOLDERS[0] / "new\nline.png").write_bytes(plain("PNG"))
    status, said = snakemake(folder, "results/manifests/drawn_signs.csv")
    assert status != 0
    told = said + "".join(log.read_text() for log in folder.glob("logs/**/*.log"))
    assert "the name '-x/new\\nline.png' has characters that UTF-8 or a line cannot hold; rename the file" in told
