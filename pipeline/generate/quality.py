"""How real generated images look, as a set: Fréchet and kernel distance, Inception score, precision to coverage.

The reference is what Section 5.1 describes, "a separate validation set composed of images extracted from the training
set": the images of the subset that only validate (the released code takes the classifiers' test images). Real images
that did train, compared in the same way, are the yardstick: no generator can do better than they but by luck.
"""

import json
import math

import numpy as np
import torch

from pipeline.chance import stream
from pipeline.data.archive import read_image_set
from pipeline.data.files import replacing
from pipeline.data.subset import read_subset
from pipeline.metrics.bootstrap import bootstrap_intervals
from pipeline.metrics.features import described
from pipeline.metrics.frechet import frechet_distance
from pipeline.metrics.inception import inception_network
from pipeline.metrics.inception_score import inception_score
from pipeline.metrics.kernel_distance import kernel_distance
from pipeline.metrics.lite0 import Lite0Network
from pipeline.metrics.neighbours import neighbour_scores
from pipeline.stage import note, run_stage, stage_arguments

# What a measure can be: an interval goes no further. A kernel distance may be negative.
_RANGES = {
    **dict.fromkeys(("precision", "recall", "coverage"), (0.0, 1.0)),
    **dict.fromkeys(("frechet_distance", "density"), (0.0, math.inf)),
    "inception_score": (1.0, math.inf),
    "kernel_distance": (-math.inf, math.inf),
}
LEVEL = 0.95  # of the intervals
_SPLITS = 1  # of the Inception score, as the released code has it; the sets are sorted by class


def feature_network(options):
    """Return the network "lite0" (its weights are in a package) or "inception" (in the file `inception_weights`)."""
    return Lite0Network() if options["features"] == "lite0" else inception_network(options["inception_weights"])


def drawn(count, most, *address):
    """Return positions (min(count, most),) of a set of `count` images, ascending: `most` of a larger one, at random."""
    return np.sort(stream(*address).choice(count, min(count, most), replace=False))


def quality_scores(real, generated, neighbours):
    """Return {measure: value} of two Described: real images first."""
    near = neighbour_scores(real.features, generated.features, neighbours)
    return {
        "frechet_distance": frechet_distance(real.features, generated.features),
        "kernel_distance": kernel_distance(real.features, generated.features),
        "inception_score": inception_score(generated.logits, _SPLITS).mean,
        **{name: getattr(near, name) for name in ("precision", "recall", "density", "coverage")},
    }


def measure_quality(real, generated, options):
    """Return {measure: {"value", "low", "high", "sd", "bias"}} of two Described, with bootstrap intervals.

    The ends of an interval stay within what the measure can be.
    """

    def scores(chosen_real, chosen_generated):
        return quality_scores(_chosen(real, chosen_real), _chosen(generated, chosen_generated), options["neighbours"])

    counts, address = (len(real.features), len(generated.features)), (options["seed"], "quality")
    found = bootstrap_intervals(scores, counts, options["resamples"], LEVEL, address)
    return {name: _within_range(name, interval._asdict()) for name, interval in found.items()}


def _chosen(images, positions):
    return type(images)(*(part[positions] for part in images))


def _within_range(name, interval):
    least, most = _RANGES[name]
    return interval | {end: min(max(interval[end], least), most) for end in ("low", "high")}


def main():
    args = stage_arguments(__doc__, inputs=["crops", "subset"], optional=["images"]).parse_args()
    torch.set_num_threads(args.threads)
    options = args.options
    real = read_subset(args.crops, args.subset, "val")
    generated = read_image_set(args.images) if args.images else read_subset(args.crops, args.subset, "fit")
    chosen = [
        image_set.images[drawn(len(image_set), options["images"], options["seed"], "quality", name)]
        for name, image_set in (("real", real), ("generated", generated))
    ]
    few = min(map(len, chosen)) < 2
    if few:
        note(f"{args.out}: a distance needs two images of each set; found {len(real)} that validate, {len(generated)}")
    network = None if few else feature_network(options)
    measures = {} if few else measure_quality(*(described(images, network) for images in chosen), options)
    counts = {"real_images": len(chosen[0]), "generated_images": len(chosen[1])}
    told = {"features": options["features"]} | counts | {"measures": measures}
    with replacing(args.out) as beside:
        beside.write_text(json.dumps(told, indent=1) + "\n")
    print(", ".join(f"{name} {own['value']:.4f}" for name, own in measures.items()))


if __name__ == "__main__":
    run_stage(main)
