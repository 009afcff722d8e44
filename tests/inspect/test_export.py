import json
import re

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import yaml
from classify.toys import OPTIONS as CLASSIFIER
from classify.toys import solid_colours
from gan.small import ALL_CONDITIONS
from gan.small import OPTIONS as GENERATOR
from PIL import Image
from torchvision.datasets import ImageFolder

from pipeline.classify.evaluate import class_probabilities
from pipeline.classify.model import build_classifier, save_classifier
from pipeline.data.archive import ImageSet, write_image_set
from pipeline.gan.generator_file import save_generator
from pipeline.gan.generators import build_generator
from pipeline.inspect.export import export
from pipeline.stage import WrongInput

NAMES = ["b", "a", "10", "9", "o/ö", "2", "1", "c", "d", "e", "f", "g"]


@pytest.fixture
def image_set(tmp_path):
    """Write a set of twelve classes whose order is not that of their names; a pixel holds the label."""
    names = [f"x/{'abc'[number // 12]}{number}.png" for number in range(36)]
    labels = np.arange(36) % 12
    rows = pd.DataFrame({"file_name": names, "label": labels, "class": [NAMES[i] for i in labels], "group": "007"})
    images = labels.astype(np.uint8)[:, None, None, None] * np.ones((8, 8, 3), np.uint8)
    write_image_set(tmp_path / "set.zip", ImageSet(images, rows, NAMES))
    return tmp_path / "set.zip"


def test_torchvision_gives_every_image_its_label(image_set, tmp_path):
    export(image_set, tmp_path / "out")
    opened = ImageFolder(tmp_path / "out")
    assert len(opened) == 36
    assert all(np.array(image)[0, 0, 0] == label for image, label in opened)
    assert [name.partition("_")[2] for name in opened.classes] == [name.replace("/", "_") for name in NAMES]
    assert json.loads((tmp_path / "out" / "class_names.json").read_text()) == NAMES


def test_a_class_without_images_moves_no_label(image_set, tmp_path):
    from pipeline.data.archive import read_image_set

    few = read_image_set(image_set, keep=lambda rows: ~rows["label"].isin([0, 4]))
    write_image_set(tmp_path / "few.zip", few)
    export(tmp_path / "few.zip", tmp_path / "out")
    opened = ImageFolder(tmp_path / "out", allow_empty=True)
    assert len(opened) == 30 and all(np.array(image)[0, 0, 0] == label for image, label in opened)


def test_metadata_is_as_hugging_face_documents_it(image_set, tmp_path):
    # Image folders with metadata.csv: a column file_name, relative to that file, of images that are there.
    export(image_set, tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "metadata.csv", dtype={"group": str})
    assert rows["file_name"].is_unique
    assert set(tmp_path.glob("out/*/*.png")) == {tmp_path / "out" / name for name in rows["file_name"]}
    for row in rows.itertuples():
        with Image.open(tmp_path / "out" / row.file_name) as image:
            assert image.getpixel((0, 0))[0] == row.label == NAMES.index(row[3])
    assert set(rows["group"]) == {"007"}


@pytest.mark.parametrize("exported", [True, False])
def test_hugging_face_opens_it_and_keeps_text(tmp_path, exported):
    import datasets  # seconds, and for this test alone

    names = ["1", "01"]
    labels, groups = [0, 0, 1, 1], ["007", "7", "7.0", "007"]
    rows = pd.DataFrame({"file_name": [f"x/{i}.png" for i in range(4)], "label": labels, "group": groups})
    rows["class"] = [names[label] for label in labels]
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 3), np.uint8)
    write_image_set(tmp_path / "set.zip", ImageSet(images, rows, names))
    place = {"data_files": str(tmp_path / "set.zip")}
    if exported:
        export(tmp_path / "set.zip", tmp_path / "out")
        place = {"data_dir": str(tmp_path / "out")}
    # As the README says.
    text = dict.fromkeys(["class", "group"], datasets.Value("string"))
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64"), **text})
    opened = datasets.load_dataset("imagefolder", **place, features=features, split="train", cache_dir=tmp_path)
    pixels = [image.getpixel((0, 0))[0] for image in opened["image"]]
    found = {pixel: row for pixel, *row in zip(pixels, opened["label"], opened["class"], opened["group"], strict=True)}
    assert found == {i: [labels[i], names[labels[i]], groups[i]] for i in range(4)}


@pytest.fixture
def classifier(tmp_path):
    """Write a classifier of three classes where results lie, with predictions of which three in four are right."""
    path = tmp_path / "results" / "classifiers" / "mine-n5-s0-reacgan-mixup.safetensors"
    torch.manual_seed(1)
    options = CLASSIFIER | {"strategy": "mixup"}
    save_classifier(path, build_classifier(options["backbone"], "none", 3).state_dict(), options, list("xyz"), 1)
    predicted = pd.DataFrame({"label": [0, 1, 2, 2], "predicted": [0, 1, 2, 1]})
    (tmp_path / "results" / "predictions").mkdir()
    named = predicted.assign(file_name=[f"{row}.png" for row in predicted.index], group="g", **{"class": "a"})
    named.to_csv(tmp_path / "results" / "predictions" / "mine-n5-s0-reacgan-mixup.csv", index=False)
    return path


