"""How well generated images obey their condition: the class that a classifier sees, the pose that the detector finds.

Class: the share of images that a classifier of real images takes for the class they were made for. Pose: PCK@0.2, the
percentage of correct keypoints, as Simon et al. (CVPR 2017) report it for hands: the share of joints that are found
again no further than 0.2 hands from where the generator was told to put them, one hand being the longer side of the box
around that pose. A hand that is not found at all says nothing about joints, so it is counted by itself; PCK is also
given with such images as 0. Real images, whose poses were found in them, are the yardstick for all of it.
"""

import json

import numpy as np
import pandas as pd
import torch

from pipeline.chance import seed_of
from pipeline.classify.evaluate import probabilities_of
from pipeline.data.archive import read_image_set, read_metadata
from pipeline.data.files import replacing
from pipeline.data.subset import read_rows
from pipeline.poses.detectors import make_detector
from pipeline.poses.hand import select_hand
from pipeline.poses.pck import near_share
from pipeline.poses.weights import FOLDER
from pipeline.stage import run_stage, stage_arguments

# A crop is the square of one hand: one look at the whole of it, the same for every image, good or bad.
DETECTOR = {"detector": "mediapipe", "roi": "image", "upscale_to": 0}
MIN_CONFIDENCE = 0.5


def drawn_names(rows, count, seed):
    """Return the file names of at most `count` images: those that come first in an order drawn by seed and name."""
    names = sorted(rows["file_name"], key=lambda name: seed_of(seed, "conditioning", name))
    return set(names[:count])


def held_out(rows, subset):
    """Return the rows of training crops that a classifier of a subset has not learnt from, nor from others of the clip.

    As in the subset itself, a clip counts class by class. Images that picked the classifier's epoch are among them.
    """
    fit = subset[subset["part"] == "fit"]
    learnt = set(zip(fit["class"], fit["group"], strict=True))
    return rows[[pair not in learnt for pair in zip(rows["class"], rows["group"], strict=True)]]


def measured(image_set, predicted, detect):
    """Return a table file_name, label, predicted (a label), found (0 or 1), pck: one row per image.

    predicted: labels (N,). detect([image], [row]) gives the hands of each, of which the surest counts, whichever side
    it is. found and pck are missing where an image has no pose, pck where no hand was found.
    """
    table = image_set.rows[["file_name", "label"]].assign(predicted=predicted)
    poses = [_pose_measures(*one, detect) for one in zip(image_set.images, image_set.rows["keypoints"], strict=True)]
    table[["found", "pck"]] = np.array(poses, float).reshape(-1, 2)
    return table


def _pose_measures(image, pose, detect):
    if not pose:
        return np.nan, np.nan
    hand = select_hand(detect([image], [None])[0], MIN_CONFIDENCE)
    return (0, np.nan) if hand is None else (1, near_share(hand.keypoints, np.array(json.loads(pose), float)))


def summarise(table):
    """Return {measure: {"value", "n"}} of the rows of one set; a measure that no image has is left out.

    accuracy and found are over all images (with a pose), pck over those with a hand found, pck_missed_as_0 over both.
    """
    measures = {
        "accuracy": table["predicted"] == table["label"],
        "found": table["found"],
        "pck": table["pck"],
        "pck_missed_as_0": table["pck"].mask(table["found"] == 0, 0.0),
    }
    known = {name: column.dropna() for name, column in measures.items()}
    return {name: {"value": float(own.mean()), "n": len(own)} for name, own in known.items() if len(own)}


def sentence(name, measures):
    """Tell the measures of one set in a line."""
    return f"{name}: " + ", ".join(f"{what} {own['value']:.4f} (n={own['n']})" for what, own in measures.items())


def main():
    inputs, outputs = ("images", "crops", "subset", "classifier"), ("out", "measures")
    args = stage_arguments(__doc__, inputs, outputs, optional=["weights"]).parse_args()
    torch.set_num_threads(args.threads)
    subset = read_rows(args.subset)
    generated, real = read_metadata(args.images)[0], held_out(read_metadata(args.crops)[0], subset)
    posed = (generated["keypoints"] != "").any()
    detect = make_detector(DETECTOR, args.weights or FOLDER, args.threads)[0] if posed else None
    tables = []
    for name, path, rows in (("generated", args.images, generated), ("real", args.crops, real)):
        names = drawn_names(rows, args.options["images"], args.options["seed"])
        if names:
            tables.append(_measured_archive(path, names, args.classifier, detect).assign(set=name))
    table = pd.concat(tables)[["file_name", "set", "label", "predicted", "found", "pck"]]
    measures = {name: summarise(own) for name, own in table.groupby("set", sort=True)}
    with replacing(args.out) as beside:
        table.astype({"found": "Int64"}).to_csv(beside, index=False, float_format="%.4f")
    with replacing(args.measures) as beside:
        beside.write_text(json.dumps(measures, indent=2) + "\n")
    print("\n".join(sentence(*own) for own in measures.items()))


def _measured_archive(path, names, classifier, detect):
    images = read_image_set(path, keep=lambda rows: rows["file_name"].isin(names))
    if detect is None:
        # Beside images of labels alone, real poses have nothing to be compared with.
        images.rows["keypoints"] = ""
    return measured(images, probabilities_of(images, path, classifier).argmax(1), detect)


if __name__ == "__main__":
    run_stage(main)
