import numpy as np
import pandas as pd
import pytest
import torch
from audit.clips import clip_set

from pipeline.audit.memorised import memorisation, subset_positions
from pipeline.data.archive import write_image_set
from pipeline.stage import WrongInput

DRAWN = np.random.default_rng(0)
TRAINING = torch.tensor(DRAWN.normal(size=(1, 50, 4)), dtype=torch.float16)


def views(points):
    """An image and its mirror image, which looks like nothing else."""
    points = torch.tensor(np.asarray(points), dtype=torch.float16)
    return torch.stack([points, points + 100])


def test_copies_are_nearer_than_unseen_images_also_mirrored():
    unseen = views(DRAWN.normal(size=(200, 4)))
    generated = views(DRAWN.normal(size=(100, 4)) + 5)
    generated[0, :10] = TRAINING[0, :10]
    generated[1, 10:15] = TRAINING[0, 10:15]
    found = memorisation(generated, unseen, TRAINING)
    assert found.measures["nearer_share"] == pytest.approx(0.15)
    assert found.numbers[:15].tolist() == list(range(15)) and (found.distances[:15] == 0).all()
    assert found.measures["generated_median"] > found.measures["unseen_median"]


def test_images_like_the_unseen_ones_are_as_near_as_those():
    found = memorisation(views(DRAWN.normal(size=(2000, 4))), views(DRAWN.normal(size=(2000, 4))), TRAINING)
    assert found.measures["nearer_share"] == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(("unseen", "enough"), [(19, False), (20, True)])
def test_a_twentieth_needs_twenty_unseen_images(unseen, enough):
    measures = memorisation(views(DRAWN.normal(size=(9, 4))), views(DRAWN.normal(size=(unseen, 4))), TRAINING).measures
    assert (measures["limit"] is not None) == (measures["nearer_share"] is not None) == enough
    assert measures["unseen_median"] > 0


def test_without_unseen_images_there_is_no_yardstick():
    measures = memorisation(views(DRAWN.normal(size=(3, 4))), TRAINING[:, :0], TRAINING).measures
    assert (measures["unseen_images"], measures["limit"], measures["nearer_share"]) == (0, None, None)
    assert measures["generated_median"] > 0


def test_unseen_are_validation_images_of_clips_that_do_not_train(tmp_path):
    crops = clip_set(range(4))
    write_image_set(tmp_path / "crops.zip", crops)
    parts = ["fit"] * 5 + ["val"] * 7  # the last frame of clip 1 validates, its others train
    subset = crops.rows[["file_name", "class", "label", "group"]].assign(part=parts)
    subset.sample(frac=1, random_state=0).to_csv(tmp_path / "subset.csv", index=False)
    fit, unseen = subset_positions(tmp_path / "crops.zip", tmp_path / "subset.csv")
    assert fit.tolist() == [0, 1, 2, 3, 4] and unseen.tolist() == [6, 7, 8, 9, 10, 11]
    pd.concat([subset, subset[:1].assign(file_name="z.png")]).to_csv(tmp_path / "subset.csv", index=False)
    with pytest.raises(WrongInput, match=r"subset\.csv: z\.png is not in"):
        subset_positions(tmp_path / "crops.zip", tmp_path / "subset.csv")
