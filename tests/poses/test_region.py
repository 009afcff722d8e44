import numpy as np
import pytest

from pipeline.poses.region import Region, around, cut, joint_region, palm_region


def test_the_unit_square_s_middle_and_top_lie_where_the_region_says():
    region = Region(50, 60, 20, np.pi / 2)
    # Leaning a quarter turn clockwise, its upward axis points right.
    assert region.place(np.array([[0.5, 0.5], [0.5, 0.0]])) == pytest.approx(np.array([[50, 60], [60, 60]]))


def test_an_upright_region_of_whole_pixels_is_cut_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    region = Region(x=30 + 16, y=20 + 16, side=32, angle=0.0)
    assert cut(image, region, 32) == pytest.approx(image[20:52, 30:62] / 255, abs=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("side", [40, 200, 900])
def test_a_dot_is_found_in_the_cut_where_the_region_places_it(angle, side):
    rows, columns = np.mgrid[:1000, :1000]
    x, y = 500 - side // 10, 520 + side // 20
    bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (side / 20) ** 2))
    image = np.repeat((255 * bump).astype(np.uint8)[..., None], 3, axis=2)
    region = Region(500, 520, side, angle)
    light = cut(image, region, 64)[..., 0].astype(float)
    light[light < 0.3] = 0
    at = (np.stack([light.sum(0), light.sum(1)]) @ (np.arange(64) + 0.5)) / light.sum()
    # Continuous positions: the pixel's centre is half a pixel from its edge.
    assert region.place(at / 64) == pytest.approx([x + 0.5, y + 0.5], abs=side / 64 / 4)


def test_beyond_the_image_its_edge_goes_on():
    image = np.full((10, 30, 3), 51, np.uint8)
    assert cut(image, around(image, 3.0), 48) == pytest.approx(0.2, abs=1e-6)


def test_a_palm_s_square_reaches_towards_the_fingers():
    centre, size = np.array([100.0, 100.0]), np.array([40.0, 40.0])
    region = palm_region(centre, size, wrist=np.array([80.0, 100.0]), knuckle=np.array([120.0, 100.0]))
    assert (region.x, region.y, region.side) == pytest.approx((120, 100, 104))


def test_turning_a_hand_turns_its_second_look():
    joints = np.random.default_rng(1).uniform(40, 60, (21, 2))
    joints[0] = 50, 80
    upright = joint_region(joints)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = joint_region(joints @ turn.T)
    assert turned.side == pytest.approx(upright.side)
    assert (turned.x, turned.y) == pytest.approx(tuple(turn @ [upright.x, upright.y]))
    assert (turned.angle - upright.angle) % (2 * np.pi) == pytest.approx(np.pi / 2)
