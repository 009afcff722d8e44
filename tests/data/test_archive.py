import json
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest

from pipeline.data.archive import ImageSet, keypoints_json, read_image_set, read_metadata, write_image_set
from pipeline.data.photographs import list_photographs
from pipeline.stage import WrongInput


def numbered_set(num_classes):
    """One 8x8 image per class whose pixels hold the label, and classes whose names do not sort as their labels."""
    names = [str(label + 1) for label in range(num_classes)]
    rows = pd.DataFrame(
        {
            "file_name": [f"{name}/000000.png" for name in names],
            "label": range(num_classes),
            "class": names,
            "group": ["007"] * num_classes,
            "keypoints": [keypoints_json(np.full((21, 2), label + 0.25)) for label in range(num_classes)],
        }
    )
    images = np.arange(num_classes, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 3), np.uint8)
    return ImageSet(images, rows, names)


def test_label_order_survives_saving_with_more_than_ten_classes(tmp_path):
    # The released code sorts folders as text, "1" < "10" < "2", and so permutes the labels of its generated images.
    write_image_set(tmp_path / "set.zip", numbered_set(12))
    read = read_image_set(tmp_path / "set.zip")
    assert read.class_names == [str(label + 1) for label in range(12)]
    assert read.labels.tolist() == list(range(12))
    assert (read.images[:, 0, 0, 0] == read.labels).all()
    assert read.rows["group"].tolist() == ["007"] * 12
    assert np.allclose(read.keypoints[:, 0, 0], np.arange(12) + 0.25)


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_image_set(tmp_path / name, numbered_set(3))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_ordinary_tools_open_the_archive(tmp_path):
    write_image_set(tmp_path / "set.zip", numbered_set(2))
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("1/000000.png").startswith(b"\x89PNG")
        assert json.loads(archive.read("class_names.json")) == ["1", "2"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_image_set(tmp_path / "set.zip", numbered_set(2))
    before = (tmp_path / "set.zip").read_bytes()
    good = numbered_set(2)
    failing = (good.images[0] if index == 0 else 1 // 0 for index in range(2))
    with pytest.raises(ZeroDivisionError):
        write_image_set(tmp_path / "set.zip", ImageSet(failing, good.rows, good.class_names))
    assert (tmp_path / "set.zip").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]


@pytest.mark.parametrize(("content", "said"), [(None, "no such image set"), (b"PK\x03\x04 cut", "not a complete ZIP")])
def test_a_missing_or_cut_archive_is_named(tmp_path, content, said):
    if content:
        (tmp_path / "set.zip").write_bytes(content)
    with pytest.raises(WrongInput, match=rf"set\.zip: {said}"):
        read_metadata(tmp_path / "set.zip")


def rewritten(path, **members):
    """Write a set of three images, members of which are replaced; None leaves one out."""
    write_image_set(path, numbered_set(3))
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (found | members).items():
            if content is not None:
                archive.writestr(name, content)
    return path


HEADER = "file_name,label,class,group,keypoints\n"
LARGER = cv2.imencode(".png", np.zeros((9, 8, 3), np.uint8))[1].tobytes()
ROTTEN = {
    "no image": ({"1/000000.png": None}, r"set\.zip/1/000000\.png: no such file"),
    "empty image": ({"1/000000.png": b""}, r"set\.zip/1/000000\.png: not a readable image"),
    "another size": ({"2/000000.png": LARGER}, r"set\.zip/2/000000\.png: 8x9 pixels; expected 8x8"),
    "no metadata": ({"metadata.csv": None}, r"set\.zip/metadata\.csv: no such file"),
    "no columns": ({"metadata.csv": "a,b\n1,2\n"}, r"set\.zip: not an image set"),
    "no number": ({"metadata.csv": HEADER + "1/000000.png,x,1,,\n"}, r"set\.zip: not an image set"),
    "label of no class": ({"metadata.csv": HEADER + "1/000000.png,3,1,,\n"}, "row 2: label 3 of no class"),
    "negative label": ({"metadata.csv": HEADER + "1/000000.png,-1,1,,\n"}, "row 2: label -1 of no class"),
    "longer rows": ({"metadata.csv": HEADER + "x,1/000000.png,0,1,,,\n" * 2}, r"set\.zip: not an image set"),
    "classes as numbers": ({"class_names.json": "[1, 2, 3]"}, "no list of names"),
    "classes as a number": ({"class_names.json": "3"}, "no list of names"),
    "deep classes": ({"class_names.json": "[" * 100_000}, r"set\.zip: not an image set"),
}


@pytest.mark.parametrize("kind", ROTTEN)
def test_a_rotten_image_set_is_named(tmp_path, kind):
    members, said = ROTTEN[kind]
    with pytest.raises(WrongInput, match=said):
        read_image_set(rewritten(tmp_path / "set.zip", **members))


@pytest.mark.parametrize("pose", ["", "null", "[[1, 2]]", "[[1e999, 0]" + ", [1, 2]" * 20 + "]", "{}", "[" * 100_000])
def test_poses_that_are_none_are_named(tmp_path, pose):
    metadata = numbered_set(3).rows.assign(keypoints=pose).to_csv(index=False)
    path = rewritten(tmp_path / "set.zip", **{"metadata.csv": metadata})
    image_set = read_image_set(path)  # for who asks for no poses it is whole
    with pytest.raises(WrongInput, match=r"set\.zip, 1/000000\.png: its keypoints are not 21 pairs"):
        _ = image_set.keypoints
    if pose:  # as a data set, an empty field is a photograph without landmarks
        with pytest.raises(WrongInput, match=r"metadata\.csv, row 2: keypoints .*expected JSON"):
            list_photographs("image_archive", path, "all")


def test_a_member_whose_bits_fell_over_is_named(tmp_path):
    write_image_set(tmp_path / "set.zip", numbered_set(2))
    data = (tmp_path / "set.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(data.replace(b'["1", "2"]', b'["1", "3"]', 1))
    with pytest.raises(WrongInput, match=r"set\.zip/class_names\.json: damaged"):
        read_metadata(tmp_path / "set.zip")


def test_a_member_that_claims_gigabytes_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.csv", bytes(2**28 + 1))
    with pytest.raises(WrongInput, match=r"metadata\.csv: claims 268435457 bytes"):
        read_metadata(tmp_path / "set.zip")
