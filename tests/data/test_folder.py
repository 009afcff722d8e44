import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from archives import make_zip
from conftest import real_data
from data.odd_images import picture, plain

from pipeline.data.manifest import load_photograph
from pipeline.data.outside import folder_digest
from pipeline.data.photographs import list_photographs
from pipeline.stage import WrongInput


def place(root, *names, content=None):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain("PNG") if content is None else content)


def zipped(folder, archive, top=""):
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, top + path.relative_to(folder).as_posix())
    return archive


def listed(root, **layout):
    return list_photographs("folder", root, "all", **layout)


def by_name(rows, column):
    return dict(zip(rows["name"], rows[column], strict=True))


NAMES = ["-x/-1.png", "ö/hand der Frau, links.PNG", "a b/sub/日本.png", "a b/'quoted\" %.png", "a.zip/1.png"]


def test_odd_names_come_through_manifest_and_loading(tmp_path):
    place(tmp_path, *NAMES)
    rows = listed(tmp_path)
    rows.to_csv(tmp_path / "m.csv", index=False)
    assert sorted(rows["name"]) == sorted(NAMES)
    assert set(rows["class"]) == {"-x", "ö", "a b", "a.zip"}
    assert all((load_photograph(path) == picture()).all() for path in rows["path"])


def test_an_archive_is_read_as_the_folder_it_holds(tmp_path):
    place(tmp_path / "own", *NAMES[:4], "__MACOSX/a/._1.png", ".thumbs/1.png", "a b/._1.png")
    pd.DataFrame({"file": NAMES, "group": "ann"}).to_csv(tmp_path / "own" / "groups.csv", index=False)
    whole, packed = listed(tmp_path / "own"), listed(zipped(tmp_path / "own", tmp_path / "own.ZIP"))
    columns = ["name", "class", "group", "part"]
    assert len(whole) == 4 and packed[columns].equals(whole[columns])
    assert all((load_photograph(path) == picture()).all() for path in packed["path"])


def test_a_folder_around_the_classes_is_passed_through(tmp_path):
    place(tmp_path / "own", "a/1.png", "b/2.png")
    assert set(listed(zipped(tmp_path / "own", tmp_path / "own.zip", "own/"))["class"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((name, "leads out of the archive") for name in ("../a/1.png", "/a/1.png", "a/../../1.png")),
        *((name, "has a backslash or a drive") for name in ("C:/a/1.png", "a\\..\\..\\1.png", "a\\1.png")),
    ],
)
def test_a_name_that_leaves_the_archive_is_refused(tmp_path, name, said):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as file:
        file.writestr("b/1.png", plain("PNG"))
        file.writestr(name, plain("PNG"))
    with pytest.raises(WrongInput, match=rf"own\.zip: .*{said}"):
        listed(tmp_path / "own.zip")


@pytest.mark.parametrize(("link", "to"), [("a/up", ".."), ("a/here", "."), ("c", "a")])
def test_a_link_to_a_folder_that_is_read_anyway_is_refused_by_name(tmp_path, link, to):
    place(tmp_path / "own", "a/1.png", "b/2.png")
    (tmp_path / "own" / link).symlink_to(to)
    with pytest.raises(WrongInput, match=r"own\S*: is the folder \S*own\S* again, by a link; .*remove the link"):
        listed(tmp_path / "own")


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path):
    place(tmp_path / "disk", "1.png")
    place(tmp_path / "own", "a/1.png")
    (tmp_path / "own" / "b").symlink_to(tmp_path / "disk")
    assert listed(tmp_path / "own")["name"].tolist() == ["a/1.png", "b/1.png"]


def test_a_listing_that_is_not_there_is_named_with_its_own_remedy(tmp_path):
    place(tmp_path, "a/1.png")
    for kind in ("labels", "groups"):
        with pytest.raises(WrongInput, match=r"nowhere\.csv: no such file; name another listing"):
            listed(tmp_path, **{kind: str(tmp_path / "nowhere.csv")})


