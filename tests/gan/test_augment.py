import numpy as np
import torch

from pipeline.gan.augment import Augmentation, augment, draw_augmentation, move_and_cut, recolour


def nothing(batch_size):
    far_away = torch.full((batch_size, 2), 1000)
    one = torch.ones(batch_size)
    return Augmentation(0 * one, one, one, torch.zeros(batch_size, 2, dtype=torch.long), far_away)


def drawn(batch_size, seed=0):
    return draw_augmentation(np.random.default_rng(seed), batch_size, 64)


def test_augmentation_of_no_strength_changes_nothing():
    images, maps = torch.rand(3, 3, 64, 64) * 2 - 1, torch.rand(3, 20, 64, 64)
    same_images, same_maps = augment(images, nothing(3), maps)
    torch.testing.assert_close(same_images, images)
    assert torch.equal(same_maps, maps)


def test_pose_maps_move_and_are_cut_with_their_image():
    augmentation = drawn(16)
    mark = torch.zeros(16, 1, 64, 64)
    mark[:, :, 8:56:4, 8:56:4] = 1  # a grid of points whose places can be compared
    _, maps = augment(mark.expand(-1, 3, -1, -1), augmentation, mark)
    without_colour = move_and_cut(mark.expand(-1, 3, -1, -1), augmentation)
    assert torch.equal(without_colour[:, :1], maps)
    # The recoloured image is exactly 0 where something came in or was cut: the same pixels in image and maps.
    ones, blank = augment(torch.ones(16, 3, 64, 64), augmentation, torch.ones(16, 1, 64, 64))
    assert torch.equal((ones != 0).any(dim=1), blank[:, 0] != 0)


def test_as_published_pose_maps_stay_where_they_were():
    images, maps = torch.rand(4, 3, 64, 64), torch.rand(4, 20, 64, 64)
    moved, same = augment(images, drawn(4), maps, pose_stays=True)
    assert torch.equal(same, maps)
    assert torch.equal(moved, augment(images, drawn(4), maps)[0])


def test_shift_moves_down_and_right_and_lets_zeros_in():
    one = torch.ones(1)
    moved = Augmentation(0 * one, one, one, torch.tensor([[3, -2]]), torch.full((1, 2), 1000))
    x = torch.rand(1, 2, 64, 64)
    expected = torch.zeros_like(x)
    expected[:, :, 3:, :-2] = x[:, :, :-3, 2:]
    assert torch.equal(move_and_cut(x, moved), expected)


def test_cutout_is_a_square_of_half_the_side_clipped_at_the_border():
    still = nothing(2)
    cut = Augmentation(
        still.brightness, still.saturation, still.contrast, still.shift, torch.tensor([[32, 20], [0, 64]])
    )
    kept = move_and_cut(torch.ones(2, 1, 64, 64), cut)[:, 0]
    expected = torch.ones(2, 64, 64)
    expected[0, 16:48, 4:36] = 0
    expected[1, :16, 48:] = 0
    assert torch.equal(kept, expected)


def test_draws_fill_their_ranges_and_differ_between_images():
    augmentation = drawn(2000)
    for values, low, high in (
        (augmentation.brightness, -0.5, 0.5),
        (augmentation.saturation, 0, 2),
        (augmentation.contrast, 0.5, 1.5),
    ):
        assert low <= values.min() < low + 0.01 and high - 0.01 < values.max() <= high
    assert set(augmentation.shift.flatten().tolist()) == set(range(-8, 9))
    assert augmentation.centre.min() == 0 and augmentation.centre.max() == 64


def test_colours_by_hand():
    one = torch.ones(1)
    still = nothing(1)
    image = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None].repeat(1, 1, 4, 4)
    image[:, :, :2] += 0.3
    half_grey = Augmentation(0 * one, 0 * one, one, still.shift, still.centre)
    torch.testing.assert_close(recolour(image, half_grey), image.mean(dim=1, keepdim=True).expand_as(image))
    brighter = Augmentation(0.25 * one, one, 0.5 * one, still.shift, still.centre)
    expected = (image + 0.25 - (image.mean() + 0.25)) * 0.5 + image.mean() + 0.25
    torch.testing.assert_close(recolour(image, brighter), expected)


def test_gradient_reaches_the_image():
    images = torch.rand(4, 3, 64, 64, requires_grad=True)
    augment(images, drawn(4))[0].square().sum().backward()
    assert (images.grad.abs().sum(dim=(1, 2, 3)) > 0).all()
