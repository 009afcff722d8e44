import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from pipeline.gan.generator_file import load_generator, save_generator
from pipeline.inspect.contents import read_contents
from pipeline.inspect.place import check_kind, name_says, place_of, rule_of
from pipeline.inspect.pose_sets import fitted
from pipeline.stage import WrongInput

KINDS = {
    "drawn/toy.zip": "image set",
    "manifests/toy.csv": "list of photographs",
    "poses/toy.npz": "set of poses",
    "poses/toy.csv": "report on poses",
    "splits/toy.csv": "split",
    "crops/toy-train.zip": "image set",
    "subsets/toy-nall-s0.csv": "subset",
    "generators/toy-nall-s0-reacgan.safetensors": "generator",
    "generators/toy-nall-s0-spade_bones.safetensors": "generator",
    "training/toy-nall-s0-reacgan.csv": "training of a generator",
    "training/toy-nall-s0-reacgan.png": "picture",
    "images/toy-nall-s0-reacgan.zip": "image set",
    "scores/toy-nall-s0-reacgan.csv": "scores of generated images",
    "conditioning/images/toy-nall-s0-reacgan.csv": "images held against their condition",
    "conditioning/measures/toy-nall-s0-reacgan.json": "measures of conditioning",
    "quality/toy-nall-s0-reacgan.json": "quality of an image set",
    "audit/toy.json": "audit of a data set",
    "audit/toy.csv": "test images beside training images",
    "audit/toy.png": "picture",
    "filtered/toy-nall-s0-reacgan.zip": "image set",
    "copies/toy-nall-s0.zip": "image set",
    "classifiers/toy-nall-s0-real.safetensors": "classifier",
    "classifiers/toy-nall-s0-real.csv": "training curve",
    "predictions/toy-nall-s0-real.csv": "predictions",
    "rating_forms/toy.html": "page",
    "rating_forms/toy.csv": "key of a rating form",
    "ratings/toy.json": "ratings by people",
    "claims/claims.json": "claims",
    "verdict.md": "verdict",
    "verdict/verdict.json": "numbers of a verdict",
    "verdict/verdict.csv": "compared recipes",
    "rivals.csv": "table",
    "rivals_long.csv": "table",
    "rivals.json": "measures of a table",
    "errata/errata.csv": "table",
    "errata/errata_long.csv": "table",
    "errata/errata.json": "claims",
    "figures/figure2.png": "picture",
    "figures/figure2.pdf": "drawing",
    "sheets/crops/toy.png": "picture",
    "report/report.html": "page",
    "table8.csv": "table",
    "table8_long.csv": "table",
    "table8.json": "measures of a table",
    "plan/scores.json": "plan",
    ".state/generators/toy-nall-s0-reacgan.pt": "training state of a generator",
    ".state/classifiers/toy-nall-s0-real.pt": "training state of a classifier",
}
UNDRAWN = {
    "classifier",
    "picture",
    "page",
    "key of a rating form",
    "ratings by people",
    "drawing",
    "claims",
    "verdict",
    "numbers of a verdict",
    "compared recipes",
    "table",
    "measures of a table",
    "measures of conditioning",
    "quality of an image set",
    "audit of a data set",
    "test images beside training images",
    "plan",
    "training state of a generator",
}


def told(made, name):
    return " | ".join(" ".join(line.split()) for line in read_contents(made / name).lines())


def test_parts_of_unfinished_stages_are_known_and_told(made):
    (poses,), (crops,) = (list((made / f".state/{rule}/toy").iterdir()) for rule in ("poses", "crops"))
    assert told(made, poses) == read_contents(poses).brief == "5 photographs, hand found in 5"
    assert read_contents(crops).brief.startswith("1 crops") and read_contents(crops).draw().shape == (64, 64, 3)
    assert [rule_of(place_of(path)) for path in (poses, crops)] == ["poses", "crops"]
    assert name_says(place_of(poses)) == "data set toy, part 0"
    for path in (poses, crops):
        check_kind(place_of(path), path, read_contents(path).kind)


@pytest.mark.parametrize("name", KINDS)
def test_every_artifact_is_known_told_and_drawn(made, name):
    contents = read_contents(made / name)
    assert contents.kind == KINDS[name] and contents.brief and contents.lines()
    assert (contents.draw is None) == (contents.kind in UNDRAWN)
    if contents.draw:
        picture = contents.draw()
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
        assert len(np.unique(picture[:, :, 0])) > 2


