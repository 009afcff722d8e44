"""Hand keypoints for every photograph of a manifest; where no hand is found the row stays, empty, with the reason."""

import time

import numpy as np
import pandas as pd

from pipeline.data.files import replacing
from pipeline.data.manifest import load_photograph, read_manifest
from pipeline.poses.detectors import make_detector
from pipeline.poses.hand import select_hand
from pipeline.poses.pose_set import PoseSet, write_pose_set
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.poses.weights import FOLDER
from pipeline.stage import WrongInput, note, run_stage, stage_arguments

PROGRESS_SECONDS = 5


def extract_poses(photographs, load, detect, min_confidence):
    """Return a PoseSet without its detector, and a report: name, class, found (0 or 1), confidence, reason.

    photographs: rows with name, path and class; load(path) gives uint8 (H, W, 3) RGB; detect(image, row) its hands.
    Raises one WrongInput for all photographs that could not be read.
    """
    found, sizes, report, failures = [], [], [], []
    for photograph in photographs:
        try:
            image = load(photograph["path"])
            # After a failure nothing will be written: the rest is only looked at for the count.
            hands = detect(image, photograph) if not failures else []
        except WrongInput as wrong:
            failures.append(str(wrong))
            continue
        hand = select_hand(hands, min_confidence)
        found.append(hand)
        sizes.append((image.shape[1], image.shape[0]))
        report.append(_report_row(photograph, hands, hand, min_confidence))
    if failures:
        raise WrongInput(f"{len(failures)} photographs could not be read; the first: {failures[0]}")
    names = [row["name"] for row in report]
    return _pose_set(names, found, sizes), pd.DataFrame(
        report, columns=["name", "class", "found", "confidence", "reason"]
    )


def _report_row(photograph, hands, hand, min_confidence):
    surest = max((hand.score for hand in hands), default=0.0)
    reason = f"surest hand below {min_confidence}" if hands else "no hand seen"
    return {
        "name": photograph["name"],
        "class": photograph["class"],
        "found": int(hand is not None),
        "confidence": round(surest, 4),
        "reason": "" if hand is not None else reason,
    }


def _pose_set(names, hands, sizes):
    no_keypoints = np.full((NUM_KEYPOINTS, 2), np.nan, np.float32)
    no_confidence = np.zeros(NUM_KEYPOINTS, np.float32)
    keypoints = [no_keypoints if hand is None else hand.keypoints for hand in hands]
    confidence = [no_confidence if hand is None else hand.confidence for hand in hands]
    return PoseSet(
        names=np.array(names, str),
        keypoints=np.array(keypoints, np.float32).reshape(-1, NUM_KEYPOINTS, 2),
        confidence=np.array(confidence, np.float32).reshape(-1, NUM_KEYPOINTS),
        side=np.array(["" if hand is None else hand.side for hand in hands], str),
        size=np.array(sizes, np.int64).reshape(-1, 2),
        detector="",
    )


def with_progress(rows):
    """Pass the rows on; every few seconds print how many are done, how fast, and the time left."""
    started = said = time.monotonic()
    for done, row in enumerate(rows):
        now = time.monotonic()
        if done and now - said > PROGRESS_SECONDS:
            rate, said = done / (now - started), now
            print(f"{done}/{len(rows)} images, {rate:.1f} images/s, {(len(rows) - done) / rate:.0f} s left", flush=True)
        yield row


def summary(report):
    """Return lines that count the hands found, in all and for each class."""
    total, hits = len(report), int(report["found"].sum())
    by_class = report.groupby("class", sort=True)["found"].agg(["sum", "size"])
    share = 100 * hits / max(total, 1)
    lines = [f"{total} images, hand found in {hits} ({share:.1f} %)"]
    return lines + [f"  {name}: {row['sum']} of {row['size']}" for name, row in by_class.iterrows()]


def main():
    parser = stage_arguments(__doc__, inputs=["manifest"], outputs=["out", "report"], optional=["weights"])
    args = parser.parse_args()
    detect, description = make_detector(args.options, args.weights or FOLDER, args.threads)
    photographs = read_manifest(args.manifest).to_dict("records")
    poses, report = extract_poses(with_progress(photographs), load_photograph, detect, args.options["min_confidence"])
    poses.detector = description
    write_pose_set(args.out, poses)
    with replacing(args.report) as beside:
        report.to_csv(beside, index=False)
    print("\n".join(summary(report)))
    if not report["found"].all():
        note(f"{summary(report)[0]}; the others take no part, {args.report} lists them with the reason")


if __name__ == "__main__":
    run_stage(main)
