"""Detectors of hands: functions detect(images, photographs) -> [list[Hand]], made by name from the stage's options.

images are uint8 (H, W, 3) RGB of any sizes, photographs their rows of the manifest; what is found in one does not
depend on the others. Which of its hands counts is decided elsewhere, once for all detectors
(pipeline.poses.hand.select_hand).
"""

import cv2
import numpy as np

from pipeline.data.archive import read_keypoints
from pipeline.poses.hand import Hand
from pipeline.poses.openpose import OpenposeFiles, hands_of
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
    """OpenPose's output of the whole photographs, paired by name and folders."""
    files = OpenposeFiles(options["folder"])

    def detect(images, photographs):
        return [hands_of(photograph, files) for photograph in photographs]

    return detect, "OpenPose JSON"


def mmpose_detector(options, weights, threads):
    """A model of OpenMMLab's with the user's checkpoint; it scales boxes itself, so upscale_to must be 0."""
    from pipeline.poses.mmpose_models import MmposeModel

    model = MmposeModel(options["mmpose"], options["roi"], threads)
    return (lambda images, photographs: model(images)), model.description


DETECTORS = {
    "mediapipe": mediapipe_detector,
    "mmpose": mmpose_detector,
    "given": given_detector,
    "openpose_json": openpose_json_detector,
}
# These look up what others found, by more than a photograph's pixels, and as fast as any cache would.
LOOKED_UP = ("given", "openpose_json")