def test_every_kind_of_file_among_the_results_is_tried_here(made):
    folders = {path.relative_to(made).parts[0] for path in made.rglob("*") if path.is_file()} - {".sums"}
    assert folders == {Path(name).parts[0] for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
def test_half_an_artifact_is_refused_in_one_sentence_with_its_name(made, name, tmp_path):
    half = tmp_path / Path(name).name
    content = (made / name).read_bytes()
    # A table cut between two rows is a table.
    half.write_bytes(content[: len(content) // 2].rstrip(b"\n"))
    with pytest.raises(WrongInput, match=half.name):
        read_contents(half).lines()


@pytest.mark.parametrize("name", KINDS)
def test_ordinary_tools_open_every_artifact(made, name):
    path = made / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            rows = pd.read_csv(archive.open("metadata.csv"))
            shapes = {Image.open(archive.open(file)).size for file in rows["file_name"]}
            assert len(shapes) == 1 and json.load(archive.open("class_names.json")) == ["1", "5"]
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            assert {name: array.shape for name, array in arrays.items()}["keypoints"] == (20, 21, 2)
    elif path.suffix == ".safetensors":
        assert all(np.isfinite(tensor).all() for tensor in load_file(path).values())
    elif path.suffix == ".csv":
        assert len(pd.read_csv(path)) > 0
    elif path.suffix == ".json":
        assert json.loads(path.read_text())
    elif path.suffix == ".pdf":
        assert path.read_bytes().startswith(b"%PDF-")
    elif path.suffix == ".pt":
        assert torch.load(path, weights_only=True)
    elif path.suffix == ".md":
        assert path.read_text(encoding="utf-8").startswith("# ")
    elif path.suffix == ".html":
        assert path.read_text().startswith("<!doctype html>")
    else:
        Image.open(path).verify()


def test_image_sets_are_counted_per_class(made):
    drawn = told(made, "drawn/toy.zip")
    assert "20 images of 2 classes | width x height: 64 x 64: 20" in drawn
    assert "groups (clips or signers): 10 | with landmarks: 20 | images per class | 1 12 | 5 8" in drawn
    assert "images per class | 1 9 | 5 6" in told(made, "crops/toy-train.zip")
    filtered = told(made, "filtered/toy-nall-s0-reacgan.zip")
    assert "images per class | 1 2 | 5 2" in filtered and "with keypoints: 0" in filtered and "scores: low" in filtered


def test_claims_and_figures_are_told(made):
    assert "Section 5.2.2: toy (all training images, 2 seeds): of 2 classes 0 rose" in told(made, "claims/claims.json")
    assert told(made, "figures/figure2.pdf").startswith("7 x 2.4 inches")


def test_pixels_are_those_of_the_images(made):
    with zipfile.ZipFile(made / "crops/toy-test.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        pixels = np.stack([np.asarray(Image.open(archive.open(name))) for name in names])
    expected = f"pixels: lowest {pixels.min()}, highest {pixels.max()}, mean {pixels.mean():.1f}"
    assert expected in told(made, "crops/toy-test.zip")


def test_splits_and_subsets_are_counted_per_part(made):
    assert "images per class: train, test | 1 9, 3 | 5 6, 2" in told(made, "splits/toy.csv")
    assert "15 images of 2 classes: fit 12, val 3" in told(made, "subsets/toy-nall-s0.csv")


def test_poses_without_a_hand_are_counted_with_their_reason(made, tmp_path):
    for kind in ("npz", "csv"):
        shutil.copy(made / f"poses/toy.{kind}", tmp_path)
    with np.load(tmp_path / "toy.npz", allow_pickle=False) as arrays:
        arrays = dict(arrays)
    arrays["keypoints"][3] = np.nan
    arrays["keypoints"][4, 20] = np.nan
    np.savez(tmp_path / "toy.npz", **arrays)
    report = pd.read_csv(tmp_path / "toy.csv", keep_default_na=False, dtype=str)
    report.loc[3, ["found", "reason"]] = ["0", "no hand seen"]
    report.to_csv(tmp_path / "toy.csv", index=False)
    lines = told(tmp_path, "toy.npz")
    assert "20 photographs, hand found in 19 (95.0 %) | no hand seen 1 |" in lines
    assert "missing 0 | little 4" in lines and lines.endswith("missing 1")
    assert "20 photographs, hand found in 19 | no hand seen 1 |" in told(tmp_path, "toy.csv")


def test_a_pose_fills_its_tile_and_keeps_its_shape():
    keypoints = np.full((21, 2), np.nan)
    keypoints[:3] = [[100, 50], [300, 50], [100, 150]]
    shown = fitted(keypoints)
    assert np.nanmin(shown) >= 0 and np.nanmax(shown) <= 63 and np.isnan(shown[3:]).all()
    wide, high = shown[1] - shown[0], shown[2] - shown[0]
    assert wide[0] == pytest.approx(2 * high[1]) and wide[0] > 45


def test_scores_are_told_per_class(made):
    # Probabilities of the own class: 0, 2, 4, 6 of 15 for class 1, then 9, 11, 13, 15 of 15.
    assert "1 0.0000 0.1000 0.2000 0.3000 0.4000 | 5 0.6000 0.7000 0.8000 0.9000 1.0000" in told(
        made, "scores/toy-nall-s0-reacgan.csv"
    )


def test_obeyed_conditions_are_told_by_set_with_their_counts(made):
    real = pd.read_csv(made / "conditioning/images/toy-nall-s0-reacgan.csv").query("set == 'real'")
    right, size = (real["label"] == 0).mean(), len(real)
    assert 0 < right < 1
    lines = told(made, "conditioning/images/toy-nall-s0-reacgan.csv")
    assert lines == (
        "generated 8 images, accuracy 1.0000 | "
        f"real {size} images, accuracy {right:.4f}, hand found in {size - 1}, PCK@0.2 of these 1.0000"
    )
    lines = told(made, "conditioning/measures/toy-nall-s0-reacgan.json")
    assert "generated, accuracy 1.0000 of 8 images | real, accuracy" in lines
    assert f"real, pck 1.0000 of {size - 1} images" in lines


def test_predictions_give_accuracy_and_recall(made):
    lines = told(made, "predictions/toy-nall-s0-real.csv")
    assert "5 test images of 2 classes: accuracy 0.6000, macro-recall 0.5000" in lines
    assert "1 3 5 1.000 | 5 2 0 0.000" in lines


def test_the_best_epoch_is_one_on_real_images(made):
    for name in ("classifiers/toy-nall-s0-real.csv", ".state/classifiers/toy-nall-s0-real.pt"):
        lines = told(made, name)
        assert "3 epochs: pretrain 1, train 2" in lines
        assert "lowest validation loss 1.2500, in epoch 1 of phase train" in lines


def test_a_generator_is_counted_without_its_batch_statistics(made):
    path = made / "generators/toy-nall-s0-reacgan.safetensors"
    generator, description = load_generator(path)
    contents = read_contents(path)
    parameters = sum(parameter.numel() for parameter in generator.parameters())
    buffers = sum(buffer.numel() for buffer in generator.buffers())
    assert f"{parameters:,} parameters, and {buffers:,} batch statistics" in " ".join(contents.lines())
    assert contents.settings == description["options"] and "2 classes: 1, 5" in contents.lines()[0]


def test_values_that_are_no_numbers_are_named(made, tmp_path):
    generator, description = load_generator(made / "generators/toy-nall-s0-reacgan.safetensors")
    name, tensor = next(iter(generator.state_dict().items()))
    tensor.view(-1)[:2] = torch.tensor([float("inf"), float("nan")])
    save_generator(tmp_path / "x.safetensors", generator, description["options"], description["class_names"])
    assert f"NOT FINITE: 2 values, in {name};" in told(tmp_path, "x.safetensors")
    assert "all values are finite" in told(made, "generators/toy-nall-s0-reacgan.safetensors")


def test_a_form_and_its_ratings_are_counted_per_source(made):
    assert told(made, "rating_forms/toy.html").startswith("How real do these hands look? (4 pictures)")
    assert "4 images of 2 sources | real 2 | reacgan 2" in told(made, "rating_forms/toy.csv")
    lines = told(made, "ratings/toy.json")
    assert "1 raters, 1 of them of all images" in lines and "reacgan 4.00 of 2 ratings, 2 images" in lines
    assert "agreement: too few ratings" in lines and "files refused | ben.csv columns 'none'" in lines


def test_a_training_state_tells_the_step_it_reached(made):
    assert told(made, ".state/generators/toy-nall-s0-reacgan.pt").startswith("step 1 of 2 | generator: ")


@pytest.mark.parametrize("name", ["generators/toy-nall-s0-reacgan.pt", "classifiers/toy-nall-s0-real.pt"])
def test_a_training_state_with_a_bit_that_fell_over_is_not_readable(made, tmp_path, name):
    content = bytearray((made / ".state" / name).read_bytes())
    with zipfile.ZipFile(made / ".state" / name) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
        weights = archive.read(largest)
    content[content.index(weights) + len(weights) // 2] ^= 1
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(WrongInput, match=r"x\.pt: no readable training state; .*delete it"):
        read_contents(tmp_path / "x.pt")


def test_a_table_and_its_measures_show_their_cells(made):
    assert "1 rows x 4 columns" in told(made, "table8.csv") and "60.00 ± 0.00" in told(made, "table8.csv")
    assert "real, pretrain, all accuracy 60.00 macro_recall 50.00" in told(made, "table8.json")


def test_an_image_that_was_changed_on_disk_is_named(made, tmp_path):
    path = tmp_path / "x.zip"
    content = bytearray((made / "drawn/toy.zip").read_bytes())
    content[200] ^= 255
    path.write_bytes(content)
    with pytest.raises(WrongInput, match=r"x\.zip/1/000000\.png"):
        read_contents(path).lines()


def test_metadata_and_images_must_agree(made, tmp_path):
    with zipfile.ZipFile(made / "drawn/toy.zip") as whole, zipfile.ZipFile(tmp_path / "x.zip", "w") as part:
        for name in whole.namelist():
            if name != "5/000001.png":
                part.writestr(name, whole.read(name))
    with pytest.raises(WrongInput, match=r"5/000001\.png"):
        read_contents(tmp_path / "x.zip")


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("empty.csv", "", "empty file"),
        ("header.csv", "file_name,label,score\n", "without rows"),
        ("word.csv", "file_name,label,score\na,0,0.5\nb,0,high\n", "row 3: score is 'high'"),
        ("blank.csv", "file_name,label,score\na,0,\n", "row 2: score is ''"),
        ("short.csv", "file_name,label,score\na,0,0.5\nb,0\n", "row 3: 2 fields"),
        ("cut.csv", "file_name,label,score\na,0,0.5\nb,0,0.0", "cut off"),
        ("other.csv", "a,b\n1,2\n", "columns a,b"),
        ("list.json", "[1, 2]", "neither"),
        ("notes.txt", "hello", "known kind"),
    ],
)
def test_files_that_are_no_artifacts_are_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(WrongInput, match=f"{name}.*{message}"):
        read_contents(tmp_path / name)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"step": Trap()}, tmp_path / "x.pt")
    np.savez(tmp_path / "x.npz", names=np.array([Trap()], object))
    (tmp_path / "y.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("x.pt", "x.npz", "y.pt"):
        with pytest.raises(WrongInput, match=name):
            read_contents(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_generator_s_training_says_when_it_collapsed(made):
    text = told(made, "training/toy-nall-s0-reacgan.csv")
    assert "2 evaluations, the last after step 4" in text
    assert "step 2 loss_d 2.000, hinge_d 1.500, loss_g 0.500, frechet 90.250, spread 0.500 |" in text
    assert text.endswith("spread 0.010, COLLAPSED: constant")


def test_an_audit_is_told_by_its_findings_and_counts(made):
    content, table = json.loads((made / "audit/toy.json").read_text()), pd.read_csv(made / "audit/toy.csv")
    lines = told(made, "audit/toy.json")
    assert f"5 test images, {content['split']['flagged']} with a near-duplicate | Near is nearer than" in lines
    assert all(sentence in lines for sentence in content["findings"])
    counted = f"5 test images, {table['flagged'].sum()} with a near-duplicate among the training images"
    assert told(made, "audit/toy.csv").startswith(counted)
