"""Copies of real images, as many as a generator would draw: the same training, and nothing new to learn from.

What generated images gain over them is not owed to balance, nor to more updates.
"""

import numpy as np
import pandas as pd

from pipeline.data.archive import ImageSet, write_image_set
from pipeline.data.subset import read_subset
from pipeline.stage import WrongInput, run_stage, stage_arguments


def copy_in_rotation(target, images_per_class):
    """Return an ImageSet of so many images of each class of `target`, its own in rotation, the images an iterator.

    target: the ImageSet of the images that train. Raises WrongInput for a class without any.
    """
    positions = []
    for label, name in enumerate(target.class_names):
        own = np.flatnonzero(target.labels == label)
        if not len(own):
            raise WrongInput(f"class {name!r}: no training image to copy; enlarge the subset or drop the class")
        positions.append(np.resize(own, images_per_class))
    positions = np.concatenate(positions)
    chosen = target.rows.iloc[positions]
    names = [f"{name}/{index:06d}.png" for name in target.class_names for index in range(images_per_class)]
    rows = pd.DataFrame({"file_name": names} | {key: chosen[key].to_numpy() for key in ("label", "class", "keypoints")})
    return ImageSet((target.images[position] for position in positions), rows, target.class_names)


def main():
    args = stage_arguments(__doc__, inputs=["crops", "subset"]).parse_args()
    target = read_subset(args.crops, args.subset, "fit")
    copies = copy_in_rotation(target, args.options["images_per_class"])
    write_image_set(args.out, copies)
    print(f"{len(copies)} copies of {len(target)} images")


if __name__ == "__main__":
    run_stage(main)
