"""Score generated images: the probability that a classifier of real images gives to their own class (Section 3.1.4).

The released code shows a network that knows [-1, 1] raw pixels of 0 to 255 (`unscaled_scores`), and asks it for the
class that the text order of folders gives to an image (`permuted_scores`).
"""

import torch

from pipeline.classify.batches import as_stored, to_input
from pipeline.classify.evaluate import probabilities_of
from pipeline.classify.folder_order import text_ranks
from pipeline.data.archive import read_image_set
from pipeline.data.files import replacing
from pipeline.stage import run_stage, stage_arguments


def score_table(rows, probabilities, as_published):
    """Return a table file_name, label, score: the probability (N, K) of each image's own class."""
    asked = rows["label"].to_numpy()
    if "permuted_scores" in as_published:
        asked = text_ranks(probabilities.shape[1])[asked]
    return rows[["file_name", "label"]].assign(score=probabilities[range(len(asked)), asked])


def main():
    args = stage_arguments(__doc__, inputs=("classifier", "images")).parse_args()
    torch.set_num_threads(args.threads)
    generated = read_image_set(args.images)
    as_published = args.options["as_published"]
    prepare = as_stored if "unscaled_scores" in as_published else to_input
    probabilities = probabilities_of(generated, args.images, args.classifier, prepare)
    scores = score_table(generated.rows, probabilities, as_published)
    with replacing(args.out) as beside:
        scores.to_csv(beside, index=False)
    print(f"{len(scores)} images, mean score {scores['score'].mean():.4f}")


if __name__ == "__main__":
    run_stage(main)
