"""Contact sheets, for a person to look at: real crops with their poses, and generated images per condition."""

import cv2
import numpy as np

from pipeline.data.archive import read_image_set
from pipeline.data.pictures import write_png
from pipeline.poses.pictures import draw_skeleton, show_maps
from pipeline.stage import run_stage, stage_arguments

_GAP, _LABEL_WIDTH, _HEADING_HEIGHT, _SCALE = 4, 150, 28, 2
_PAPER, _INK = (255, 255, 255), (40, 40, 40)


def crops_sheet(crops, per_class, heatmap_sigma):
    """Return rows of (label, tiles): crops of each class, each followed by its pose, keypoint maps and bone maps."""
    rows = []
    for name, chosen in _per_class(crops, per_class):
        pairs = zip(crops.images[chosen], crops.select(chosen).keypoints, strict=True)
        rows.append((name, [tile for pair in pairs for tile in _crop_tiles(*pair, heatmap_sigma)]))
    return rows


def _crop_tiles(image, keypoints, heatmap_sigma):
    maps = [show_maps(f"spade_{kind}", keypoints, len(image), heatmap_sigma) for kind in ("keypoints", "bones")]
    return [image, draw_skeleton(image, keypoints), *maps]


def generated_sheet(image_set, per_class, heatmap_sigma):
    """Return rows of (label, tiles): generated images of each class, each after the pose it was made from."""
    tiles = []
    for name, chosen in _per_class(image_set, per_class):
        row = []
        for index in chosen:
            if image_set.rows["keypoints"].iloc[index]:
                keypoints = image_set.select([index]).keypoints[0]
                row.append(show_maps("spade_bones", keypoints, image_set.images.shape[1], heatmap_sigma))
            row.append(image_set.images[index])
        tiles.append((name, row))
    return tiles


def _per_class(image_set, count):
    for label, name in enumerate(image_set.class_names):
        yield name, np.flatnonzero(image_set.labels == label)[:count]


def lay_out_sheet(blocks):
    """Return one picture uint8 (H, W, 3) of blocks [(heading, [(label, tiles)])], one row of tiles per label."""
    sizes = [len(tile) for _, rows in blocks for _, tiles in rows for tile in tiles]
    step = _SCALE * max(sizes) + _GAP
    width = _LABEL_WIDTH + step * max(len(tiles) for _, rows in blocks for _, tiles in rows)
    height = sum(_HEADING_HEIGHT + step * len(rows) for _, rows in blocks)
    sheet = np.full((height, width, 3), _PAPER, np.uint8)
    top = 0
    for heading, rows in blocks:
        _write(sheet, heading, (8, top + 20), 0.6)
        top += _HEADING_HEIGHT
        for label, tiles in rows:
            _write(sheet, label, (8, top + step // 2), 0.45)
            for column, tile in enumerate(tiles):
                large = cv2.resize(tile, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_NEAREST)
                left = _LABEL_WIDTH + column * step
                sheet[top : top + large.shape[0], left : left + large.shape[1]] = large
            top += step
    return sheet


def _write(sheet, text, place, scale):
    cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)


def main():
    parser = stage_arguments(__doc__, optional=["crops"])
    parser.add_argument("--images", nargs="*", default=[], help="generated image sets")
    args = parser.parse_args()
    options = args.options
    blocks = []
    if args.crops:
        rows = crops_sheet(read_image_set(args.crops), options["per_class"], options["heatmap_sigma"])
        blocks.append(("crop, pose, keypoint maps, bone maps", rows))
    for heading, path in zip(options["headings"], args.images, strict=True):
        rows = generated_sheet(read_image_set(path), options["per_class"], options["heatmap_sigma"])
        blocks.append((heading, rows))
    write_png(args.out, lay_out_sheet(blocks))


if __name__ == "__main__":
    run_stage(main)
