"""Predict the hand shape of every test image: once, in order, as it is.

The released code mirrors half of the test images (`test_flips`), leaves out the last ones that fill no batch, and
divides by the number of all; a table of errata tells what it prints.
"""

import numpy as np
import torch

from pipeline.classify.batches import coins, predict, to_input
from pipeline.classify.model import check_classes, load_classifier
from pipeline.data.archive import read_image_set
from pipeline.data.files import replacing
from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.stage import WrongInput, run_stage, stage_arguments

PASS_SIZE = 128  # images that a finished classifier is shown at once


def class_probabilities(model, images, image_size, flips=None, prepare=to_input):
    """Return softmax probabilities (N, K) float64 for uint8 images (N, H, W, 3), by default scaled as in training."""
    logits = predict(model, torch.from_numpy(images), PASS_SIZE, image_size, flips, prepare)
    return torch.softmax(logits.double(), 1).numpy()


def expect_finite(probabilities, classifier_path):
    """Return probabilities (N, K); raise WrongInput where one is not a finite number: argmax would answer 0."""
    broken = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(broken):
        raise WrongInput(
            f"{classifier_path}: no finite probabilities for {len(broken)} of {len(probabilities)} images; its training"
            " diverged; lower the classifier's lr in params.yaml, or delete the file, and run Snakemake again"
        )
    return probabilities


def predictions(rows, probabilities):
    """Return a table: file_name, group, class, label, predicted (a label), probability (of the true class)."""
    labels = rows["label"].to_numpy()
    return rows[["file_name", "group", "class", "label"]].assign(
        predicted=probabilities.argmax(1), probability=probabilities[range(len(labels)), labels]
    )


def main():
    args = stage_arguments(__doc__, inputs=("crops", "classifier")).parse_args()
    torch.set_num_threads(args.threads)
    test = read_image_set(args.crops)
    model, options = fitting_classifier(test, args.crops, args.classifier)
    flips = coins(len(test), options["seed"], "flips of test") if "test_flips" in options["as_published"] else None
    probabilities = class_probabilities(model, test.images, options["image_size"], flips)
    table = predictions(test.rows, expect_finite(probabilities, args.classifier))
    with replacing(args.out) as beside:
        table.to_csv(beside, index=False)
    labels, predicted = table["label"].to_numpy(), table["predicted"].to_numpy()
    print(f"{len(table)} images: accuracy {accuracy(labels, predicted):.4f}", end=", ")
    print(f"macro recall {macro_recall(labels, predicted):.4f}")


def probabilities_of(image_set, images_path, classifier_path, prepare=to_input):
    """Return class_probabilities of an ImageSet by a stored classifier.

    Raises WrongInput if their classes differ, or a probability is not a finite number.
    """
    model, options = fitting_classifier(image_set, images_path, classifier_path)
    probabilities = class_probabilities(model, image_set.images, options["image_size"], prepare=prepare)
    return expect_finite(probabilities, classifier_path)


def fitting_classifier(image_set, images_path, classifier_path):
    """Return (model, its options) of a stored classifier; WrongInput if its classes are not those of the images."""
    model, description = load_classifier(classifier_path)
    check_classes(images_path, image_set.class_names, description["class_names"])
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), description["options"]


if __name__ == "__main__":
    run_stage(main)