def test_damaged_members_and_archives_are_named(tmp_path):
    place(tmp_path / "own", "a/1.png", "b/1.png")
    archive = zipped(tmp_path / "own", tmp_path / "own.zip")
    whole = archive.read_bytes()
    rows = listed(archive)
    (tmp_path / "bad.zip").write_bytes(whole.replace(plain("PNG")[50:60], bytes(10), 1))
    with pytest.raises(WrongInput, match=r"bad\.zip/a/1\.png: damaged"):
        load_photograph(rows["path"][0].replace("own.zip", "bad.zip"))
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(WrongInput, match=r"cut\.zip: not a complete ZIP archive"):
        listed(tmp_path / "cut.zip")
    with pytest.raises(WrongInput, match=r"own\.zip/a/9\.png: no such file"):
        load_photograph(f"{archive}/a/9.png")


def test_encrypted_members_and_other_archives_are_refused(tmp_path):
    place(tmp_path / "own", "a/1.png", "b/1.png")
    archive = zipped(tmp_path / "own", tmp_path / "own.zip")
    # The first bit of the flags, the ninth byte of a member's entry in the directory, says that it is encrypted.
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(WrongInput, match=r"own\.zip: 'a/1\.png' is encrypted"):
        listed(archive)
    with pytest.raises(WrongInput, match=r"own\.tar: neither a folder nor a ZIP archive"):
        listed(archive.rename(tmp_path / "own.tar"))


def test_a_name_that_is_no_text_is_refused(tmp_path):
    place(tmp_path, "a/1.png")
    Path(tmp_path, "a", "\udcff.png").write_bytes(plain("PNG"))
    with pytest.raises(WrongInput, match=r"udcff\.png' has characters .*rename the file"):
        listed(tmp_path)


def test_other_files_are_counted_and_left_out(tmp_path, capsys):
    place(tmp_path, "a/1.png", "a/2.heic", "b/3.gif", "loose.png", "a/notes.txt", "b/4")
    assert listed(tmp_path)["name"].tolist() == ["a/1.png", "b/3.gif"]
    said = capsys.readouterr().out
    assert "left out (1 without a suffix, 1 .heic)" in said and "1 images lie in no class folder" in said


@pytest.mark.parametrize(
    ("sides", "tests"), [(("train", "valid"), "valid"), (("train", "val", "test"), "test"), (("Train", "Test"), "Test")]
)
def test_folders_of_a_split_are_no_classes(tmp_path, sides, tests):
    place(tmp_path, *(f"{side}/{name}/{side}.png" for side in sides for name in ("a", "b")))
    rows = listed(tmp_path)
    assert set(rows["class"]) == {"a", "b"}
    assert {name.split("/")[0] for name, part in by_name(rows, "part").items() if part == "test"} == {tests}
    assert set(rows["part"]) == {"train", "test"}


@pytest.mark.parametrize(
    ("names", "stray"),
    [
        (["train/a/1.png", "train/b/2.png", "val/a/3.png", "val/b/4.png"], "train/preview.png"),
        (["train/a/1.png", "train/b/2.png", "val/a/3.png", "val/b/4.png"], "preview.png"),
        (["own/a/1.png", "own/b/2.png"], "own/preview.png"),
        (["own/train/a/1.png", "own/train/b/2.png", "own/test/b/2.png"], "own/test/preview.png"),
    ],
)
def test_a_stray_image_above_the_classes_is_told_and_makes_no_folder_a_class(tmp_path, capsys, names, stray):
    place(tmp_path, *names)
    whole = listed(tmp_path)
    place(tmp_path, stray)
    rows = listed(tmp_path)
    assert set(rows["class"]) == {"a", "b"} and rows.equals(whole)
    assert f"1 images lie in no class folder and are left out (the first: {stray})" in capsys.readouterr().out


def test_a_folder_beside_those_of_a_split_is_refused_by_a_file_of_it(tmp_path):
    place(tmp_path, "train/a/1.png", "train/b/2.png", "val/a/3.png", "samples/1.png")
    with pytest.raises(WrongInput, match=r"samples/1\.png lies beside train/ and val/"):
        listed(tmp_path)


