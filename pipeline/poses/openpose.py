"""OpenPose's output on disk: which file is whose, and the hands in it.

The released code pairs images and poses by sorted position; one missing file then shifts all that follow.
"""

import json
from pathlib import Path, PurePosixPath

import numpy as np

from pipeline.data.manifest import box_of, box_sides, whole_name
from pipeline.poses.hand import Hand
from pipeline.poses.skeleton import NUM_KEYPOINTS
from pipeline.stage import WrongInput


class OpenposeFiles:
    """The <stem>_keypoints.json or <stem>.json anywhere under a folder; raises WrongInput where there is no folder.

    A file is a photograph's if it has its stem and lies in its folders, or in the innermost of them; train_poses/
    counts as train/ (the paper's layout).
    """

    def __init__(self, folder):
        if folder is None or not Path(folder).is_dir():
            raise WrongInput(f"poses option folder: {folder}; expected the folder with OpenPose's JSON files; set it")
        self._folder, self._by_stem = folder, {}
        for path in sorted(Path(folder).rglob("*.json")):
            above = path.relative_to(folder).parts[:-1]
            self._by_stem.setdefault(path.stem.removesuffix("_keypoints"), []).append((above, path))

    def of(self, name):
        """Return the file of the photograph of that name; raise WrongInput where it has none, or several."""
        own = self._own(name)
        if len(own) != 1:
            among = len(self._by_stem.get(PurePosixPath(name).stem, []))
            raise WrongInput(
                f"{self._folder}: {len(own)} JSON files for photograph {name}, of {among} with its stem; expected one"
                " <stem>_keypoints.json in folders of the same names, or beside them if no other photograph has the"
                " stem; run OpenPose on it, or rename"
            )
        return own[0][1]

    def expect_one_photograph_each(self, names):
        """Raise WrongInput where a file would be that of two of all the photographs: it cannot tell which."""
        alike = {}
        for name in names:
            alike.setdefault(PurePosixPath(name).stem, []).append(name)
        for name in names:
            for above, path in self._own(name):
                others = [other for other in alike[PurePosixPath(name).stem] if other != name and _fits(above, other)]
                # Who lies in just these folders owns the file, whatever lies deeper in folders of the same names.
                if len(above) == len(_folders(name)):
                    others = [other for other in others if len(_folders(other)) == len(above)]
                if others:
                    raise WrongInput(
                        f"{path}: may be the pose of {name} or of {others[0]}; expected a file for one photograph; put"
                        f" each into folders of the same names below {self._folder}, or rename"
                    )

    def _own(self, name):
        """Return the (folders, path) with most folders, of those whose folders are all a photograph's."""
        fitting = [entry for entry in self._by_stem.get(PurePosixPath(name).stem, []) if _fits(entry[0], name)]
        most = max((len(above) for above, _ in fitting), default=0)
        return [entry for entry in fitting if len(entry[0]) == most]


def _folders(name):
    return PurePosixPath(name).parts[:-1]


def _fits(above, name):
    """True where these folders of a file are the innermost folders of a photograph."""
    innermost = _folders(name)[-len(above) :] if above else ()
    return len(innermost) == len(above) and all(
        other in (own, own.removesuffix("_poses")) for own, other in zip(above, innermost, strict=True)
    )


def photographs_of(rows):
    """Return the names of the whole photographs of a manifest's rows, each once."""
    return list(dict.fromkeys(whole_name(name, path) for name, path in zip(rows["name"], rows["path"], strict=True)))


def hands_of(photograph, files):
    """Return the hands of a row of the manifest, in pixels of what it shows: of a box, those in its middle."""
    hands = read_openpose(files.of(whole_name(photograph["name"], photograph["path"])))
    return _in_box(hands, box_sides(photograph["path"])) if box_of(photograph["path"]) else hands


def _in_box(hands, box):
    """Return the hands whose joints centre in the middle two thirds of a box, moved to the cut-out of that box.

    A box has a quarter of the hand's size around the hand (pipeline.data.folder), where a neighbour's may be.
    """
    x, y, width, height = box
    middle, reach = np.array([x + (width - 1) / 2, y + (height - 1) / 2]), np.array([width, height]) / 3
    near = [hand for hand in hands if (np.abs(np.nanmean(hand.keypoints, axis=0) - middle) <= reach).all()]
    # A box that begins outside of the photograph is cut where the photograph begins.
    origin = np.array([max(x, 0), max(y, 0)], np.float32)
    return [Hand(hand.keypoints - origin, hand.confidence, hand.side) for hand in near]


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
