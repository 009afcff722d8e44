import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from pipeline.data.archive import ImageSet, read_image_set, read_metadata, write_image_set
from pipeline.generate import keep_best as module
from pipeline.generate.keep_best import copy_images, keep_best, read_scores
from pipeline.stage import WrongInput

OPTIONS = {"keep_fraction": 0.3, "as_published": []}


def planted(per_class=10, num_classes=12):
    """Return an image set of more than ten classes in mixed order, and scores whose best are known."""
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat(np.arange(num_classes), per_class))
    names = [str(c) for c in labels]
    rows = pd.DataFrame(
        {"file_name": [f"{n}/{i:06d}.png" for i, n in enumerate(names)], "label": labels, "class": names}
    ).assign(keypoints="")
    images = np.repeat(labels, 4 * 4 * 3).reshape(-1, 4, 4, 3).astype(np.uint8)
    scores = random.permutation(len(labels)) / len(labels)
    return ImageSet(images, rows, [str(c) for c in range(num_classes)]), scores


def write(tmp_path, image_set, scores):
    write_image_set(tmp_path / "images.zip", image_set)
    table = image_set.rows[["file_name", "label"]].assign(score=scores)
    table.to_csv(tmp_path / "scores.csv", index=False)
    return table


def test_the_best_of_each_class_stay():
    scores, labels = np.array([0.1, 0.9, 0.5, 0.2, 0.8]), np.array([0, 0, 0, 1, 1])
    assert keep_best(scores, labels, 1 / 3).tolist() == [1, 4]
    assert keep_best(scores, labels, 2 / 3).tolist() == [1, 2, 4]
    assert keep_best(scores, labels, 1.0).tolist() == [0, 1, 2, 3, 4]


def test_a_thousand_images_leave_three_hundred_and_the_right_ones():
    image_set, scores = planted(per_class=1000, num_classes=2)
    kept = keep_best(scores, image_set.labels, 0.3)
    for label in (0, 1):
        own = scores[image_set.labels == label]
        assert sorted(scores[kept][image_set.labels[kept] == label]) == sorted(own)[-300:]


def test_of_equal_scores_the_earlier_stays_and_no_class_vanishes():
    assert keep_best(np.full(6, 0.5), [3, 3, 3, 3, 7, 7], 0.5).tolist() == [0, 1, 4]
    assert keep_best([0.1, 0.2], [0, 0], 0.01).tolist() == [1]


def test_the_command_keeps_images_labels_and_class_order(tmp_path, monkeypatch, capsys):
    image_set, scores = planted()
    write(tmp_path, image_set, scores)
    paths = {"images": "images.zip", "scores": "scores.csv", "out": "out.zip"}
    given = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
    monkeypatch.setattr(sys, "argv", ["keep_best", "--options", json.dumps(OPTIONS), *given])
    module.main()
    kept = read_image_set(tmp_path / "out.zip")
    assert kept.class_names == [str(c) for c in range(12)]
    assert (kept.rows["class"] == [kept.class_names[c] for c in kept.labels]).all()
    # The pixels say which class an image was made for.
    assert (kept.images == kept.labels[:, None, None, None]).all()
    assert np.bincount(kept.labels).tolist() == [3] * 12
    best = {c: sorted(scores[image_set.labels == c])[-3:] for c in range(12)}
    assert all(sorted(kept.rows["score"][kept.labels == c].astype(float)) == best[c] for c in range(12))
    assert "kept 36 of 120" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "images.zip") as before, zipfile.ZipFile(tmp_path / "out.zip") as after:
        assert all(after.read(name) == before.read(name) for name in kept.rows["file_name"])


def test_kept_images_are_the_bytes_of_a_set_of_them_alone(tmp_path):
    image_set, scores = planted()
    write(tmp_path, image_set, scores)
    rows, class_names = read_metadata(tmp_path / "images.zip")
    positions = keep_best(scores, image_set.labels, 0.3)
    copy_images(tmp_path / "images.zip", rows.assign(score=scores).iloc[positions], class_names, tmp_path / "kept.zip")
    scored = ImageSet(image_set.images, image_set.rows.assign(score=scores), image_set.class_names)
    write_image_set(tmp_path / "alone.zip", scored.select(positions))
    assert (tmp_path / "kept.zip").read_bytes() == (tmp_path / "alone.zip").read_bytes()


