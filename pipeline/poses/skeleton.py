"""The hand's 21 joints and 20 bones, in the order of OpenPose, which MediaPipe and HaGRID share."""

import copy

from pipeline.stage import WrongInput

NUM_KEYPOINTS = 21

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
# As mmpose and COCO-WholeBody name the joints, in our order.
JOINT_NAMES = ("wrist", *(f"{finger}{joint}" for finger in _FINGERS for joint in (1, 2, 3, 4)))

# 0 wrist; then thumb 1-4, index 5-8, middle 9-12, ring 13-16, little finger 17-20, each from the palm to its tip.
# Every finger starts at the wrist, as OpenPose draws it; MediaPipe's own drawing joins the knuckles instead.
BONES = tuple(
    (0 if joint == 1 else 4 * finger + joint - 1, 4 * finger + joint) for finger in range(5) for joint in (1, 2, 3, 4)
)


def joint_order(names, where):
    """Return the place of each of our joints among `names`; raise WrongInput, beginning with `where`, for others.

    Data sets of OpenMMLab's count fingers from the palm or from the tip, and the wrist first or last.
    """
    if sorted(names) != sorted(JOINT_NAMES):
        other = next((name for name in names if name not in JOINT_NAMES), "one of ours is missing")
        raise WrongInput(
            f"{where}: {len(names)} joints, among them {other!r}; expected the 21 of one hand, wrist, thumb1 to"
            " pinky_finger4; choose one for a single hand in two dimensions"
        )
    return [names.index(name) for name in JOINT_NAMES]


def flip_keypoints(keypoints, width):
    """Mirror keypoints (..., 21, 2) in pixels, numpy or torch, with the image of this width: x becomes width - 1 - x.

    Pixel i has its centre at coordinate i, so the first and the last column change places. Joints keep their
    number: a mirrored left thumb is a right thumb.
    """
    flipped = copy.deepcopy(keypoints)
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped
