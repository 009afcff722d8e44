"""Detectors side by side on hands whose joints are known: a CSV, and the same as one web page that needs no network.

MediaPipe takes part by each of its policies; mmpose and OpenPose's JSON files do where they are named.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.data.files import replacing
from pipeline.poses.compare_page import page
from pipeline.poses.detectors import make_detector
from pipeline.poses.hand import select_hand
from pipeline.poses.hand_landmarker import LOOKS
from pipeline.poses.known_hands import annotated_hands, frames
from pipeline.poses.pck import NEAR, distances
from pipeline.poses.weights import FOLDER
from pipeline.stage import WrongInput, run_stage

ALL = "all"
_BATCH = 64


def contestants(mmpose=None, openpose=None):
    """Return {name: options as in the section poses of params.yaml}."""
    options = {"upscale_to": 0, "min_confidence": 0.5, "folder": None}
    found = {f"mediapipe {roi}": options | {"detector": "mediapipe", "roi": roi} for roi in LOOKS}
    found["mediapipe centre (upscale_to 256)"] = found["mediapipe centre"] | {"upscale_to": 256}
    if mmpose is not None:
        own = options | {"detector": "mmpose", "min_confidence": 0.3, "mmpose": mmpose}
        found |= {f"mmpose {roi}": own | {"roi": roi} for roi in ("image", "centre")}
    if openpose is not None:
        found["openpose_json"] = options | {"detector": "openpose_json", "min_confidence": 0.1, "folder": openpose}
    return found


def compared(hands, detect, min_confidence):
    """Return one (source, found, distances of the known joints in hands, infinite where no hand was found) per hand.

    hands: KnownHands; detect(images, photographs) gives the hands of each, of which the surest counts.
    """
    rows = []
    for start in range(0, len(hands), _BATCH):
        batch = hands[start : start + _BATCH]
        seen = detect([hand.image for hand in batch], [{"name": hand.name, "path": hand.name} for hand in batch])
        for hand, several in zip(batch, seen, strict=True):
            best = select_hand(several, min_confidence)
            keypoints = np.full_like(hand.pose, np.nan) if best is None else best.keypoints
            rows.append((hand.source, best is not None, distances(keypoints, hand.pose, hand.size)))
    return rows


def summarise(rows):
    """Return the measures of rows of `compared`; those of joints are NaN where none is known.

    pck and mean_error (hands) are over the joints of hands that were found, mean_error without joints that the detector
    left out; pck_missed_as_0 counts the joints of the others as wrong.
    """
    found = [found for _, found, _ in rows]
    of_found = np.concatenate([off for _, found, off in rows if found] or [np.empty(0)])
    of_all = np.concatenate([off for _, _, off in rows])
    return {
        "hands": len(rows),
        "found": sum(found),
        "detection_rate": np.mean(found),
        "joints": len(of_found),
        "pck": _mean(of_found <= NEAR),
        "pck_missed_as_0": _mean(of_all <= NEAR),
        "mean_error": _mean(of_found[np.isfinite(of_found)]),
    }


def table(rows_of):
    """Return a row of measures per source and detector, and per detector for all sources where there are several.

    rows_of: {detector: rows of `compared` on the same hands}.
    """
    lines = []
    for detector, rows in rows_of.items():
        sources = list(dict.fromkeys(source for source, _, _ in rows))
        for source in [*sources, ALL] if len(sources) > 1 else sources:
            own = [row for row in rows if source in (row[0], ALL)]
            lines.append({"source": source, "detector": detector, **summarise(own)})
    order = {source: place for place, source in enumerate(dict.fromkeys(line["source"] for line in lines))}
    return pd.DataFrame(sorted(lines, key=lambda line: order[line["source"]]))


def _mean(values):
    return float(np.mean(values)) if len(values) else np.nan


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotated", type=Path, help="folder with annotations.json (COCO) and images/")
    parser.add_argument("--frames", type=Path, help="RWTH's package, with --landmarks")
    parser.add_argument("--landmarks", type=Path, help="JSON file: landmarks given with the frames")
    parser.add_argument("--mmpose", type=json.loads, help="JSON: config, checkpoint, sha256, flip_test")
    parser.add_argument("--openpose", help="folder with OpenPose's JSON files of whole frames")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="folder of MediaPipe's models")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--page", type=Path, required=True, help="HTML file")
    return parser.parse_args()


def main():
    args = _arguments()
    if (args.annotated is None and args.frames is None) or (args.frames is None) != (args.landmarks is None):
        raise WrongInput("nothing to compare on; expected --annotated, or --frames with --landmarks, or all three")
    sets = {}
    if args.annotated is not None:
        sets["annotated hands"] = list(annotated_hands(args.annotated)), contestants(args.mmpose)
    if args.frames is not None:
        sets["frames"] = list(frames(args.frames, args.landmarks)), contestants(args.mmpose, args.openpose)
    rows_of = {title: _rows_of(hands, names, args) for title, (hands, names) in sets.items()}
    tables = {title: table(rows) for title, rows in rows_of.items()}
    lines = pd.concat(tables, names=["set"]).droplevel(1).reset_index()
    with replacing(args.out) as beside:
        lines.to_csv(beside, index=False, float_format="%.4f")
    with replacing(args.page) as beside:
        beside.write_text(page(tables, rows_of), encoding="utf-8")
    print(lines.to_string(index=False, float_format="%.4f"))


def _rows_of(hands, names, args):
    rows = {}
    for name, options in names.items():
        detect, _ = make_detector(options, args.weights, args.threads)
        rows[name] = compared(hands, detect, options["min_confidence"])
    return rows


if __name__ == "__main__":
    run_stage(main)
