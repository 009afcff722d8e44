"""Images that a generator learns from besides those of its subset: another data set's, of the classes of the same name.

The owner of RWTH's images provides a million weakly labelled frames as well, on which the paper's generators were
trained (Section 4.1; of the released code one command that is commented out does so). They stay in their archive, from
which each batch decodes its own, and judge nothing: the generator that is kept is the nearest to the subset's images.
"""

import numpy as np
import torch

from pipeline.data.archive import decode_image, read_keypoints, read_metadata
from pipeline.data.outside import folder_digest
from pipeline.data.tree import read_bytes
from pipeline.stage import WrongInput


class ExtraImages:
    """Labels (N,) int64 in the order of `class_names`, keypoints (N, 21, 2) float32 if posed, images on demand.

    path: an image set of 64x64 crops. Its images of other classes are left out and, if posed, those without a pose.
    Raises WrongInput where none is left.
    """

    def __init__(self, path, class_names, posed):
        rows, names = read_metadata(path)
        rows = rows[rows["class"].isin(class_names)]
        poses = rows["keypoints"].map(read_keypoints) if posed else None
        if posed:
            rows, poses = rows[poses.notna()], poses[poses.notna()]
        if rows.empty:
            raise WrongInput(
                f"{path}: no image that helps to train a generator of the classes {', '.join(class_names)}; found"
                f" {', '.join(names)}; choose another data set as its extra_images in params.yaml"
            )
        position = {name: label for label, name in enumerate(class_names)}
        self.path, self._names = path, rows["file_name"].tolist()
        self.labels = rows["class"].map(position).to_numpy(np.int64)
        self.keypoints = np.stack(poses.to_list()) if posed else None

    def __len__(self):
        return len(self._names)

    def images(self, positions):
        """Return the images uint8 (B, 64, 64, 3) at these positions."""
        names = [f"{self.path}/{self._names[position]}" for position in positions]
        return np.stack([decode_image(read_bytes(name), name) for name in names])

    def fingerprint(self):
        """Return a hash of everything that a training can depend on."""
        return folder_digest(self.path)


class WithExtra:
    """The images of a subset, a tensor uint8 (N, 64, 64, 3), and after them those of ExtraImages, as if one tensor."""

    def __init__(self, own, extra):
        self._own, self._extra = own, extra

    def __getitem__(self, positions):
        count = len(self._own)
        images = self._own[positions.clamp(max=count - 1)]
        places = torch.nonzero(positions >= count).flatten()
        if len(places):
            decoded = self._extra.images((positions[places] - count).tolist())
            images[places] = torch.from_numpy(decoded).to(images.device)
        return images
