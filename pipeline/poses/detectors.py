"""Detectors of hands: functions detect(images, photographs) -> [list[Hand]], made by name from the stage's options.

images are uint8 (H, W, 3) RGB of any sizes, photographs their rows of the manifest; what is found in one does not
depend on the others. Which of its hands counts is decided elsewhere, once for all detectors
(pipeline.poses.hand.select_hand).
"""

import itertools
import json
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from pipeline.data.archive import read_keypoints
from pipeline.poses.hand import Hand
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.poses.weights import FILES
from pipeline.stage import WrongInput


def make_detector(options, weights, threads):
    """Return (detect, description) for options["detector"]; raise WrongInput for a name that is not known."""
    name = options["detector"]
    if name not in DETECTORS:
        raise WrongInput(f"poses option detector: {name!r}; expected one of {', '.join(DETECTORS)}")
    return DETECTORS[name](options, weights, threads)


def mediapipe_detector(options, weights, threads):
    """MediaPipe's hand models; photographs whose short side is below options["upscale_to"] are enlarged for it."""
    from pipeline.poses.hand_landmarker import HandLandmarker

    landmarker = HandLandmarker(weights, options["roi"], threads)

    def hands_of(image):
        enlarged, factor = upscaled(image, options["upscale_to"])
        hands = landmarker(enlarged)
        # Pixel i is centred at i: its edges, not its centre, are what scales.
        return [Hand((hand.keypoints + 0.5) / factor - 0.5, hand.confidence, hand.side) for hand in hands]

    def detect(images, photographs):
        return [hands_of(image) for image in images]

    return detect, f"mediapipe 0.10.21, hand_landmark_full sha256 {FILES['hand_landmark_full.tflite'][1][:12]}"


def upscaled(image, short_side):
    """Return (image, factor (2,) of x and y), enlarged by bicubic interpolation to at least this short side."""
    height, width = image.shape[:2]
    if min(height, width) >= short_side:
        return image, np.ones(2, np.float32)
    factor = short_side / min(height, width)
    shape = (round(width * factor), round(height * factor))
    enlarged = cv2.resize(image, shape, interpolation=cv2.INTER_CUBIC)
    return enlarged, np.array([shape[0] / width, shape[1] / height], np.float32)


def given_detector(options, weights, threads):
    """Landmarks that came with the data, sure by declaration; photographs without any have no hand."""

    def detect(images, photographs):
        return [_given_hands(photograph) for photograph in photographs]

    return detect, "landmarks given with the data"


def _given_hands(photograph):
    if not photograph["landmarks"]:
        return []
    keypoints = read_keypoints(photograph["landmarks"])
    if keypoints is None:
        raise WrongInput(
            f"{photograph['name']}: landmarks {photograph['landmarks'][:60]!a}; expected 21 pairs [x, y] in pixels as"
            " JSON; mend or empty its landmarks in the manifest's source"
        )
    return [Hand(keypoints, np.isfinite(keypoints).all(axis=1).astype(np.float32), "")]


def openpose_json_detector(options, weights, threads):
    """OpenPose's output: <stem>_keypoints.json or <stem>.json anywhere under options["folder"], paired by name.

    The released code pairs images and poses by sorted position; one missing file then shifts all that follow.
    """
    files = _json_files(options["folder"])

    def detect(images, photographs):
        names = [photograph["name"] for photograph in photographs]
        return [read_openpose(_openpose_file(files, name, options["folder"])) for name in names]

    return detect, "OpenPose JSON"


def mmpose_detector(options, weights, threads):
    """A model of OpenMMLab's with the user's checkpoint; it scales boxes itself, so upscale_to must be 0."""
    from pipeline.poses.mmpose_models import MmposeModel

    model = MmposeModel(options["mmpose"], options["roi"], threads)
    return (lambda images, photographs: model(images)), model.description


def read_openpose(path):
    """Return the hands of all people in an OpenPose JSON file; a joint 0, 0, 0 was not found: NaN, confidence 0."""
    hands = []
    try:
        for person in json.loads(Path(path).read_bytes())["people"]:
            for side in ("left", "right"):
                triples = np.array(person[f"hand_{side}_keypoints_2d"], np.float32).reshape(-1, 3)
                if not np.isfinite(triples).all():
                    raise ValueError(f"a number of the {side} hand is not finite")
                if len(triples) == NUM_KEYPOINTS and triples[:, 2].any():
                    found = triples[:, 2:] > 0
                    hands.append(Hand(np.where(found, triples[:, :2], np.nan), triples[:, 2], side))
    except (KeyError, TypeError, ValueError, RecursionError) as wrong:
        raise WrongInput(
            f"{path}: {type(wrong).__name__} {wrong}; expected OpenPose output with people[].hand_left_keypoints_2d and"
            " hand_right_keypoints_2d (x, y, confidence of 21 joints); run OpenPose again with --hand --write_json"
        ) from None
    return hands


def _json_files(folder):
    if folder is None or not Path(folder).is_dir():
        raise WrongInput(f"poses option folder: {folder}; expected the folder with OpenPose's JSON files; set it")
    files = {}
    for path in sorted(Path(folder).rglob("*.json")):
        files.setdefault(path.stem.removesuffix("_keypoints"), []).append(path)
    return files


def _openpose_file(files, name, folder):
    """Find the file of a photograph; of several with its stem, the one that shares most folders with its name."""
    candidates = files.get(PurePosixPath(name).stem, [])
    shared = [_shared_folders(path, PurePosixPath(name)) for path in candidates]
    if not candidates or shared.count(max(shared)) > 1:
        raise WrongInput(
            f"{folder}: {len(candidates)} JSON files for photograph {name}; expected one <stem>_keypoints.json,"
            " in folders of the same names if stems repeat; run OpenPose on it, or rename"
        )
    return candidates[shared.index(max(shared))]


def _shared_folders(path, photograph):
    """Count the folders that two paths share, from the file upward; train_poses/ counts as train/ (paper's layout)."""
    pairs = zip(reversed(path.parts[:-1]), reversed(photograph.parts[:-1]), strict=False)
    same = [one.removesuffix("_poses") == other for one, other in pairs]
    return len(list(itertools.takewhile(bool, same)))


DETECTORS = {
    "mediapipe": mediapipe_detector,
    "mmpose": mmpose_detector,
    "given": given_detector,
    "openpose_json": openpose_json_detector,
}
# These look up what others found, by more than a photograph's pixels, and as fast as any cache would.
LOOKED_UP = ("given", "openpose_json")
