"""How often a classifier is right: overall, per class, and as the mean over classes."""

import numpy as np


def accuracy(labels, predicted):
    """Return the share of images (N,) whose predicted label is the true one; every image counts once."""
    labels, predicted = _matched(labels, predicted)
    return float(np.mean(labels == predicted))


def printed_accuracy(labels, predicted, batch_size):
    """Return the accuracy that the released code prints: hits in whole batches (`drop_last`), over all images (N,)."""
    labels, predicted = _matched(labels, predicted)
    whole = len(labels) // batch_size * batch_size
    return float(np.sum(labels[:whole] == predicted[:whole]) / len(labels))


def class_accuracy(labels, predicted, num_classes):
    """Return the recall of each class (num_classes,) float64; NaN for a class with no image."""
    labels, predicted = _matched(labels, predicted)
    images = np.bincount(labels, minlength=num_classes)
    hits = np.bincount(labels[labels == predicted], minlength=num_classes)
    return np.divide(hits, images, out=np.full(num_classes, np.nan), where=images > 0)


def macro_recall(labels, predicted):
    """Return the mean recall over the classes that have an image: rare classes count as much as common ones."""
    return float(np.nanmean(class_accuracy(labels, predicted, int(np.max(labels)) + 1)))


def _matched(labels, predicted):
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.size == 0:
        raise ValueError(f"labels {labels.shape}, predictions {predicted.shape}: expected equally many, at least one")
    return labels, predicted
