import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from pipeline.data.archive import ImageSet, keypoints_json, read_image_set, read_metadata, write_image_set
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
