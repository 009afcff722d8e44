"""Measure the way from photographs to crops at HaGRID's size: `python -m pipeline.bench.scale --photographs 100000`.

Draws a data set of so many JPEG files in HaGRID's layout and runs the commands of its stages. The photographs are a few
hundred pictures over and over, each with random bytes of its own in a comment, so that no two files are equal. Of each
stage it prints photographs per second; seconds of cores, which other work on the machine lengthens little; the most
memory that its processes ever held together, pages that they share counted once; and what as many photographs as HaGRID
has would take. Real photographs are larger than these: how much longer they take to decode is measured beside it.
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

from pipeline.chance import stream
from pipeline.stage import run_stage

HAGRID = 552_992
GESTURES = ("call", "dislike", "fist", "four", "like", "mute", "ok", "one", "palm", "peace", "rock", "stop")
_PICTURES, _PEOPLE, _SECONDS = 300, 35_000, 1.0
_SEED = 0
_COMMENT = b"\xff\xfe"  # a JPEG segment that decoders skip
_OPTIONS = {
    "manifest": {"reader": "hagrid", "classes": list(GESTURES)},
    "poses": {"detector": "given", "roi": "image", "upscale_to": 0, "min_confidence": 0.5, "folder": None}
    | {"unreadable_at_most": 0, "megapixels_at_most": 200},
    "split": {"kind": "official", "test_fraction": 0.08, "min_images": 4, "seed": 0, "classes": list(GESTURES)},
    "crop": {"size": 64, "margin": 0.35, "megapixels_at_most": 200},
}


def draw_data_set(root, photographs, size):
    """Write `photographs` files of size (width, height) pixels and their annotations below root."""
    pictures = [_picture(number, size) for number in range(_PICTURES)]
    annotations = {("train_val", gesture): {} for gesture in GESTURES} | {("test", gesture): {} for gesture in GESTURES}
    for part, gesture in annotations:
        (root / part / gesture).mkdir(parents=True)
        (root / f"ann_{part}").mkdir(exist_ok=True)
    for number in range(photographs):
        draw = stream(_SEED, "photograph", number)
        part, gesture = "test" if number % 13 == 0 else "train_val", GESTURES[number % len(GESTURES)]
        jpeg, name = pictures[number % _PICTURES], f"{number:08d}"
        comment = _COMMENT + (34).to_bytes(2, "big") + draw.bytes(32)
        (root / part / gesture / f"{name}.jpg").write_bytes(jpeg[:2] + comment + jpeg[2:])
        annotations[part, gesture][name] = _annotation(gesture, draw)
    for (part, gesture), entries in annotations.items():
        (root / f"ann_{part}" / f"{gesture}.json").write_text(json.dumps(entries))


def _picture(number, size):
    """Return a smooth picture with some grain as the bytes of a JPEG."""
    draw = stream(_SEED, "picture", number)
    coarse = cv2.resize(draw.integers(0, 256, (9, 12, 3), dtype=np.uint8), size, interpolation=cv2.INTER_CUBIC)
    grain = draw.normal(0, 4, coarse.shape)
    _, jpeg = cv2.imencode(".jpg", np.clip(coarse + grain, 0, 255).astype(np.uint8))
    return jpeg.tobytes()


def _annotation(gesture, draw):
    left, top = draw.uniform(0.1, 0.6, 2)
    joints = draw.uniform(0, 1, (21, 2)) * 0.25 + [left, top]
    box = [left, top, 0.25, 0.25]
    person = f"person{draw.integers(_PEOPLE)}"
    return {"bboxes": [box], "labels": [gesture], "landmarks": [np.round(joints, 6).tolist()], "user_id": person}


def commands(folder, threads):
    """Return {stage: its command}."""
    files = {"manifest": "manifest.csv", "poses": "poses.npz", "split": "split.csv", "state": "state"}
    manifest, poses, split, state = (f"--{name}={folder / file}" for name, file in files.items())
    outs = {name: f"--out={folder / file}" for name, file in files.items()}
    crops = [f"--{part}={folder / part}.zip" for part in ("train", "test")]
    report, shared = f"--report={folder}/poses.csv", f"--threads={threads}"
    arguments = {
        "manifest": ["pipeline.data.photographs", outs["manifest"]],
        "poses": ["pipeline.poses.extract", manifest, state, shared, outs["poses"], report],
        "split": ["pipeline.data.split", manifest, poses, outs["split"]],
        "crop": ["pipeline.poses.crop", manifest, poses, split, state, shared, *crops],
    }
    roots = {"manifest": {"root": str(folder / "hagrid")}}
    return {
        name: [sys.executable, "-m", *own, f"--options={json.dumps(_OPTIONS[name] | roots.get(name, {}))}"]
        for name, own in arguments.items()
    }


def measured(command):
    """Run a command; return (seconds, seconds of cores, most bytes that it and its processes held together)."""
    began, before, peak = time.monotonic(), _core_seconds(), 0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _held(process))
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - began, _core_seconds() - before, peak


def _core_seconds():
    """Return what all processes that were started from here, and ended, took of cores."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _held(process):
    """Return the bytes of a process and its children, of shared pages each one's part."""
    try:
        return sum(own.memory_full_info().pss for own in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def decoding_seconds(size):
    """Return the seconds that one core takes to decode a photograph of size (width, height)."""
    data = np.frombuffer(_picture(0, size), np.uint8)
    began = time.process_time()
    for _ in range(20):
        cv2.imdecode(data, cv2.IMREAD_COLOR)
    return (time.process_time() - began) / 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=100_000)
    parser.add_argument("--size", type=int, nargs=2, default=(160, 120), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scratch", type=Path, help="folder on a disk with room: 20 kB per photograph")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        folder, count = Path(scratch), args.photographs
        draw_data_set(folder / "hagrid", count, tuple(args.size))
        print(f"{count} photographs of {args.size[0]}x{args.size[1]} pixels, {args.threads} processes", flush=True)
        for name, command in commands(folder, args.threads).items():
            seconds, spent, peak = measured(command)
            print(
                f"{name}: {seconds:.0f} s, {count / seconds:.0f} photographs/s; {spent:.0f} core s,"
                f" {1000 * spent / count:.2f} core ms each; {peak / 1e6:.0f} MB. {HAGRID} photographs:"
                f" {spent / count * HAGRID / 3600:.2f} core hours, at most {peak / count * HAGRID / 1e9:.1f} GB",
                flush=True,
            )
    for size in (tuple(args.size), (683, 512), (1920, 1080)):
        print(f"decoding {size[0]}x{size[1]}: {1000 * decoding_seconds(size):.1f} ms of a core")


if __name__ == "__main__":
    run_stage(main)
