"""Hand keypoints for every photograph of a manifest; where no hand is found the row stays, empty, with the reason.

Processes share the photographs part by part. Finished parts are kept until all are, so that a killed job goes on after
them; and what a detector found is remembered by the photographs' content.
"""

import functools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.data.files import replacing
from pipeline.data.manifest import expect_whole_archives, manifest_parts, photograph_stamp, read_manifest
from pipeline.data.parts import PART, digest_of, discard_parts, part_path, write_arrays
from pipeline.poses.detectors import LOOKED_UP, make_detector
from pipeline.poses.findings import arrays_of, find_hands, read_findings
from pipeline.poses.memory import Memory, forget_the_oldest
from pipeline.poses.openpose import OpenposeFiles, photographs_of
from pipeline.poses.outside import own_files_digest
from pipeline.poses.pose_set import PoseSet, write_pose_set
from pipeline.poses.reasons import UNREADABLE
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.poses.weights import FOLDER
from pipeline.sources import code_digest
from pipeline.stage import WrongInput, note, run_stage, stage_arguments
from pipeline.workers import Workers

MEMORY = Path(".cache/poses")
PROGRESS_SECONDS = 5
_COLUMNS = ["name", "path", "landmarks"]


@dataclass
class Extraction:
    """The work on a part of the photographs, as each process does it. outside: a digest of the detector's own files."""

    options: dict
    weights: Path
    state: Path
    memory: Path
    outside: str

    @functools.cached_property
    def _detector(self):
        return make_detector(self.options, self.weights, threads=1)

    def description(self):
        """Return the detector's description of itself."""
        return self._detector[1]

    @functools.cached_property
    def came_from(self):
        """What findings depend on besides the photograph."""
        findings = {name: value for name, value in self.options.items() if name != "unreadable_at_most"}
        return [
            findings,
            self.description(),
            self.outside,
            code_digest("pipeline.poses.findings", "pipeline.poses.detectors"),
        ]

    def memory_folder(self):
        """Return where the findings of this detector are remembered, or None where it looks them up itself."""
        known = self.options["detector"] not in LOOKED_UP
        return self.memory / f"{self.options['detector']}-{digest_of(self.came_from)[:16]}" if known else None

    @functools.cached_property
    def _memory(self):
        folder = self.memory_folder()
        return None if folder is None else Memory(folder)

    def arrays(self, task):
        """Return the findings of (number, rows, whether to detect) as arrays; else they tell who is unreadable."""
        number, rows, detects = task
        if not detects:
            return arrays_of(find_hands(rows, lambda images, rows: [[]] * len(rows), 0))
        # A photograph may be mended in place before the job goes on.
        photographs = [photograph_stamp(row["path"]) for row in rows]
        path = part_path(self.state, number, self.came_from, rows, photographs)
        kept = read_findings(path)
        if kept is not None and len(kept["reason"]) == len(rows):
            return kept
        least, most = self.options["min_confidence"], self.options["megapixels_at_most"]
        made = arrays_of(find_hands(rows, self._detector[0], least, self._memory, most))
        # An unreadable photograph may have been mended when the job goes on.
        if not _unreadable(made).any():
            write_arrays(path, made)
        return made


def found_parts(workers, parts, limit):
    """Yield the arrays of each part; after more than `limit` unreadable photographs the rest is only counted."""
    unreadable = 0

    def tasks():
        for number, rows in enumerate(parts):
            yield number, rows, unreadable <= limit

    for arrays in workers.each("arrays", tasks()):
        unreadable += int(_unreadable(arrays).sum())
        yield arrays


def extract_poses(parts, photographs, limit):
    """Return (a PoseSet without its detector, a report: name, class, found (0 or 1), confidence, reason).

    parts: the findings as arrays, part by part, in the order of `photographs`, a table of names and classes.
    Raises one WrongInput where more than `limit` photographs could not be read.
    """
    parts = list(parts) or [arrays_of([])]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    unreadable = arrays["reason"][_unreadable(arrays)]
    if len(unreadable) > limit:
        raise WrongInput(
            f"{len(unreadable)} photographs could not be read, and unreadable_at_most of the data set's poses allows"
            f" {limit}; the first: {unreadable[0].removeprefix(UNREADABLE)}"
        )
    report = photographs.assign(
        found=(arrays["reason"] == "").astype(int),
        confidence=[round(score, 4) for score in arrays["score"].tolist()],
        reason=arrays["reason"],
    )
    poses = PoseSet(
        names=np.array(photographs["name"].tolist(), str),
        keypoints=arrays["keypoints"].reshape(-1, NUM_KEYPOINTS, 2),
        confidence=arrays["confidence"].reshape(-1, NUM_KEYPOINTS),
        side=arrays["side"],
        size=arrays["size"].reshape(-1, 2),
        detector="",
    )
    return poses, report


def _unreadable(arrays):
    return np.char.startswith(arrays["reason"], UNREADABLE)


def with_progress(parts, total):
    """Pass the arrays of parts on; every few seconds print how many photographs are done, how fast, the time left."""
    started = said = time.monotonic()
    done = 0
    for part in parts:
        done += len(part["score"])
        now = time.monotonic()
        if now - said > PROGRESS_SECONDS:
            rate, said = done / (now - started), now
            print(f"{done}/{total} images, {rate:.1f} images/s, {(total - done) / rate:.0f} s left", flush=True)
        yield part


def summary(report):
    """Return lines that count the hands found, in all and for each class."""
    total, hits = len(report), int(report["found"].sum())
    by_class = report.groupby("class", sort=True)["found"].agg(["sum", "size"])
    share = 100 * hits / max(total, 1)
    lines = [f"{total} images, hand found in {hits} ({share:.1f} %)"]
    return lines + [f"  {name}: {row['sum']} of {row['size']}" for name, row in by_class.iterrows()]


def main():
    parser = stage_arguments(__doc__, ["manifest", "state"], ["out", "report"], optional=["weights", "memory"])
    args = parser.parse_args()
    options = args.options
    expect_whole_archives(read_manifest(args.manifest, ["path"])["path"])
    if options["detector"] == "openpose_json":
        whole = photographs_of(read_manifest(args.manifest, ["name", "path"]))
        OpenposeFiles(options["folder"]).expect_one_photograph_each(whole)
    outside = own_files_digest(options)
    extraction = Extraction(options, args.weights or FOLDER, args.state, args.memory or MEMORY, outside)
    photographs, limit = read_manifest(args.manifest, ["name", "class"]), options["unreadable_at_most"]
    with Workers(extraction, args.threads) as workers:
        description, memory = workers.ask("description"), workers.ask("memory_folder")
        parts = found_parts(workers, manifest_parts(args.manifest, _COLUMNS, PART), limit)
        poses, report = extract_poses(with_progress(parts, len(photographs)), photographs, limit)
    poses.detector = description
    write_pose_set(args.out, poses)
    with replacing(args.report) as beside:
        report.to_csv(beside, index=False)
    discard_parts(args.state)
    if memory is not None:
        forget_the_oldest(memory)
    print("\n".join(summary(report)))
    if not report["found"].all():
        note(f"{summary(report)[0]}; the others take no part, {args.report} lists them with the reason")


if __name__ == "__main__":
    run_stage(main)