def test_folders_called_as_sides_with_images_of_their_own_are_classes(tmp_path):
    place(tmp_path, "train/1.png", "test/2.png")
    assert by_name(listed(tmp_path), "class") == {"train/1.png": "train", "test/2.png": "test"}


def test_listings_within_the_folder_around_all_are_read_relative_to_it(tmp_path):
    place(tmp_path / "own", "mine/im/1.png", "mine/im/2.png", "preview.png")
    (tmp_path / "own" / "mine" / "labels.csv").write_text("file,label\nim/1.png,a\nim/2.png,b\n")
    (tmp_path / "own" / "mine" / "groups.csv").write_text("file,group\nim/1.png,ann\nim/2.png,ben\n")
    for rows in (listed(tmp_path / "own"), listed(zipped(tmp_path / "own", tmp_path / "own.zip"))):
        assert rows["name"].tolist() == ["mine/im/1.png", "mine/im/2.png"]
        assert rows[["class", "group"]].to_numpy().tolist() == [["a", "ann"], ["b", "ben"]]
    (tmp_path / "own" / "mine" / "labels.csv").write_text("file,label\nim/3.png,a\n")
    with pytest.raises(WrongInput, match=r"mine/labels\.csv, row 2: no image 'im/3\.png' below \S+/mine"):
        listed(tmp_path / "own")


def test_a_listing_beside_a_part_of_the_images_is_told(tmp_path, capsys):
    place(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "groups.csv").write_text("file,group\n1.png,ann\n")
    assert listed(tmp_path)["group"].tolist() == ["a/1.png", "b/2.png"]
    assert "a/groups.csv is not read" in capsys.readouterr().out


LABELLED = "file,label,x,y,w,h,group\nim/1.png,a,4,6,10,8,ann\nim/1.png,b,20,20,30,10,ann\nim/2.png,a,,,,,ben\n"


def test_labels_with_boxes(tmp_path):
    place(tmp_path, "im/1.png", "im/2.png", "im/unlisted.png")
    (tmp_path / "labels.csv").write_text(LABELLED)
    rows = listed(tmp_path)
    assert rows["name"].tolist() == ["im/1.png@20,20,30,10", "im/1.png@4,6,10,8", "im/2.png"]
    assert rows[["class", "group"]].to_numpy().tolist() == [["b", "ann"], ["a", "ann"], ["a", "ben"]]
    # A quarter of the box's longer side more on each side, as far as the image goes: x 4 - 2, y 6 - 2; y 20 - 8 and on.
    assert (load_photograph(rows["path"][1]) == picture()[4:16, 2:16]).all()
    assert (load_photograph(rows["path"][0]) == picture()[12:38, 12:58]).all()
    assert (load_photograph(rows["path"][2]) == picture()).all()


@pytest.mark.parametrize(
    ("columns", "box"),
    [
        ("xmin,ymin,xmax,ymax", "20,20,50,30"),
        ("X_Min,Y_Min,X_Max,Y_Max", "20,20,50,30"),
        ("x1,y1,x2,y2", "19.6,20.4,50,30"),
        ("left,top,right,bottom", "20,20,50,30"),
        ("x,y,width,height", "20,20,30,10"),
        ("bbox_x,bbox_y,bbox_w,bbox_h", "20,20,30,10"),
        ("width,height,xmin,ymin,xmax,ymax", "60,40,20,20,50,30"),
    ],
)
def test_boxes_may_have_columns_of_other_names(tmp_path, capsys, columns, box):
    place(tmp_path, "im/1.png")
    (tmp_path / "labels.csv").write_text(f"file,label,{columns}\nim/1.png,a,{box}\n")
    assert listed(tmp_path)["name"].tolist() == ["im/1.png@20,20,30,10"]
    # Of a table with corners, these are the size of the photograph.
    assert ("left out (width, height)" in capsys.readouterr().out) == (columns.count(",") == 5)


