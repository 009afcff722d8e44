import numpy as np
import pytest
import torch

from pipeline.classify.batches import Samples, as_stored, draw, epoch_batches, predict, take, to_input


def numbered(count, size=4):
    """Samples whose label is their position and whose left half is bright."""
    images = torch.zeros(count, size, size, 3, dtype=torch.uint8)
    images[:, :, : size // 2] = 255
    return Samples(images, torch.arange(count))


def test_pixels_become_minus_one_to_one():
    images = torch.tensor([0, 255, 51], dtype=torch.uint8).reshape(1, 1, 1, 3).expand(2, 8, 8, 3)
    scaled = to_input(images, 8)
    assert scaled.shape == (2, 3, 8, 8) and scaled.dtype == torch.float32
    assert scaled[0, :, 0, 0].tolist() == pytest.approx([-1, 1, -0.6])
    assert to_input(images, 16)[0, :, 3, 3].tolist() == pytest.approx([-1, 1, -0.6])


@pytest.mark.parametrize("count, batch_size, sizes", [(10, 4, [4, 4, 2]), (9, 4, [4, 5]), (3, 100, [3]), (1, 8, [1])])
def test_an_epoch_shows_every_image_once(count, batch_size, sizes):
    batches = epoch_batches(count, batch_size, "address")
    assert [len(positions) for positions, _ in batches] == sizes
    assert sorted(np.concatenate([positions for positions, _ in batches])) == list(range(count))


def test_order_and_flips_depend_on_the_address_alone():
    def flips_by_image(batch_size, *address):
        batches = epoch_batches(100, batch_size, *address)
        return {p: f for positions, flips in batches for p, f in zip(positions, flips, strict=True)}

    first = flips_by_image(7, 0, "train", 1)
    assert list(first.items()) == list(flips_by_image(64, 0, "train", 1).items())
    assert list(first) != list(flips_by_image(7, 0, "train", 2))
    assert 30 < sum(first.values()) < 70


def test_a_flip_is_left_to_right():
    batch = take(numbered(3), np.array([2, 0]), np.array([False, True]), 4)
    assert batch.labels.tolist() == [2, 0]
    assert batch.images[0, 0, 0].tolist() == [1, 1, -1, -1]
    assert batch.images[1, 0, 0].tolist() == [-1, -1, 1, 1]
    assert torch.equal(batch.images[1], batch.images[0].flip(-1))


def test_drawn_samples_repeat_only_when_there_are_too_few():
    random = np.random.default_rng(0)
    assert sorted(draw(numbered(6), 6, 4, random).labels.tolist()) == list(range(6))
    assert len(draw(numbered(2), 6, 4, random).labels) == 6


class Brightness(torch.nn.Module):
    """Logits that name the image: its first pixel, as it is fed."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images):
        return images[:, :1, 0, 0]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_prediction_sees_every_image_once_in_order_as_it_is(batch_size):
    images = torch.zeros(10, 4, 4, 3, dtype=torch.uint8)
    images[:, 0, 0] = torch.arange(10, dtype=torch.uint8)[:, None]
    logits = predict(Brightness().train(), images, batch_size, 4)
    assert torch.allclose((logits[:, 0] + 1) * 127.5, torch.arange(10.0), atol=1e-4)


def test_prediction_mirrors_the_images_that_it_is_told_to():
    images = numbered(4).images
    plain, mirrored = (predict(Brightness(), images, 3, 4, flips) for flips in (None, np.array([0, 1, 0, 1], bool)))
    assert plain[:, 0].tolist() == [1, 1, 1, 1] and mirrored[:, 0].tolist() == [1, -1, 1, -1]
    raw = predict(Brightness(), images, 3, 4, prepare=as_stored)
    assert raw[:, 0].tolist() == [255] * 4
