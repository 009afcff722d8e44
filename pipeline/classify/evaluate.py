"""Predict the hand shape of every test image: once, in order, as it is."""

import torch

from pipeline.classify.batches import predict
from pipeline.classify.model import check_classes, load_classifier
from pipeline.data.archive import read_image_set
from pipeline.data.files import replacing
from pipeline.metrics.accuracy import accuracy, macro_recall
from pipeline.stage import run_stage, stage_arguments

PASS_SIZE = 128  # images that a finished classifier is shown at once


def class_probabilities(model, images, image_size):
    """Return softmax probabilities (N, K) float64 for uint8 images (N, H, W, 3), scaled as in training."""
    logits = predict(model, torch.from_numpy(images), PASS_SIZE, image_size)
    return torch.softmax(logits.double(), 1).numpy()


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
    table = predictions(test.rows, probabilities_of(test, args.crops, args.classifier))
    with replacing(args.out) as beside:
        table.to_csv(beside, index=False)
    labels, predicted = table["label"].to_numpy(), table["predicted"].to_numpy()
    print(f"{len(table)} images: accuracy {accuracy(labels, predicted):.4f}", end=", ")
    print(f"macro recall {macro_recall(labels, predicted):.4f}")


def probabilities_of(image_set, images_path, classifier_path):
    """Return class_probabilities of an ImageSet by a stored classifier; WrongInput if their classes differ."""
    model, description = load_classifier(classifier_path)
    check_classes(images_path, image_set.class_names, description["class_names"])
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    return class_probabilities(model, image_set.images, description["options"]["image_size"])


if __name__ == "__main__":
    run_stage(main)
