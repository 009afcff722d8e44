import json

import numpy as np
import pandas as pd
import pytest

from pipeline.data import split
from pipeline.data.split import check_sides, split_photographs
from pipeline.stage import WrongInput


def clips(num_classes=5, num_groups=60, frames=6, seed=0):
    """Rows of a data set whose clips show one or two classes, as RWTH's do, with a rare class of two clips."""
    draw = np.random.default_rng(seed)
    rows = [
        {"name": f"g{group}-f{frame}", "class": f"c{draw.choice([group % num_classes, 0])}", "group": f"g{group}"}
        for group in range(num_groups)
        for frame in range(frames)
    ]
    rows += [{"name": f"rare{group}", "class": "rare", "group": f"rare{group}"} for group in range(2)]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("seed", range(5))
def test_no_group_on_both_sides_and_every_class_trains(seed):
    rows = clips(seed=seed)
    test = split_photographs(rows, "grouped", 0.3, seed)
    assert not set(rows["group"][test]) & set(rows["group"][~test])
    assert set(rows["class"][~test]) == set(rows["class"])
    assert 0.2 < test.mean() < 0.4


def test_random_split_gives_each_class_its_share():
    rows = pd.DataFrame({"name": [f"i{n}" for n in range(110)], "class": ["a"] * 100 + ["b"] * 10, "group": "one"})
    test = split_photographs(rows, "random", 0.3, seed=0)
    assert (test[:100].sum(), test[100:].sum()) == (30, 3)


def test_a_class_of_one_image_trains():
    rows = pd.DataFrame({"name": ["x", "y", "z"], "class": ["a", "b", "b"], "group": ["1", "2", "3"]})
    for kind in ("grouped", "random"):
        assert not split_photographs(rows, kind, 0.9, seed=0)[0]


def test_the_split_does_not_depend_on_the_order_of_rows():
    rows = clips()
    mixed = rows.sample(frac=1, random_state=3)
    for kind in ("grouped", "random"):
        one = set(rows["name"][split_photographs(rows, kind, 0.3, seed=1)])
        other = set(mixed["name"][split_photographs(mixed.reset_index(drop=True), kind, 0.3, seed=1).tolist()])
        assert one == other


def test_official_split_needs_one():
    rows = pd.DataFrame({"name": ["x"], "class": ["a"], "group": ["1"], "part": [""]})
    with pytest.raises(WrongInput, match="split: grouped"):
        split_photographs(rows, "official", 0.3, seed=0)
    assert split_photographs(rows.assign(part="test"), "official", 0.3, seed=0).tolist() == [True]


@pytest.mark.parametrize("kind", ["untested", "grouped"])
def test_a_data_set_that_only_lends_its_images_trains_with_all_and_others_need_a_test(tmp_path, monkeypatch, kind):
    rows = pd.DataFrame({"name": list("xyz"), "class": list("aab"), "group": "one", "part": "train"})
    rows.assign(path="", landmarks="").to_csv(tmp_path / "m.csv", index=False)
    np.savez(tmp_path / "p.npz", names=np.array(list("xyz")), keypoints=np.ones((3, 21, 2), np.float32))
    options = {"kind": kind, "test_fraction": 0, "min_images": 1, "seed": 0, "classes": "all"}
    files = [
        f"--{name}={tmp_path / file}" for name, file in (("manifest", "m.csv"), ("poses", "p.npz"), ("out", "s.csv"))
    ]
    monkeypatch.setattr("sys.argv", ["split", f"--options={json.dumps(options)}", *files])
    if kind == "grouped":
        with pytest.raises(WrongInput, match="leaves no test image"):
            split.main()
        return
    split.main()
    assert pd.read_csv(tmp_path / "s.csv")["part"].tolist() == ["train"] * 3


def sides(parts):
    return pd.DataFrame([{"class": name, "part": part} for name, part in parts])


def test_a_split_that_cannot_be_used_is_refused_at_once(capsys):
    with pytest.raises(WrongInput, match="leaves no test image"):
        check_sides(sides([("a", "train"), ("b", "train")]), "m.csv")
    with pytest.raises(WrongInput, match=r"m\.csv: class 'b' has no training image"):
        check_sides(sides([("a", "train"), ("a", "test"), ("b", "test")]), "m.csv")
    check_sides(sides([("a", "train"), ("a", "test"), ("b", "train")]), "m.csv")
    assert "1 classes have no test image and so no recall (b)" in capsys.readouterr().err
