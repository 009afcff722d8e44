import shutil
import sys

import pytest
import yaml
from conftest import ROOT, real_data
from data.odd_images import encoded
from PIL import Image

from pipeline.data import add
from pipeline.data.entries import with_entries
from pipeline.stage import WrongInput
from pipeline.study import Study

PARAMS = (ROOT / "params.yaml").read_text()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A folder with params.yaml, in which the test runs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    return folder


def call(monkeypatch, capsys, *arguments):
    """Return what `python -m pipeline.data.add …` says; WrongInput passes."""
    monkeypatch.setattr(sys, "argv", ["add", *map(str, arguments)])
    add.main()
    done = capsys.readouterr()
    return done.out + done.err


def colours(folder, per_class=6, classes=("a", "b", "c"), name="{c}/id{n}_{i}.png"):
    """Write images of one colour each, no two alike, by three signers."""
    for number, c in enumerate(classes):
        for i in range(per_class):
            path = folder / name.format(c=c, n=i % 3, i=i)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(Image.new("RGB", (70, 60), (40 * number, 9 * i, 200)), "PNG"))
    return folder


def removed(text, added):
    """Return text without the lines that `added` has more; fails where anything else differs."""
    rest = iter(added.splitlines())
    kept = [next(line for line in rest if line == wanted) for wanted in text.splitlines()]
    return "\n".join(kept) + "\n"


def test_every_line_of_params_yaml_stays_and_the_study_is_whole(repository, monkeypatch, capsys):
    colours(repository / "data" / "mine")
    said = call(monkeypatch, capsys, "data/mine", "--name", "mine")
    text = (repository / "params.yaml").read_text()
    assert removed(PARAMS, text) == PARAMS
    params, before = yaml.safe_load(text), yaml.safe_load(PARAMS)
    assert params["datasets"].pop("mine")["root"] == "data/mine" and params["studies"].pop("mine")
    assert params == before
    study = Study(yaml.safe_load(text) | {"study": "mine"})
    assert study.artifacts()["crops"] == ["results/crops/mine-test.zip", "results/crops/mine-train.zip"]
    # Table 8 needs no other data set, and a source that is the target would repeat its rows.
    assert {cell["cell"].split("-")[0] for cell in study.cells("8")} == {"mine"}
    assert len(study.rows("8")) == 7 and not any("multi-source" in method for _, method, _ in study.rows("8"))
    assert not any("_from_" in maker for _, maker in study.image_sets())
    for command in ("results/sheets/crops/mine.png", "results/table8.csv"):
        assert f"python -m pipeline.progress --config study=mine -- {command}" in said
    assert sorted(path.name for path in (repository / "data" / "mine").iterdir()) == ["a", "b", "c"]


def test_a_second_call_changes_nothing_and_another_folder_is_refused(repository, monkeypatch, capsys):
    colours(repository / "data" / "mine")
    call(monkeypatch, capsys, "data/mine", "--name", "mine")
    text = (repository / "params.yaml").read_bytes()
    assert "nothing was changed" in call(monkeypatch, capsys, "data/mine", "--name", "mine")
    unfit = [("x", name, "expected words of lower-case") for name in ("A-b", "12", "on", "my__hands")]
    for path, name, words in [("data", "mine", "lies in data/mine"), ("x", "demo", "a study demo"), *unfit]:
        with pytest.raises(WrongInput, match=words):
            call(monkeypatch, capsys, path, "--name", name)
    assert (repository / "params.yaml").read_bytes() == text


def test_duplicates_are_told_by_pixels_whatever_the_format(repository, monkeypatch, capsys):
    root = colours(repository / "mine")
    with Image.open(root / "a" / "id0_0.png") as image:
        image.save(root / "a" / "id0_7.bmp")
        image.save(root / "b" / "id0_8.tiff")
    with Image.open(root / "c" / "id0_0.png") as image:
        image.save(root / "c" / "id0_9.png", compress_level=0)
    said = call(monkeypatch, capsys, "mine", "--name", "mine")
    assert "equal pixels within classes: 1 sets" in said and "c/id0_0.png = c/id0_9.png" in said
    assert "equal pixels across classes: 1 sets" in said and "a/id0_0.png = a/id0_7.bmp = b/id0_8.tiff" in said