def test_an_image_that_is_missing_or_damaged_is_named(tmp_path):
    image_set, scores = planted()
    write(tmp_path, image_set, scores)
    rows, class_names = read_metadata(tmp_path / "images.zip")
    name, arguments = rows["file_name"][0], (class_names, tmp_path / "kept.zip")
    absent = rows.assign(file_name=["nowhere.png", *rows["file_name"][1:]])
    with pytest.raises(WrongInput, match=r"images\.zip/nowhere\.png: no such file"):
        copy_images(tmp_path / "images.zip", absent, *arguments)
    whole = (tmp_path / "images.zip").read_bytes()
    (tmp_path / "images.zip").write_bytes(whole.replace(b"IDAT", b"IDAX", 1))
    with pytest.raises(WrongInput, match=rf"images\.zip/{name}: damaged"):
        copy_images(tmp_path / "images.zip", rows, *arguments)


def test_scores_of_another_set_are_refused(tmp_path):
    image_set, scores = planted()
    table = write(tmp_path, image_set, scores)
    path = tmp_path / "scores.csv"
    assert (read_scores(path, image_set.rows, "images.zip") == scores).all()
    swapped = table.iloc[[0, 2, 1, *range(3, len(table))]]
    relabelled = table.assign(label=[*table["label"][:-1], 99])
    for wrong, said in (
        (swapped, rf", row 3: {table['file_name'][2]}, label "),
        (relabelled, r", row 121: .*, label 99"),
        (table.iloc[:-1], ": 119 rows"),
        (table.drop(columns="label"), ": the columns file_name, score"),
    ):
        wrong.to_csv(path, index=False)
        with pytest.raises(WrongInput, match=rf"scores\.csv{said}.*; expected the scores of images\.zip, 120 images"):
            read_scores(path, image_set.rows, "images.zip")


@pytest.mark.parametrize("score", ["nan", "inf", "7.3", "-0.1", "high"])
def test_a_score_that_is_no_probability_is_refused_by_its_row(tmp_path, score):
    image_set, scores = planted()
    table = write(tmp_path, image_set, scores)
    table.assign(score=[*scores[:-1], score]).to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(WrongInput, match=rf"scores\.csv, row 121: score '{score}'; expected a number in \[0, 1\]"):
        read_scores(tmp_path / "scores.csv", image_set.rows, "images.zip")


def test_filtering_needs_no_torch():
    code = "import sys, pipeline.generate.keep_best; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_inverted_the_first_stay_unless_a_worse_one_comes():
    scores = np.array([0.5, 0.4, 0.9, 0.45, 0.3, 0.99, 0.2, 0.35])
    # 0.3 replaces 0.4, the worst of the first three, and 0.2 replaces 0.3; nothing better comes in.
    assert keep_best(scores, np.zeros(8), 3 / 8, inverted=True).tolist() == [0, 2, 6]
    assert keep_best(scores, np.zeros(8), 3 / 8).tolist() == [0, 2, 5]


def test_inverted_the_kept_are_hardly_better_than_the_first():
    # The released code on 1000 scores in [0, 1]: mean 0.474 of the kept, 0.476 of the first 300, 0.856 of the best 300.
    scores = np.random.default_rng(0).random(1000)
    kept, best = (keep_best(scores, np.zeros(1000), 0.3, inverted=own) for own in (True, False))
    assert scores[kept].mean() == pytest.approx(scores[:300].mean(), abs=0.01)
    assert len(set(kept) & set(range(300))) > 285 and scores[best].mean() > 0.8
    assert len(kept) == len(set(kept)) == 300


def test_the_command_inverts_on_request(tmp_path, monkeypatch):
    image_set, scores = planted()
    write(tmp_path, image_set, scores)
    paths = {"images": "images.zip", "scores": "scores.csv", "out": "out.zip"}
    given = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
    options = json.dumps(OPTIONS | {"as_published": ["inverted_filter"]})
    monkeypatch.setattr(sys, "argv", ["keep_best", "--options", options, *given])
    module.main()
    kept = keep_best(scores, image_set.labels, 0.3, inverted=True)
    read = read_image_set(tmp_path / "out.zip").rows["file_name"].tolist()
    assert read == image_set.rows["file_name"].iloc[kept].tolist()
