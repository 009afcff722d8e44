import json
import sys

import numpy as np
import pytest
import torch
from gan.small import colour_set
from metrics.known import FAKE, REAL, features

from pipeline.data.archive import write_image_set
from pipeline.data.subset import draw_subset
from pipeline.generate import quality
from pipeline.generate.quality import drawn, measure_quality, quality_scores
from pipeline.metrics.features import Described
from pipeline.stage import WrongInput

OPTIONS = {"features": "lite0", "inception_weights": None, "images": 100, "neighbours": 5, "resamples": 20, "seed": 0}


def known(rows):
    """Features and logits that anyone can recompute."""
    return Described(torch.tensor(rows), torch.tensor(3 * features(len(rows), 10)))


def test_each_score_has_its_own_place_and_real_images_come_first():
    scores = quality_scores(known(REAL), known(FAKE), 5)
    assert scores["frechet_distance"] == pytest.approx(0.28995232893554, abs=1e-10)
    assert scores["kernel_distance"] == pytest.approx(-0.0016755420074958671, abs=1e-12)
    found = [scores[name] for name in ("precision", "recall", "density", "coverage")]
    assert found == pytest.approx([1.0, 0.984375, 1.1958333333333335, 1.0])


def test_the_inception_score_is_that_of_the_generated_images():
    assert quality_scores(known(REAL), known(FAKE[:40]), 5)["inception_score"] == pytest.approx(2.5124910539327683)
    undecided = Described(torch.tensor(FAKE), torch.zeros(48, 10))
    assert quality_scores(known(REAL), undecided, 5)["inception_score"] == pytest.approx(1)


def test_every_measure_has_an_interval_within_what_it_can_be():
    measures = measure_quality(known(REAL), known(FAKE), OPTIONS)
    for name, own in measures.items():
        assert own["low"] <= own["high"] and own["sd"] > 0, name
        assert own["low"] < own["value"] + 3 * own["sd"] and own["high"] > own["value"] - 3 * own["sd"]
    shares = ("precision", "recall", "coverage")
    assert all(0 <= measures[name][end] <= 1 for name in shares for end in ("low", "high"))
    assert measures["density"]["high"] > 1  # which is no share
    assert measures["kernel_distance"]["low"] < 0
    apart = measure_quality(known(REAL), known(FAKE + 9), OPTIONS)
    assert apart["density"]["low"] == apart["density"]["high"] == 0


def test_of_a_large_set_some_are_drawn_by_the_address_and_of_a_small_one_all():
    assert drawn(5, 9, 0, "a").tolist() == [0, 1, 2, 3, 4]
    some = drawn(100, 9, 0, "a")
    assert len(set(some)) == 9 and (some == drawn(100, 9, 0, "a")).all()
    assert (some != drawn(100, 9, 1, "a")).any()


def subset_of(crops, val_fraction):
    return draw_subset(
        crops.rows.assign(name=crops.rows["file_name"], group=crops.rows["file_name"]), "all", val_fraction, 0
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Crops of two colours, a subset of them, generated images of the same colours and of others."""
    folder = tmp_path_factory.mktemp("quality")
    crops = colour_set(per_class=20)
    write_image_set(folder / "crops.zip", crops)
    subset_of(crops, 0.4).to_csv(folder / "subset.csv", index=False)
    write_image_set(folder / "alike.zip", colour_set(per_class=10))
    write_image_set(folder / "other.zip", colour_set(per_class=10, colours=((20, 240, 40), (240, 240, 20))))
    return folder


def run(folder, monkeypatch, generated, **changed):
    inputs = [f"--images={folder / generated}"] if generated else []
    paths = [f"--crops={folder / 'crops.zip'}", f"--subset={folder / 'subset.csv'}", f"--out={folder / 'out.json'}"]
    monkeypatch.setattr(sys, "argv", ["quality", "--options", json.dumps(OPTIONS | changed), *paths, *inputs])
    quality.main()
    return json.loads((folder / "out.json").read_text())


def test_the_stage_compares_validation_images_with_any_set(folder, monkeypatch):
    alike, other, real = (run(folder, monkeypatch, name) for name in ("alike.zip", "other.zip", None))
    assert (alike["real_images"], alike["generated_images"]) == (16, 20)
    assert (real["real_images"], real["generated_images"]) == (16, 24)  # the part that trains
    distances = [found["measures"]["frechet_distance"]["value"] for found in (real, alike, other)]
    assert max(distances[:2]) < distances[2] / 2
    assert run(folder, monkeypatch, "alike.zip", images=4)["generated_images"] == 4


def test_the_same_images_have_the_same_measures(folder, monkeypatch):
    first, again = (run(folder, monkeypatch, "alike.zip") for _ in range(2))
    assert first == again


def test_missing_inception_weights_are_an_instruction(folder, monkeypatch):
    with pytest.raises(WrongInput, match=r"no Inception weights.*put it there"):
        run(folder, monkeypatch, "alike.zip", features="inception", inception_weights=str(folder / "none.pth"))


def test_one_validation_image_has_no_distance_and_that_is_told(folder, monkeypatch, tmp_path, capsys):
    subset = subset_of(colour_set(per_class=20), 0.0)
    subset.loc[0, "part"] = "val"
    for name in ("crops.zip", "alike.zip"):
        (tmp_path / name).symlink_to(folder / name)
    subset.to_csv(tmp_path / "subset.csv", index=False)
    found = run(tmp_path, monkeypatch, "alike.zip")
    assert (found["real_images"], found["generated_images"], found["measures"]) == (1, 20, {})
    assert "found 1 that validate, 20" in capsys.readouterr().err


def test_uneven_pixels_reach_the_network_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)

    class Corner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, batch):
            return batch[:, :, 0, 0], batch[:, :1, 0, 0]

    found = quality.described(images, Corner())
    np.testing.assert_allclose(found.features, images[:, 0, 0] / 127.5 - 1, atol=1e-6)
    assert found.logits.shape == (3, 1)
