import random

import pytest
from gan.interruptions import cut_off
from gan.small import ALL_CONDITIONS, OPTIONS, colour_set

from pipeline.data.archive import write_image_set


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_a_training_cut_off_at_random_moments_ends_with_the_same_bits(condition, tmp_path):
    write_image_set(tmp_path / "crops.zip", colour_set())
    colour_set().rows.assign(part="fit").to_csv(tmp_path / "subset.csv", index=False)
    evaluation = {"every": 8, "images": 6, "features": "lite0"}
    options = {**OPTIONS, "condition": condition, "steps": 24, "checkpoint_every": 3, "evaluation": evaluation}
    tally = cut_off(tmp_path / "crops.zip", tmp_path / "subset.csv", options, 2, tmp_path, random.Random(condition))
    assert sum(tally.values()) == 2 and set(tally) <= {-9, 128 + 15, 0}
