import numpy as np

from pipeline.poses.pictures import draw_skeleton

KEYPOINTS = np.stack([np.linspace(5, 58, 21), np.linspace(10, 50, 21)], axis=1)


def test_a_skeleton_touches_the_pixels_of_its_bones_only():
    drawn = draw_skeleton(np.full((64, 64, 3), 120, np.uint8), KEYPOINTS)
    assert (drawn[10, 5] != 120).any()
    assert (drawn[0:5] == 120).all()
    missing = draw_skeleton(np.full((64, 64, 3), 120, np.uint8), np.full((21, 2), np.nan))
    assert (missing == 120).all()
