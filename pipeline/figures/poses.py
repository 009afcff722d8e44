"""Figure 3: real crops, the pose found on each, and the keypoint and bone maps that generators see."""

import numpy as np

from pipeline.data.archive import read_image_set
from pipeline.figures.style import figure_arguments, new_figure, save_figure
from pipeline.poses.pictures import draw_skeleton, show_maps
from pipeline.poses.render import NUM_POSE_MAPS
from pipeline.stage import WrongInput, run_stage

_NUM_CLASSES = 3


def choose_posed(crops):
    """Return the positions of the first crop with a whole pose of each of the largest classes."""
    whole = np.isfinite(crops.keypoints).all(axis=(1, 2))
    if not whole.any():
        raise WrongInput("Figure 3: no training crop has a whole pose; expected one; mend `poses` of the data set")
    labels = crops.labels[whole]
    largest = np.argsort(-np.bincount(labels), kind="stable")[: min(_NUM_CLASSES, len(np.unique(labels)))]
    return [int(np.flatnonzero(whole & (crops.labels == label))[0]) for label in largest]


def draw_poses(crops, heatmap_sigma):
    """Return the Figure: a row per crop; the crop, its pose, its keypoint maps and its bone maps."""
    titles = ["(a) real crop", "(b) pose"] + [
        f"({letter}) {count} {condition.removeprefix('spade_').removesuffix('s')} maps"
        for letter, (condition, count) in zip("cd", NUM_POSE_MAPS.items(), strict=True)
    ]
    figure = new_figure(0.3 + 1.25 * len(crops), width=5.4)
    panels = figure.subplots(len(crops), len(titles), squeeze=False)
    keypoints = crops.keypoints
    for row, image in enumerate(crops.images):
        maps = [show_maps(condition, keypoints[row], len(image), heatmap_sigma) for condition in NUM_POSE_MAPS]
        for axes, tile in zip(panels[row], [image, draw_skeleton(image, keypoints[row]), *maps], strict=True):
            axes.imshow(tile, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        panels[row, 0].set_ylabel(crops.class_names[crops.labels[row]])
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    return figure


def main():
    args = figure_arguments(__doc__, inputs=["crops"]).parse_args()
    crops = read_image_set(args.crops[0])
    save_figure(draw_poses(crops.select(choose_posed(crops)), args.options["heatmap_sigma"]), args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