def test_images_that_cannot_be_read_are_all_named_and_as_many_as_allowed_are_left_out(repository, monkeypatch, capsys):
    root = colours(repository / "mine", per_class=30)
    for i in range(20):
        (root / "a" / f"id{i % 3}_{i}.png").write_bytes(b"no image")
    with pytest.raises(WrongInput, match=r"20 images cannot be read.*expected 19 at most.*--unreadable-at-most 20"):
        call(monkeypatch, capsys, "mine", "--name", "mine", "--unreadable-at-most", 19)
    said = capsys.readouterr().out
    assert all(f"mine/a/id{i % 3}_{i}.png: not a readable image" in said for i in range(20))
    assert (repository / "params.yaml").read_text() == PARAMS
    assert "70 images of 3 classes" in call(monkeypatch, capsys, "mine", "--name", "mine", "--unreadable-at-most", 20)
    own = yaml.safe_load((repository / "params.yaml").read_text())["datasets"]["mine"]
    assert own["poses"]["unreadable_at_most"] == 20


@pytest.mark.parametrize(
    ("name", "words"),
    [("{c}/id{n}_{i}.png", "told from the names by a word"), ("{c}/{n}{i}.png", "no groups are given")],
)
def test_groups_are_told_or_missed(repository, monkeypatch, capsys, name, words):
    colours(repository / "mine", name=name)
    assert words in call(monkeypatch, capsys, "mine", "--name", "mine")
    own = yaml.safe_load((repository / "params.yaml").read_text())["datasets"]["mine"]
    assert ("group_pattern" in own) == ("id" in name)


def test_listings_from_elsewhere_stand_in_params_yaml(repository, monkeypatch, capsys):
    colours(repository / "mine", name="all/{c}{i}.png")
    names = [f"all/{c}{i}.png" for c in "abc" for i in range(6)]
    (repository / "l.csv").write_text("file,label\n" + "".join(f"{name},{name[4].upper()}\n" for name in names))
    (repository / "g.csv").write_text("file,group\n" + "".join(f"{name},{name[5]}\n" for name in names))
    said = call(monkeypatch, capsys, "mine", "--name", "mine", "--labels", "l.csv", "--groups", "g.csv")
    own = yaml.safe_load((repository / "params.yaml").read_text())["datasets"]["mine"]
    assert (own["labels"], own["groups"]) == ("l.csv", "g.csv") and "A 6, B 6, C 6" in said


def test_listings_within_the_folder_around_all_are_the_data_set_s_own(repository, monkeypatch, capsys):
    root = colours(repository / "mine" / "whole")
    files = [path.relative_to(root).as_posix() for path in sorted(root.glob("*/*"))]
    (root / "groups.csv").write_text("file,group\n" + "".join(f"{file},{file[6]}\n" for file in files))
    (root / "labels.csv").write_text("file,label\n" + "".join(f"{file},{file[0].upper()}\n" for file in files))
    said = call(monkeypatch, capsys, "mine", "--name", "mine", "--labels", root / "labels.csv")
    assert "groups: 6 as listed" in said and "A 6, B 6, C 6" in said and "by mine/whole/labels.csv" in said
    assert not {"labels", "groups"} & set(yaml.safe_load((repository / "params.yaml").read_text())["datasets"]["mine"])


def test_groups_that_cannot_be_split_are_told(repository, monkeypatch, capsys):
    root = colours(repository / "mine")
    (root / "groups.csv").write_text(
        "file,group\n" + "".join(f"{path.relative_to(root).as_posix()},ann\n" for path in root.glob("*/*"))
    )
    assert "the groups cannot be split" in call(monkeypatch, capsys, "mine", "--name", "mine")
    assert yaml.safe_load((repository / "params.yaml").read_text())["datasets"]["mine"]["split"]["kind"] == "random"


def own_split(repository):
    """The split that params.yaml has of the data set `mine`."""
    return yaml.safe_load((repository / "params.yaml").read_text())["datasets"]["mine"]["split"]["kind"]


def test_a_class_that_only_tests_is_refused_before_hands_are_looked_for(repository, monkeypatch, capsys):
    for part, classes in (("train", "ab"), ("test", "abc")):
        colours(repository / "mine", classes=classes, name=part + "/{c}/{n}{i}.png")
    with pytest.raises(WrongInput, match="class 'c' has test images alone"):
        call(monkeypatch, capsys, "mine", "--name", "mine")
    assert (repository / "params.yaml").read_text() == PARAMS


@pytest.mark.parametrize(("name", "told"), [("{c}/id{n}_{i}.png", True), ("{c}/id{n}9_{i}.png", False)])
def test_groups_on_both_sides_of_a_split_that_came_along_are_told(repository, monkeypatch, capsys, name, told):
    colours(repository / "mine", name="train/{c}/id{n}_{i}.png")
    colours(repository / "mine", name="test/" + name)
    said = call(monkeypatch, capsys, "mine", "--name", "mine")
    assert ("3 groups stand on both sides of the split" in said and "(id0, id1, id2)" in said) is told
    assert own_split(repository) == "official"


