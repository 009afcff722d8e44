import numpy as np
import pytest

from pipeline.budget import RIVALS, num_batches, num_epochs
from pipeline.classify.batches import balanced_batches, epoch_batches

OPTIONS = {"batch_size": 4, "epochs": 10, "pretrain_epochs": 3, "images_per_class": 20}


@pytest.mark.parametrize("images", range(1, 20))
def test_batches_are_those_that_an_epoch_has(images):
    batches = epoch_batches(images, 4, 0)
    assert num_batches(images, 4) == len(batches)
    assert sum(len(positions) for positions, _ in batches) == images
    assert len(batches) == 1 or all(len(positions) > 1 for positions, _ in batches)
    balanced = balanced_batches(np.arange(images), 4, 0)
    assert [len(positions) for positions, _ in balanced] == [len(positions) for positions, _ in batches]


@pytest.mark.parametrize("images, epochs", [(30, 10 + 6), (29, 10 + 7), (200, 10 + 1), (3, 10 + 45)])
def test_a_rival_has_the_updates_of_pretraining_in_whole_epochs(images, epochs):
    # 3 epochs of 20 images of 3 classes are 45 updates; 30 real images are 8, 29 are 7 (the last of 5), 200 are 50.
    assert {num_epochs(OPTIONS | {"strategy": name}, images, 3) for name in RIVALS} == {epochs}


@pytest.mark.parametrize("strategy", ["real", "pretrain", "mixup", "regularization"])
def test_other_strategies_keep_their_epochs(strategy):
    options = {key: value for key, value in OPTIONS.items() if key != "images_per_class"}
    assert num_epochs(options | {"strategy": strategy}, 30, 3) == 10
