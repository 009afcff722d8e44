"""Hand keypoints by MediaPipe's two models, run by LiteRT: palms first, then 21 joints in a square around each.

MediaPipe's own package is not used: it does not tell how sure it is that there is a hand, and needs an old numpy.
"""

import numpy as np

from pipeline.poses.hand import Hand
from pipeline.poses.palm import INPUT as PALM_INPUT
from pipeline.poses.palm import decode_palms
from pipeline.poses.region import around, cut, joint_region, palm_region
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.poses.weights import model_path
from pipeline.stage import WrongInput

JOINT_INPUT = 224
MAX_PALMS = 4
# Where each policy looks, in turn: for palms in the middle of the photograph, or at its middle as one hand's square,
# the middle being a square so many times as large as the longer side. A hand that fills the photograph is only found
# with room around it (2.0), a small one without (1.0).
LOOKS = {
    "detect": (("palms", 2.0),),
    "image": (("hand", 1.0),),
    "centre": (("hand", 0.6), ("palms", 1.0)),
    "auto": (("palms", 2.0), ("palms", 1.0), ("hand", 0.6), ("hand", 1.0)),
}
# How far from the photograph's middle a hand's middle may be, as a share of the longer side: a frame that was cut
# around a tracked hand shows the other hand and the face as well.
REACH = {"detect": np.inf, "image": np.inf, "centre": 0.2, "auto": np.inf}
# A hand of this presence ends the looking.
TRUSTED = 0.8


class HandLandmarker:
    """Find hands in photographs; `folder` holds the weights, `roi` names the policy.

    detect: squares around the palms found. image: the whole photograph is one hand's square, as the released code
    does with OpenPose. centre: the hand is in the middle, as in RWTH's frames, which follow the signing hand. auto:
    anywhere, of any size. Each policy looks on until a hand is beyond doubt.
    """

    def __init__(self, folder, roi, threads=1):
        if roi not in LOOKS:
            raise WrongInput(f"poses option roi: {roi!r}; expected one of {', '.join(LOOKS)}")
        self._looks, self._reach = LOOKS[roi], REACH[roi]
        self._palm_model = _Model(model_path(folder, "palm_detection_full.tflite"), threads)
        self._joint_model = _Model(model_path(folder, "hand_landmark_full.tflite"), threads)

    def __call__(self, image):
        """Return the hands of an image uint8 (H, W, 3) RGB, surest first.

        MediaPipe has no confidence of its own for each joint: all 21 carry the presence of the hand.
        """
        hands = []
        for kind, scale in self._looks:
            view = around(image, scale)
            regions = self._palm_regions(image, view) if kind == "palms" else [view]
            found = [self._hand(image, region) for region in regions]
            hands += [hand for hand in found if self._in_reach(hand, image)]
            if any(hand.score >= TRUSTED for hand in hands):
                break
        return sorted(hands, key=lambda hand: -hand.score)

    def _in_reach(self, hand, image):
        height, width = image.shape[:2]
        off = hand.keypoints.mean(axis=0) + 0.5 - [width / 2, height / 2]
        return np.hypot(*off) <= self._reach * max(width, height)

    def _palm_regions(self, image, view):
        boxes, logits = self._palm_model(cut(image, view, PALM_INPUT))
        for palm in decode_palms(boxes[0], logits[0, :, 0])[:MAX_PALMS]:
            points = view.place(palm)
            yield palm_region(points[0], palm[1] * view.side, wrist=points[2], knuckle=points[4])

    def _hand(self, image, region):
        """Look twice: the joints found first place the square of the second look."""
        first, _, _ = self._joints(image, region)
        joints, presence, right = self._joints(image, joint_region(first))
        confidence = np.full(NUM_KEYPOINTS, presence, np.float32)
        # From continuous positions to keypoints, whose pixel i is centred at i.
        return Hand((joints - 0.5).astype(np.float32), confidence, "right" if right > 0.5 else "left")

    def _joints(self, image, region):
        joints, presence, right, _ = self._joint_model(cut(image, region, JOINT_INPUT))
        shares = joints.reshape(NUM_KEYPOINTS, 3)[:, :2] / JOINT_INPUT
        return region.place(shares), presence.item(), right.item()


class _Model:
    """A TFLite model as a function of one image; its outputs in the order of their names."""

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = sorted(self._interpreter.get_output_details(), key=lambda output: output["name"])
        self._outputs = [output["index"] for output in outputs]

    def __call__(self, pixels):
        self._interpreter.set_tensor(self._input, pixels[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