def test_a_split_without_test_images_is_none(repository, monkeypatch, capsys):
    colours(repository / "mine", name="train/{c}/id{n}_{i}.png")
    # Whose class these are, nothing tells.
    colours(repository / "mine", classes="a", name="test/{n}{i}.png")
    said = call(monkeypatch, capsys, "mine", "--name", "mine")
    assert "6 images lie in no class folder" in said and "has train images alone, so another is proposed" in said
    assert "cannot be split" not in said and own_split(repository) == "grouped"


@pytest.mark.parametrize(
    ("names", "words"),
    [(["a/{i}.png"], "1 classes have 4 images or more"), (["{i}.png"], "no photograph found")],
)
def test_a_folder_without_classes_is_refused(repository, monkeypatch, capsys, names, words):
    for name in names:
        colours(repository / "mine", classes="a", name=name)
    with pytest.raises(WrongInput, match=words):
        call(monkeypatch, capsys, "mine", "--name", "mine")
    assert (repository / "params.yaml").read_text() == PARAMS


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        ("hagrid", "ann_train_val/a.json"),
        ("hagrid", "annotations/train/a.json"),
        ("rwth", "x/3359-ph2014-MS-handshape-annotations.txt"),
    ],
)
def test_a_layout_with_a_reader_of_its_own_is_known(repository, monkeypatch, capsys, reader, name):
    path = colours(repository / "mine") / name
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(WrongInput, match=f"the layout of the data set {reader}"):
        call(monkeypatch, capsys, "mine", "--name", "mine")
    assert (repository / "params.yaml").read_text() == PARAMS


@pytest.mark.parametrize(
    ("per_class", "size", "epochs"), [(6, "all", 8), (100, "all", 1), (400, 333, 1)], ids=["few", "some", "many"]
)
def test_the_quick_study_stays_quick(per_class, size, epochs, repository, monkeypatch, capsys):
    names = [(c, i) for c in "abc" for i in range(per_class)]
    colours(repository / "mine")
    # One file, of which each image is a pixel or so: what counts is how many there are.
    rows = [f"a/id0_0.png,{c},{i % 60},{i // 60},{1 + 'abc'.index(c)},1,{i}" for c, i in names]
    (repository / "l.csv").write_text("file,label,x,y,w,h,group\n" + "\n".join(rows) + "\n")
    call(monkeypatch, capsys, "mine", "--name", "mine", "--labels", "l.csv")
    study = yaml.safe_load((repository / "params.yaml").read_text())["studies"]["mine"]
    own = study["experiments"]["mine"]
    assert own["sizes"] == [size] and own["classifier"]["epochs"] == epochs


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("anchors:", "# what several share\n\nanchors:"),
        lambda text: text.replace('"22"', "'22'") + "# the end\n",
    ],
    ids=["as it is", "no last newline", "Windows", "comment between sections", "comment at the end"],
)
def test_entries_leave_the_text_around_them(change):
    text = change(PARAMS)
    study = "mine:\n  <<: *demo"
    added = with_entries(text, {"studies": study})
    assert removed(text, added) == "\n".join(text.splitlines()) + "\n"
    assert sorted(added.splitlines()) == sorted([*text.splitlines(), "", "  mine:", "    <<: *demo"])
    assert ("\r\n" in added) == ("\r\n" in text) and added.count("\r\n") in (0, added.count("\n"))


@pytest.mark.parametrize(
    ("text", "entry", "words"),
    [
        (PARAMS, "mine:\n  <<: *dmeo", "dmeo"),
        (PARAMS, "mine: {table8: nowhere}", "studies.mine"),
        (PARAMS, "demo:\n  <<: *small", "by hand"),
        ("study: demo\ndatasets: {}\nstudies: {}\n", "mine: {}", "put the first one there by hand"),
        ("study: [demo\n", "mine: {}", "params.yaml: .*mend it"),
    ],
    ids=["no such anchor", "not what the schema allows", "a name that is taken", "one line", "broken"],
)
def test_entries_that_would_break_the_file_are_refused(text, entry, words):
    with pytest.raises(WrongInput, match=words):
        with_entries(text, {"studies": entry})


def test_real_photographs(repository, monkeypatch, capsys):
    root = real_data("hgr1-700")
    said = call(monkeypatch, capsys, root, "--name", "hgr", "--labels", root / "train_longtail.csv")
    assert "90 images of 22 classes, 24 to 1 of each" in said
    assert "equal pixels within classes: 0 sets" in said and "told from the names" in said