def test_columns_that_are_not_read_are_told_and_half_a_box_is_refused(tmp_path, capsys):
    place(tmp_path, "im/1.png")
    (tmp_path / "labels.csv").write_text("file,label,width,signer,clip\nim/1.png,a,60,ann,7\n")
    assert listed(tmp_path)["group"].tolist() == ["ann"]
    assert "labels.csv: columns of no use here are left out (width, clip)" in capsys.readouterr().out
    (tmp_path / "labels.csv").write_text("file,label,xmin,ymin,xmax\nim/1.png,a,1,2,3\n")
    with pytest.raises(WrongInput, match=r"labels\.csv: found columns xmax,xmin,ymin; expected all of x,y,w,h or of"):
        listed(tmp_path)


def test_labels_and_groups_may_lie_elsewhere(tmp_path):
    place(tmp_path / "own", "1.png", "2.png", "o\u0308.png")
    # The same letter, written as one character.
    (tmp_path / "l.csv").write_text("file,label\n1.png,a\n\u00f6.png,b\n", encoding="utf-8-sig")
    (tmp_path / "g.csv").write_text("file,group\n1.png,ann\n\u00f6.png,ben\n")
    rows = listed(tmp_path / "own", labels=str(tmp_path / "l.csv"), groups=str(tmp_path / "g.csv"))
    assert rows[["class", "group"]].to_numpy().tolist() == [["a", "ann"], ["b", "ben"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,label\n", r"labels\.csv: found columns .*expected file,label"),
        ("file;label\nim/1.png;a\n", r"labels\.csv: found columns"),
        ("file,label\nim/1.png,a\nim/9.png,a\n", r"labels\.csv, row 3: no image 'im/9\.png'"),
        ("file,label\n../im/1.png,a\n", r"labels\.csv, row 2: no image"),
        ("file,label\nim/1.png, \n", r"labels\.csv, row 2: im/1\.png has no label"),
        ("file,label\nim/1.png,a\nim/1.png,b\n", r"labels\.csv, row 3: im/1\.png is listed twice"),
        ("file,label,x,y,w,h\nim/1.png,a,1,2,3,\n", r"labels\.csv, row 2: box"),
        ("file,label,x,y,w,h\nim/1.png,a,-1,2,3,4\n", r"labels\.csv, row 2: box"),
        ("file,label,x,y,w,h\nim/1.png,a,1,2,0,4\n", r"labels\.csv, row 2: box"),
        ("file,label,x,y,w,h\nim/1.png,a,nan,2,3,4\n", r"labels\.csv, row 2: box"),
        ("file,label,xmin,ymin,xmax,ymax\nim/1.png,a,20,2,20,4\n", r"labels\.csv, row 2: box .* of xmin,ymin"),
        (b"file,label\nim/\xff.png,a\n", r"labels\.csv: not a CSV file in UTF-8"),
    ],
)
def test_labels_that_do_not_fit_are_named_with_their_row(tmp_path, text, said):
    place(tmp_path, "im/1.png")
    (tmp_path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WrongInput, match=said):
        listed(tmp_path)


def test_a_box_beside_the_photograph_is_named(tmp_path):
    place(tmp_path, "im/1.png")
    (tmp_path / "labels.csv").write_text("file,label,x,y,w,h\nim/1.png,a,900,2,10,10\n")
    with pytest.raises(
        WrongInput, match=r"im/1\.png.*outside of the photograph, which is 60x40; mend its row of the labels"
    ):
        load_photograph(listed(tmp_path)["path"][0])


def test_a_pattern_tells_groups_and_what_it_misses_is_named(tmp_path):
    place(tmp_path, "a/x_id1_1.png", "a/x_id1_2.png", "b/x_id2_1.png")
    assert listed(tmp_path, group_pattern="_(id[0-9]+)_")["group"].tolist() == ["id1", "id1", "id2"]
    misfit = r"b/x_id2_1\.png does not match"
    for pattern, said in [("_(id1)_", misfit), ("_(id1)?", misfit), ("id", "in brackets"), ("(", "mend it")]:
        with pytest.raises(WrongInput, match=said):
            listed(tmp_path, group_pattern=pattern)


def test_a_change_within_an_archive_is_noticed(tmp_path):
    place(tmp_path / "own", "a/1.png")
    archive = zipped(tmp_path / "own", tmp_path / "own.zip")
    first = folder_digest(archive)
    assert folder_digest(zipped(tmp_path / "own", archive)) == first
    place(tmp_path / "own", "a/1.png", content=plain("BMP"))
    assert folder_digest(zipped(tmp_path / "own", archive)) != first


