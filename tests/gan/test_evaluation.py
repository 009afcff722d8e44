import pytest
import torch
from gan.small import OPTIONS, colour_set

from pipeline.gan.batches import TrainingBatches
from pipeline.gan.evaluation import SAMPLE_COLUMNS, Evaluation, collapse
from pipeline.metrics.features import to_range
from pipeline.metrics.frechet import frechet_distance
from pipeline.metrics.lite0 import Lite0Network

LITE0 = {"every": 1, "images": 100, "features": "lite0"}


def noisy_set():
    image_set = colour_set(per_class=8)
    noise = torch.randint(-30, 30, image_set.images.shape, generator=torch.Generator().manual_seed(0))
    image_set.images[:] = (torch.from_numpy(image_set.images) + noise).clamp(0, 255)
    return image_set


def evaluation(features="lite0", **options):
    return Evaluation(TrainingBatches(noisy_set(), {**OPTIONS, **options}, "cpu"), LITE0 | {"features": features})


def remembers(images):
    """Return a generator that knows the training images by heart, in the order in which it is asked."""
    place = iter(range(0, 10_000, OPTIONS["batch_size"]))

    def generator(z, condition):
        start = next(place)
        return to_range(images[start : start + len(z)])

    return generator


def test_a_generator_that_reproduces_the_training_images_has_no_distance_and_their_spread():
    judge = evaluation()
    order = judge.real_images
    scores = judge(remembers(order), between=lambda: None)
    assert scores["frechet"] == pytest.approx(0, abs=1e-6) and scores["spread"] == pytest.approx(1)


def test_distance_is_that_of_the_backbone_s_features_and_grows_with_the_difference():
    judge = evaluation()
    real = judge.real_images
    distances = []
    for lost in (32, 64):
        fake = real.clone()
        fake[:, :lost] = 128
        distances.append(judge(remembers(fake), between=lambda: None)["frechet"])
    expected = frechet_distance(*(Lite0Network()(to_range(images))[0] for images in (real, fake)))
    assert distances[1] == pytest.approx(expected, rel=1e-4) and distances[1] > distances[0] > 0


def test_conditions_are_as_frequent_as_in_the_training_set():
    batches = TrainingBatches(colour_set(per_class=10).select([0, *range(10, 20)]), OPTIONS, "cpu")
    labels = torch.cat([batches.like_real(number)[1].labels for number in range(11)])  # 44 draws, 4 rounds of 11
    assert labels.bincount().tolist() == [4, 40]


def test_samples_are_the_same_question_each_time():
    for condition in ("reacgan", "spade_bones"):
        judge, asked = evaluation(features=None, condition=condition), []

        def generator(z, condition, asked=asked):
            asked.append((z, condition))
            return torch.zeros(len(z), 3, 64, 64)

        for _ in range(2):
            assert judge.samples(generator).shape == (SAMPLE_COLUMNS, 64, 64, 3)
        assert all(torch.equal(*pair) for pair in zip(*asked, strict=True))
    assert judge.poses().shape == (SAMPLE_COLUMNS, 64, 64) and judge.poses().max() == 255


def test_the_same_image_whatever_is_asked_for_is_a_collapse():
    judge = evaluation(features=None)
    scores = judge(lambda z, condition: torch.full((len(z), 3, 64, 64), 0.3), between=lambda: None)
    assert scores["spread"] == 0
    assert collapse({"spread": 0.0, "hinge_d": 1.0}) == "constant output"
    assert collapse({"spread": 0.9, "hinge_d": 0.001}) == "discriminator at zero loss"
    assert collapse({"spread": 0.9, "hinge_d": 1.2}) == ""


def test_one_training_image_can_be_evaluated():
    batches = TrainingBatches(colour_set().select([0]), OPTIONS, "cpu")
    scores = Evaluation(batches, LITE0)(lambda z, condition: torch.zeros(len(z), 3, 64, 64), between=lambda: None)
    assert scores["frechet"] != scores["frechet"] and scores["spread"] == 0


def test_whoever_trains_gets_a_turn_between_batches():
    judge, turns = evaluation(), []
    judge(remembers(judge.real_images), between=lambda: turns.append(1))
    # 4 batches of 4 images, then one pass of the backbone over the 16, and one over as many real ones
    assert len(turns) == 4 + 1 + 1
