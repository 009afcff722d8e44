import json

import numpy as np
import pytest
from conftest import real_data

from pipeline.data.manifest import load_photograph
from pipeline.data.photographs import list_photographs
from pipeline.stage import WrongInput

RWTH_COUNTS = {"1": 529, "index": 401, "5": 349, "f": 333, "2": 321, "ital": 309, "b": 197, "y": 1, "h_hook": 1}


def test_rwth_reads_3359_frames_of_443_clips():
    rows = list_photographs("rwth", real_data("rwth-handshapes-22x32"), "all")
    assert (len(rows), rows["group"].nunique(), rows["class"].nunique()) == (3359, 443, 45)
    assert {name: int((rows["class"] == name).sum()) for name in RWTH_COUNTS} == RWTH_COUNTS
    assert load_photograph(rows["path"][0]).shape == (32, 22, 3)


def test_rwth_may_be_grouped_by_signer():
    root = real_data("rwth-handshapes-22x32")
    rows = list_photographs("rwth", root, "all", groups=root / "metadata.csv")
    assert (len(rows), rows["group"].nunique()) == (3359, 9)
    # metadata.csv: of the first clip in time both frames belong to signer08.
    first = rows[rows["name"].str.contains("01February_2011_Tuesday_heute_default-8/")]
    assert set(first["group"]) == {"signer08"}


@pytest.mark.parametrize("version", ["hagrid_v1", "hagrid_v2"])
def test_both_versions_of_hagrid_give_the_same_hands(version):
    rows = list_photographs("hagrid", real_data("fixtures") / version, ["fist", "palm", "peace"])
    assert rows["class"].value_counts().to_dict() == {"fist": 4, "palm": 4, "peace": 4}
    by_stem = {row["name"].rsplit("/", 1)[1]: row for row in rows.to_dict("records")}
    # The entry as printed in the owner's file: index finger tip at (0.51503, 0.25899) of the image.
    row = by_stem["00c47c4e-f32e-55d9-8626-d9dbbbd486b8.jpg"]
    height, width = load_photograph(row["path"]).shape[:2]
    thumb_tip, index_pip = np.array(json.loads(row["landmarks"]))[[4, 6]]
    assert thumb_tip == pytest.approx([0.444351 * width - 0.5, 0.249363 * height - 0.5], abs=0.01)
    assert index_pip == pytest.approx([0.51503 * width - 0.5, 0.25899 * height - 0.5], abs=0.01)


def test_hagrid_leaves_out_annotations_without_an_image(capsys):
    rows = list_photographs("hagrid", real_data("fixtures") / "hagrid_v1", "all")
    assert all(load_photograph(path).ndim == 3 for path in rows["path"])
    assert "annotations without an image are left out" in capsys.readouterr().out


def test_hagrid_keeps_the_owners_split_and_empty_landmarks():
    rows = list_photographs("hagrid", real_data("source-open-hagrid-layout"), "all")
    assert len(rows) == 4574
    # 4261 photographs have landmarks; in one of them they lie beside the box, on something else.
    assert (rows["landmarks"] != "").sum() == 4260
    assert not set(rows["group"][rows["part"] == "train"]) & set(rows["group"][rows["part"] == "test"])


def image_folder(root, names):
    import cv2

    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((6, 6, 3), 128, np.uint8))


def test_a_folder_by_class_with_groups(tmp_path):
    image_folder(tmp_path, ["a/1.png", "a/2.jpg", "b/x/3.png"])
    (tmp_path / "groups.csv").write_text("file,group\na/1.png,ann\na/2.jpg,ben\nb/x/3.png,ann\n")
    rows = list_photographs("folder", tmp_path, "all")
    assert rows[["name", "class", "group"]].to_numpy().tolist() == [
        ["a/1.png", "a", "ann"],
        ["a/2.jpg", "a", "ben"],
        ["b/x/3.png", "b", "ann"],
    ]


@pytest.mark.parametrize(
    ("listing", "said"),
    [("file,group\na/1.png,ann\n", "no row for a/2.png"), ("name,signer\n", "expected file,signer")],
)
def test_a_groups_file_that_does_not_fit_is_named(tmp_path, listing, said):
    image_folder(tmp_path, ["a/1.png", "a/2.png"])
    (tmp_path / "groups.csv").write_text(listing)
    with pytest.raises(WrongInput, match=rf"groups\.csv: .*{said}"):
        list_photographs("folder", tmp_path, "all")


def test_labels_may_tell_the_split_and_the_signer(tmp_path):
    image_folder(tmp_path, ["1.png", "2.png", "3.png"])
    (tmp_path / "labels.csv").write_text(
        "file,label,signer,split\n1.png,a,ann,train\n2.png,a,ben,val\n3.png,b,eve,test\n"
    )
    rows = list_photographs("folder", tmp_path, "all")
    assert rows[["group", "part"]].to_numpy().tolist() == [["ann", "train"], ["ben", "train"], ["eve", "test"]]
    (tmp_path / "labels.csv").write_text("file,label,part\n1.png,a,trian\n")
    with pytest.raises(WrongInput, match=r"labels\.csv, row 2: part 'trian'; expected one of train, "):
        list_photographs("folder", tmp_path, "all")