def test_the_papers_own_layout(tmp_path):
    rows = listed(real_data("fixtures") / "paper_layout")
    assert rows["class"].value_counts().to_dict() == {"1_P": 5, "5_P": 5, "L_P": 5}
    assert rows["part"].value_counts().to_dict() == {"train": 12, "test": 3}


def test_photographs_with_labels_and_signers():
    root = real_data("hgr1-700")
    rows = listed(root)
    assert (len(rows), rows["class"].nunique(), rows["group"].nunique()) == (700, 22, 12)
    # Counts of its README.
    assert rows["group"].value_counts()["id07"] == 66 and (rows["class"] == "A_P").sum() == 39
    longtail = listed(root, labels=str(root / "train_longtail.csv"))
    assert len(longtail) == 90 and np.ptp(longtail["class"].value_counts()) == 23


def test_rows_with_more_fields_than_the_header_are_refused(tmp_path):
    # pandas would take the names for an index, and the labels for the names.
    place(tmp_path, "1.png", "2.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,a,\n2.png,b,\n")
    with pytest.raises(WrongInput, match=r"labels\.csv: its rows have more fields than its header"):
        listed(tmp_path)


def test_a_file_of_two_groups_is_named(tmp_path):
    place(tmp_path, "a/1.png", "b/2.png")
    rows = "file,group\na/1.png,ann\nb/2.png,ben\na/1.png,{}\n"
    (tmp_path / "groups.csv").write_text(rows.format("ann"))
    assert listed(tmp_path)["group"].tolist() == ["ann", "ben"], "a row given twice says nothing new"
    (tmp_path / "groups.csv").write_text(rows.format("cem"))
    with pytest.raises(WrongInput, match=r"groups\.csv, row 4: a/1\.png is of group 'cem', and above of 'ann'"):
        listed(tmp_path)


def test_a_group_left_empty_is_the_image_s_own_and_blanks_make_no_other_signer(tmp_path):
    place(tmp_path, "a/1.png", "a/2.png", "b/3.png", "b/4.png")
    (tmp_path / "groups.csv").write_text("file,group\na/1.png,\na/2.png,\nb/3.png,ann\nb/4.png, ann \n")
    groups = by_name(listed(tmp_path), "group")
    assert groups["a/1.png"] != groups["a/2.png"] and groups["b/3.png"] == groups["b/4.png"] == "ann"
    (tmp_path / "groups.csv").unlink()
    (tmp_path / "labels.csv").write_text("file,label,signer\na/1.png,a,\na/2.png,a,\nb/3.png,b,ann\nb/4.png,b,ann \n")
    assert by_name(listed(tmp_path), "group") == groups


def test_an_archive_whose_members_begin_before_it_is_named(tmp_path):
    place(tmp_path / "own", "a/1.png", "b/1.png")
    archive = zipped(tmp_path / "own", tmp_path / "own.zip")
    path = listed(archive)["path"][0].replace("own.zip", "bad.zip")
    data = bytearray(archive.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    # Where the directory claims to be; every member's place is taken relative to it.
    data[end + 16 : end + 20] = (int.from_bytes(data[end + 16 : end + 20], "little") + 5000).to_bytes(4, "little")
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(WrongInput, match=r"bad\.zip"):
        load_photograph(path)


def test_a_member_without_a_name_is_refused(tmp_path):
    archive = make_zip(tmp_path / "own.zip", {"a/1.png": plain("PNG"), "": b"x"})
    with pytest.raises(WrongInput, match=r"own\.zip: '' leads out of the archive"):
        listed(archive)


def test_a_list_of_a_million_rows_is_read(tmp_path):
    place(tmp_path, "1.png")
    (tmp_path / "groups.csv").write_text("file,group\n1.png,ann\n" + "2.png,ben\n" * 1_000_000)
    (tmp_path / "labels.csv").write_text("file,label\n1.png,a\n")
    assert listed(tmp_path)["group"].tolist() == ["ann"]
