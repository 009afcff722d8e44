import numpy as np

from pipeline.poses.palm import decode_palms


def outputs(**boxes):
    """Model outputs that hold only these anchors: a{number} = (logit, dx, dy, side)."""
    raw, logits = np.zeros((2016, 18), np.float32), np.full(2016, -100, np.float32)
    for name, (logit, dx, dy, side) in boxes.items():
        number = int(name[1:])
        logits[number] = logit
        raw[number] = np.tile([dx, dy], 9)
        raw[number, 2:4] = side
    return raw, logits


def test_nothing_likely_gives_no_palm():
    assert decode_palms(*outputs(a5=(-1.0, 0, 0, 30))).shape == (0, 9, 2)


def test_anchors_go_along_the_rows_of_the_fine_grid_then_of_the_coarse_one():
    # Anchor 2 is the second cell of the fine row; 1152 + 6 the second of the coarse row, whose cells are 16 pixels.
    fine = decode_palms(*outputs(a2=(5.0, 0, 0, 30)))[0]
    coarse = decode_palms(*outputs(a1158=(5.0, 0, 0, 30)))[0]
    assert np.allclose(fine[0] * 192, [12, 4]) and np.allclose(coarse[0] * 192, [24, 8])


def test_a_box_keeps_its_size_while_its_points_move_with_the_anchor():
    palm = decode_palms(*outputs(a50=(5.0, 19.2, 0, 38.4)))[0]
    assert np.allclose(palm[1], 0.2)
    assert np.allclose(palm[2:], palm[0])


def test_boxes_of_one_palm_become_one_and_distant_ones_stay_apart_surest_first():
    palms = decode_palms(*outputs(a0=(2.0, 0, 0, 40), a2=(4.0, 0, 0, 40), a600=(3.0, 0, 0, 20)))
    assert len(palms) == 2
    # The first is the mean of anchors at x = 4 and 12, nearer to the surer one.
    assert 8 < palms[0, 0, 0] * 192 < 12
