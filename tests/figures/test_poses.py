import numpy as np
import pandas as pd
import pytest
from figures.drawn import overlapping

from pipeline.data.archive import ImageSet, keypoints_json
from pipeline.figures.poses import choose_posed, draw_poses
from pipeline.stage import WrongInput

POSE = np.stack([np.linspace(5, 58, 21), np.linspace(10, 50, 21)], axis=1)
PARTLY = np.where(np.arange(21)[:, None] == 3, np.nan, POSE)


def crops(labels, poses):
    rows = pd.DataFrame({"label": labels, "keypoints": [keypoints_json(pose) for pose in poses]})
    return ImageSet(np.full((len(labels), 64, 64, 3), 120, np.uint8), rows, list("abcd"))


def test_the_largest_classes_are_shown_by_whole_poses():
    found = choose_posed(crops([0, 1, 1, 1, 3, 3], [POSE, PARTLY, POSE, POSE, POSE, POSE]))
    assert found == [2, 4, 0]
    with pytest.raises(WrongInput, match="whole pose"):
        choose_posed(crops([0], [PARTLY]))


@pytest.mark.parametrize("count", [1, 3])
def test_each_crop_is_followed_by_its_pose_and_its_maps(count):
    figure = draw_poses(crops(list(range(count)), [POSE] * count), heatmap_sigma=2.0)
    tiles = [axes.images[0].get_array() for axes in figure.axes]
    assert len(tiles) == 4 * count and (tiles[0] == 120).all() and (tiles[1] != 120).any()
    keypoints, bones = tiles[2][:, :, 0], tiles[3][:, :, 0]
    x, y = POSE[10].round().astype(int)
    assert keypoints[y, x] > 200 and bones[y, x] > 100 and keypoints[-1, 0] == bones[-1, 0] == 0
    titles = [axes.get_title() for axes in figure.axes[:4]]
    assert titles == ["(a) real crop", "(b) pose", "(c) 21 keypoint maps", "(d) 20 bone maps"]
    assert overlapping(figure) == []