def test_timm_loads_a_classifier_that_sees_the_same(classifier, tmp_path):
    from pipeline.classify.model import load_classifier

    export(classifier, tmp_path / "out")
    images = solid_colours(2).images
    ours = class_probabilities(load_classifier(classifier)[0], images, CLASSIFIER["image_size"])
    weights = str(tmp_path / "out" / "model.safetensors")
    by_checkpoint = timm.create_model(CLASSIFIER["backbone"], num_classes=3, checkpoint_path=weights)
    by_folder = timm.create_model(f"local-dir:{tmp_path / 'out'}", pretrained=True)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    for model in (by_checkpoint, by_folder):
        with torch.inference_mode():
            theirs = torch.softmax(model.eval()(batch).double(), 1).numpy()
        assert theirs == pytest.approx(ours, abs=1e-5)
    config = timm.data.resolve_model_data_config(by_folder)
    told = [tuple(config[key]) for key in ("input_size", "mean", "std")]
    assert told == [(3, 32, 32), (0.5,) * 3, (0.5,) * 3]


def run_code(folder, monkeypatch):
    """Run the Python of a card as a reader would, in its folder; return its variables."""
    code = re.search("```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    monkeypatch.chdir(folder)
    variables = {}
    exec(code, variables)
    return variables


def test_the_card_of_a_classifier_tells_and_does(classifier, tmp_path, monkeypatch):
    export(classifier, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "75.00 % of 4 images" in card and "macro recall 83.33 %" in card
    assert "0 x, 1 y, 2 z" in card and "data set mine, 5 training images per class" in card.lower()
    assert run_code(tmp_path / "out", monkeypatch)["names"][0] in "xyz"


def test_the_card_names_whose_data_the_weights_learnt_from_and_on_what_terms(classifier, tmp_path, monkeypatch):
    own = {"root": "mine", "licence": "CC BY 4.0", "source": "https://owner.example/", "citation": "A. Author"}
    other = classifier.with_name("mine-n5-s0-spade_bones_from_gestures__v-mixup.safetensors")
    other.write_bytes(classifier.read_bytes())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    export(classifier, tmp_path / "unknown")
    assert "- Data set `mine`: licence: not known here." in (tmp_path / "unknown" / "README.md").read_text()
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"datasets": {"mine": own, "gestures": {"root": "gestures"}}}))
    # The record of a download lies beside the repository's data, wherever the command is given.
    (tmp_path / "gestures").mkdir()
    record = dict.fromkeys(("url", "page", "sha256", "citation", "fetched"), "") | {"data_set": "g", "licence": "CC0"}
    (tmp_path / "gestures" / "PROVENANCE.json").write_text(json.dumps(record))
    export(other, tmp_path / "known")
    card = (tmp_path / "known" / "README.md").read_text()
    assert "- Data set `mine`: licence: CC BY 4.0; source: https://owner.example/; to cite: A. Author." in card
    assert "- Data set `gestures`: licence: CC0." in card


def test_the_card_of_a_generator_names_the_images_that_were_lent_to_it(tmp_path):
    path = tmp_path / "results" / "generators" / "mine-n5-s0-reacgan.safetensors"
    options = GENERATOR | {"condition": "reacgan", "extra_images": "weak"}
    save_generator(path, build_generator("reacgan", 2, options), options, ["a", "b"])
    export(path, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- Data set `mine`: licence" in card and "- Data set `weak`: licence" in card


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_the_card_of_a_generator_draws(condition, tmp_path, monkeypatch):
    options = GENERATOR | {"condition": condition}
    path = tmp_path / "results" / "generators" / f"mine-n5-s0-{condition}.safetensors"
    save_generator(path, build_generator(condition, 2, options), options, ["a", "b"])
    export(path, tmp_path / "out")
    pixels = run_code(tmp_path / "out", monkeypatch)["pixels"]
    assert pixels.shape == (4, 3, 64, 64) and pixels.dtype == torch.uint8 and pixels.float().std() > 0


def test_equal_artifacts_give_equal_folders_and_nothing_is_overwritten(image_set, classifier, tmp_path):
    for path in (image_set, classifier):
        for name in ("one", "two"):
            export(path, tmp_path / path.stem / name)
        one, two = (tmp_path / path.stem / name for name in ("one", "two"))
        files = sorted(file.relative_to(one) for file in one.rglob("*") if file.is_file())
        assert files and all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
        with pytest.raises(WrongInput, match="not an empty folder"):
            export(path, one)


def test_other_artifacts_are_refused(tmp_path):
    (tmp_path / "mine-n5-s0.csv").write_text("file_name,class,label,group,part\na/1.png,a,0,ann,fit\n")
    with pytest.raises(WrongInput, match="a subset; expected one of image set, classifier, generator"):
        export(tmp_path / "mine-n5-s0.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()