def test_a_label_outside_the_list_is_named_with_its_line(tmp_path):
    image_folder(tmp_path, ["images/clip/1/f1.png"])
    (tmp_path / "1-handshape-annotations.txt").write_text("images/clip/1/f1.png zebra\n")
    with pytest.raises(WrongInput, match=r"annotations\.txt, line 1: class 'zebra' is not among the 2 classes"):
        list_photographs("rwth", tmp_path, ["a", "b"])


@pytest.mark.parametrize(
    ("text", "said"),
    [("images/clip/1/f1.png\n", "line 1: found"), ("images/c/1/f.png a\nimages/c/1/f.png a\n", "listed twice")],
)
def test_a_broken_rwth_listing_is_named_with_its_line(tmp_path, text, said):
    (tmp_path / "2-handshape-annotations.txt").write_text(text)
    with pytest.raises(WrongInput, match=said):
        list_photographs("rwth", tmp_path, "all")


def test_missing_data_says_where_to_put_it(tmp_path):
    with pytest.raises(WrongInput, match="nowhere: no such data set; put or link it there"):
        list_photographs("rwth", tmp_path / "nowhere", "all")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n cut", b"<html>not found</html>"])
def test_an_unreadable_photograph_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(WrongInput, match=r"a\.png: not a readable image"):
        load_photograph(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"images/clip/1/\xff.png a\n", r"annotations\.txt: not UTF-8"),
        (b"../images/clip/1/f.png a\n", r"annotations\.txt, line 1: found"),
        (b"/images/clip/1/f.png a\n", r"annotations\.txt, line 1: found"),
        (b"images/clip/1/\x07.png a\n", r"annotations\.txt, line 1: name .* has characters"),
    ],
)
def test_a_rotten_rwth_listing_is_named(tmp_path, content, said):
    (tmp_path / "1-handshape-annotations.txt").write_bytes(content)
    with pytest.raises(WrongInput, match=said):
        list_photographs("rwth", tmp_path, "all")


def test_a_name_that_no_disk_holds_is_one_of_a_file_that_is_not_there(tmp_path):
    (tmp_path / "1-handshape-annotations.txt").write_text(f"clip/1/{'x' * 5000}.png a\n")
    (row,) = list_photographs("rwth", tmp_path, "all").to_dict("records")
    with pytest.raises(WrongInput, match="no such file"):
        load_photograph(row["path"])


HAND = [[0.3, 0.4]] * 21
ENTRY = {"bboxes": [[0.1, 0.2, 0.5, 0.5]], "labels": ["palm"], "landmarks": [HAND], "user_id": "ann"}


def annotated(root, text):
    image_folder(root, ["train_val/palm/1.jpg"])
    (root / "ann_train_val").mkdir()
    (root / "ann_train_val" / "palm.json").write_text(text)
    return root


def test_a_hand_of_hagrid_is_read(tmp_path):
    (row,) = list_photographs("hagrid", annotated(tmp_path, json.dumps({"1": ENTRY})), "all").to_dict("records")
    assert row["group"] == "ann" and len(json.loads(row["landmarks"])) == 21


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user_id", None),
        ("user_id", 7),
        ("user_id", "\ud800"),
        ("labels", "palm"),
        ("labels", [None]),
        ("labels", {"palm": 0}),
        ("labels", []),
        ("bboxes", []),
        ("bboxes", [[0.1, 0.2, 0.5]]),
        ("bboxes", [["0.1", 0.2, 0.5, 0.5]]),
        ("bboxes", [[float("nan"), 0.2, 0.5, 0.5]]),
        ("bboxes", 1),
        ("landmarks", 1.5),
        ("landmarks", [[[float("nan"), 0.4]] * 21]),
        ("landmarks", [[[0.3, float("inf")]] * 21]),
        ("landmarks", [[[0.3, 0.4], [0.3]]]),
        ("landmarks", [["x"] * 21]),
        ("landmarks", [HAND, {"x": 1}]),
    ],
)
def test_a_rotten_entry_of_hagrid_is_named(tmp_path, key, value):
    annotated(tmp_path, json.dumps({"1": ENTRY | {key: value}}))
    with pytest.raises(WrongInput, match=r"palm\.json, key '?1'?: "):
        list_photographs("hagrid", tmp_path, "all")


@pytest.mark.parametrize("text", ["", "[", "null", "[1, 2]", '{"1": []}', '{"../1": {}}', "[" * 100_000, "1" * 5000])
def test_json_that_is_not_hagrids_is_named(tmp_path, text):
    annotated(tmp_path, text)
    with pytest.raises(WrongInput, match=r"palm\.json[:,]"):
        list_photographs("hagrid", tmp_path, "all")


@pytest.mark.parametrize("name", ["../../secret", "a/b", "/secret"])
def test_a_name_of_hagrid_leads_nowhere_else(tmp_path, name):
    annotated(tmp_path, json.dumps({name: ENTRY}))
    with pytest.raises(WrongInput, match=r"palm\.json, key .*: expected the name of an image"):
        list_photographs("hagrid", tmp_path, "all")
