"""Score generated images: the probability that a classifier of real images gives to their own class (Section 3.1.4)."""

import torch

from pipeline.classify.evaluate import probabilities_of
from pipeline.data.archive import read_image_set
from pipeline.data.files import replacing
from pipeline.stage import run_stage, stage_arguments


def score_table(rows, probabilities):
    """Return a table file_name, label, score: the probability (N, K) of each image's own class."""
    labels = rows["label"].to_numpy()
    return rows[["file_name", "label"]].assign(score=probabilities[range(len(labels)), labels])


def main():
    args = stage_arguments(__doc__, inputs=("classifier", "images")).parse_args()
    torch.set_num_threads(args.threads)
    generated = read_image_set(args.images)
    # Scaled as in training; the released code scores raw values of 0 to 255 with a network that knows [-1, 1].
    probabilities = probabilities_of(generated, args.images, args.classifier)
    scores = score_table(generated.rows, probabilities)
    with replacing(args.out) as beside:
        scores.to_csv(beside, index=False)
    print(f"{len(scores)} images, mean score {scores['score'].mean():.4f}")


if __name__ == "__main__":
    run_stage(main)
