"""Labels as the released code reads generated images back: it keeps each class in a folder named after its number.

Folders sort as text, "0", "1", "10", "11", ..., "2", and labels follow that order; of more than ten classes few keep
their number. Real images are not concerned. Those that the released filter keeps are permuted twice, because it names
their folders after permuted labels; here once.
"""

from dataclasses import replace

import numpy as np


def text_ranks(num_classes):
    """Return (num_classes,) int64: the label that images of each class come back with."""
    return np.argsort(sorted(range(num_classes), key=str))


def read_back(image_set):
    """Return an ImageSet as the released code would load it: the same images, the labels permuted."""
    labels = text_ranks(len(image_set.class_names))[image_set.labels]
    return replace(image_set, rows=image_set.rows.assign(label=labels))
