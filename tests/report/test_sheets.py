import numpy as np
import pandas as pd

from pipeline.data.archive import ImageSet, keypoints_json
from pipeline.report.sheets import crops_sheet, generated_sheet, lay_out_sheet

KEYPOINTS = np.stack([np.linspace(5, 58, 21), np.linspace(10, 50, 21)], axis=1)


def image_set(posed):
    rows = pd.DataFrame({"label": [0, 1, 1], "keypoints": [keypoints_json(KEYPOINTS) if posed else ""] * 3})
    images = np.full((3, 64, 64, 3), 120, np.uint8)
    return ImageSet(images, rows, ["a", "b"])


def test_each_class_is_a_row_and_each_pose_stands_before_its_image():
    assert [(name, len(tiles)) for name, tiles in crops_sheet(image_set(True), 3, 2.0)] == [("a", 4), ("b", 8)]
    assert [len(tiles) for _, tiles in generated_sheet(image_set(True), 3, 2.0)] == [2, 4]
    assert [len(tiles) for _, tiles in generated_sheet(image_set(False), 3, 2.0)] == [1, 2]


def test_no_tile_is_lost_in_the_sheet():
    blocks = [("heading", crops_sheet(image_set(True), 3, 2.0)), ("more", generated_sheet(image_set(False), 1, 2.0))]
    sheet = lay_out_sheet(blocks)
    # 3 + 2 tiles are plain crops of grey 120, each 128x128 pixels; skeletons cover part of 3 more
    assert (sheet == 120).all(axis=2).sum() >= 5 * 128 * 128
