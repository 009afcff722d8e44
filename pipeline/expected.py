"""What a run will cost, told before it starts: jobs, GPU hours, and bytes below results/.

Arithmetic on the options of each job and nothing else, because every dry run pays for it. Start-up, reading and packing
are not counted, nor the states of running trainings, which go when a training ends. NaN stands for what cannot be known
before the run; the sentence says which data sets that concerns.
"""

import itertools
import json
import math
from collections import Counter
from dataclasses import dataclass

from pipeline.budget import num_batches, num_epochs
from pipeline.recipes import maker_of, split_size

# One data-centre GPU at float32, where convolutions use TF32: a third of the 156 TFLOP/s of an A100's data sheet.
SUSTAINED_FLOPS = 50e12
# Python, autograd and launch of one operation of an eager network take 5 to 25 us of the host, however small its
# tensors are. With the few-shot batches of 4 to 32 images this, not arithmetic, is what the GPU waits for.
SECONDS_PER_OPERATION = 10e-6

# Operations, views aside, as torch dispatched them: one update of the discriminator (new generated images included)
# and of the generator at any width (ReACGAN 951 and 1399, SPADE on bones 1114 and 1580).
DISCRIMINATOR_OPERATIONS, GENERATOR_OPERATIONS = 1000, 1500
FORWARD_OPERATIONS = 120  # of a generator: ReACGAN 106, SPADE 122
CHUNK, PASS_SIZE = 20, 128  # images that a generator draws, and a finished classifier sees, at once
LEARNING_PASSES = 3  # forward; backward to the weights; backward to the inputs

AUGMENTING_SECONDS = 0.0005  # of one core, of TrivialAugmentWide on an image: 0.44 ms
DETECTION_SECONDS = 0.02  # of one core, of the hand detector on a crop: 17 to 25 ms

# (photographs, training images, test images, classes) of data sets that are not drawn by params.yaml.
KNOWN_SIZES = {
    "rwth": (3359, 2098, 1037, 39),  # the paper's classes and images with a pose, and the tests its accuracies show
    "rwth_22x32": (3359, 1767, 1046, 40),  # as split with the seed of params.yaml
    "rwth_22x32_signers": (3359, 2063, 750, 40),
    "hgr1_longtail": (259, 90, 169, 22),
    "hagrid": (552_992, 509_323, 43_669, 18),  # its owner's split; the few photographs without landmarks are included
    "open_hagrid": (4574, 3861, 399, 41),  # as split
}

# Measured in results/ of the demo and of the small study, in bytes. A 64x64 PNG takes 7.2 to 9.4 kB, its row of
# metadata 30 B, with a pose 360 to 540 B; the mean of a file divided by its images:
CROP_BYTES = 8200  # 7.3 to 8.3 kB
GENERATED_BYTES = 9000  # 7.4 to 9.9 kB
DRAWN_BYTES = 27_000  # of an image of 128x128: 25 and 29 kB
TILE_BYTES = 16_000  # of a contact sheet, enlarged twice: 14 to 19 kB
# A row of a table, 30 to 520 B by the length of the names and whether landmarks come along; poses: both files.
ROW_BYTES = {
    "manifests": 400,
    "poses": 800,
    "splits": 130,
    "subsets": 100,
    "predictions": 110,
    "scores": 40,
    "conditioning": 50,
    "audit": 200,
}
QUALITY_BYTES = 1500
PAIR_BYTES = 54_000  # two images of the audit's page, enlarged twice: 49 to 58 kB

POSE_MAPS = {"spade_keypoints": 21, "spade_bones": 20}


@dataclass(frozen=True)
class Job:
    """A job that a run would do: its rule, the rule's options, its wildcards."""

    rule: str
    options: dict
    wildcards: dict


@dataclass(frozen=True)
class Cost:
    """What one job takes: seconds of a GPU, bytes below results/."""

    gpu_seconds: float
    bytes: float


@dataclass(frozen=True)
class Expectation:
    """By rule: jobs, seconds of a GPU, bytes below results/; by data set: jobs whose seconds and bytes are unknown."""

    jobs: dict
    gpu_seconds: dict
    bytes: dict
    unknown: dict


@dataclass(frozen=True)
class DataSize:
    """Images of a data set, each NaN where unknown."""

    photographs: float
    train: float
    test: float
    classes: float


@dataclass(frozen=True)
class Layer:
    """What a layer keeps, in numbers of 4 bytes, and computes for one image, in FLOP: 2 per multiplication and sum."""

    numbers: float
    flops: float


@dataclass(frozen=True)
class Backbone:
    """A classifier without its head: forward FLOP of a 64x64 image, numbers of 4 bytes, width, operations per batch.

    FLOP by torch's FlopCounterMode, operations as dispatched, views aside; learning_operations: forward and backward.
    """

    flops: float
    numbers: float
    features: float
    learning_operations: float
    forward_operations: float


BACKBONES = {
    # Published for 480x480: 24 G multiplications and sums, so 0.85 GFLOP at 64x64.
    "tf_efficientnetv2_m": Backbone(0.8934e9, 53_150_702, 1280, 2330, 740),
    # Published for 224x224: 0.407 G multiplications and sums, so 0.066 GFLOP at 64x64.
    "tf_efficientnet_lite0": Backbone(0.06278e9, 3_413_122, 1280, 429, 147),
}
_UNKNOWN_BACKBONE = Backbone(*[math.nan] * 5)


def jobs_from(dag):
    """Return the Jobs that a Snakemake DAG would run, those without a file of their own left out."""
    # During a dry run Snakemake itself marks every job as finished.
    return [
        Job(job.rule.name, json.loads(job.params.get("options", "{}")), dict(job.wildcards))
        for job in dag.needrun_jobs(exclude_finished=False)
        if job.output
    ]


def expect(jobs, study):
    """Return the Expectation of these Jobs of a Study."""
    counts, seconds, written, unknown = Counter(), Counter(), Counter(), Counter()
    for job in jobs:
        counts[job.rule] += 1
        cost = _ESTIMATES[job.rule](job, study) if job.rule in _ESTIMATES else Cost(0, 0)
        if math.isnan(cost.gpu_seconds + cost.bytes):
            unknown[job.wildcards["dataset"]] += 1
        else:
            seconds[job.rule] += cost.gpu_seconds
            written[job.rule] += cost.bytes
    return Expectation(dict(counts), dict(seconds), dict(written), dict(unknown))


def sentence(expectation):
    """Tell an Expectation in three lines, a fourth where something is unknown."""
    hours = {rule: seconds / 3600 for rule, seconds in expectation.gpu_seconds.items()}
    gigabytes = {rule: size / 1e9 for rule, size in expectation.bytes.items()}
    lines = [
        f"{sum(expectation.jobs.values()):,} jobs expected: {_listed(expectation.jobs, 1)}.",
        f"{_total(hours, 'GPU hours')}, of a GPU that sustains {SUSTAINED_FLOPS / 1e12:.0f} TFLOP/s"
        f" and a host that takes {SECONDS_PER_OPERATION * 1e6:.0f} us per operation.",
        f"{_total(gigabytes, 'GB below results/')}.",
    ]
    if expectation.unknown:
        known = ", ".join(f"{count} of {dataset}" for dataset, count in expectation.unknown.items())
        lines.append(f"Hours and GB leave out jobs whose data set or backbone has no known size: {known}.")
    return "\n".join(lines)


def announce(workflow, study):
    """Print the sentence about what a dry run of Snakemake has planned; nothing when nothing is to be done."""
    silent = "ALL" in {kind.name for kind in workflow.output_settings.quiet or ()}
    if workflow.dryrun and workflow.dag is not None and not silent:
        jobs = jobs_from(workflow.dag)
        if jobs:
            print(sentence(expect(jobs, study)))


def _total(amounts, unit):
    total, parts = sum(amounts.values()), _listed(amounts, 0.1)
    start = f"About {_amount(total)}" if total >= 0.1 else "Less than 0.1"
    return f"{start} {unit}" + (f" ({parts})" if parts else "")


def _listed(amounts, least):
    """Write "5 name, 1 other" from the largest amount down, without those below `least`."""
    largest = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{_amount(amount)} {name}" for name, amount in largest if amount >= least)


def _amount(amount):
    return f"{amount:.1f}" if amount < 10 and not isinstance(amount, int) else f"{amount:,.0f}"


def data_size(study, dataset):
    """Return the DataSize of a data set: drawn to order, published, or only its classes as params.yaml lists them."""
    if dataset in KNOWN_SIZES:
        return DataSize(*KNOWN_SIZES[dataset])
    data = study.datasets[dataset]
    if "drawn" in data:
        counts = data["drawn"]["handshapes"]
        test = data["split"]["test_fraction"] * sum(counts.values())
        return DataSize(sum(counts.values()), sum(counts.values()) - test, test, len(counts))
    classes = math.nan if data["classes"] == "all" else len(data["classes"])
    return DataSize(math.nan, math.nan, math.nan, classes)


def subset_size(study, dataset, size):
    """Return (fit, val): images of a subset that train, and that validate. Of few-shot sizes it is the upper bound."""
    data, val_fraction = data_size(study, dataset), study.settings["val_fraction"]
    size, _ = split_size(size)
    if size == "all":
        return (1 - val_fraction) * data.train, val_fraction * data.train
    val = int(val_fraction * int(size))
    return (int(size) - val) * data.classes, val * data.classes


# The networks, as in pipeline/gan: every layer with its shape, so that both counts hold at any width.


def conv(inputs, outputs, side, kernel=3, bias=True, taps=None):
    """Return a convolution at side x side pixels that reads `taps` pixels for each, by default kernel x kernel."""
    flops = 2 * inputs * outputs * (taps or kernel**2) * side**2
    return Layer(inputs * outputs * kernel**2 + bias * outputs, flops)


def batch_norm(channels):
    """Return a batch norm without gain and bias: means, variances, and a counter of 8 bytes."""
    return Layer(2 * channels + 2, 0)


def attention(channels, side):
    """Return the layers of SelfAttention: four 1x1 convolutions, the gate, and two products with a quarter as keys."""
    key, value, pixels = channels // 8, channels // 2, side**2
    shapes = [(channels, key), (channels, key), (channels, value), (value, channels)]
    # Keys are padded to the width of the values.
    products = Layer(1, 2 * 2 * pixels * (pixels // 4) * value)
    return [*(conv(*shape, side, kernel=1, bias=False) for shape in shapes), products]


def generator_layers(options, num_classes):
    """Return the Layers of a generator, with the options of its training."""
    channels, maps = options["channels"], POSE_MAPS.get(options["condition"])
    widths = [multiple * channels for multiple in (16, 8, 4, 2, 1)]
    # ReACGAN cuts z into one part for the start and one for each block.
    start = options["z_dim"] if maps else options["z_dim"] // len(widths)
    layers = [conv(start, 4**2 * widths[0], side=1, kernel=1)]
    for level, (wide, narrow) in enumerate(itertools.pairwise(widths)):
        side = 4 * 2**level
        for width, at in ((wide, side), (narrow, 2 * side)):
            layers += _pose_norm(width, at, maps, channels) if maps else _label_norm(width, start, options)
        layers += [conv(wide, narrow, side, taps=16), conv(narrow, narrow, 2 * side), conv(wide, narrow, side, 1)]
    layers += [*attention(widths[2], 16), batch_norm(channels), Layer(2 * channels, 0), conv(channels, 3, 64)]
    return layers if maps else [*layers, Layer(num_classes * options["shared_dim"], 0)]


def _label_norm(width, chunk, options):
    affine = conv(options["shared_dim"] + chunk, width, side=1, kernel=1, bias=False)
    return [batch_norm(width), affine, affine]


def _pose_norm(width, side, maps, channels):
    hidden = channels * 4 // 3
    affine = conv(hidden, width, side, bias=False)
    return [batch_norm(width), conv(maps, hidden, side), affine, affine]


def discriminator_layers(options):
    """Return the Layers of a discriminator but for its linear heads, a thousandth of its FLOP."""
    inputs, channels = 3 + POSE_MAPS.get(options["condition"], 0), options["channels"]
    layers = [conv(inputs, channels, 64), conv(channels, channels, 32, taps=16), conv(inputs, channels, 32, 1)]
    layers += attention(channels, 32)
    for side, multiple in ((32, 1), (16, 2), (8, 4)):
        narrow, wide = multiple * channels, 2 * multiple * channels
        layers += [conv(narrow, wide, side), conv(wide, wide, side // 2, taps=16), conv(narrow, wide, side // 2, 1)]
    narrow, wide = 8 * channels, 16 * channels
    return [*layers, conv(narrow, wide, 4), conv(wide, wide, 4), conv(narrow, wide, 4, 1)]


def flops_of(layers):
    """Return the FLOP of one image's forward pass."""
    return sum(layer.flops for layer in layers)


def bytes_of(layers):
    """Return the size of a file of these layers, its header of some kB aside."""
    return 4 * sum(layer.numbers for layer in layers)


def update_flops(options):
    """Return the FLOP per image of the batch of (a discriminator update, a generator update).

    Counts a backward pass as two forward ones, although the first layers pass nothing further back: 1 % too much at the
    paper's 96 channels, up to 9 % at 8. Spectral norm and optimiser, which do not grow with the batch, are operations.
    """
    generator, discriminator = flops_of(generator_layers(options, 0)), flops_of(discriminator_layers(options))
    # The discriminator sees as many real images as generated ones.
    update_d = generator + 2 * LEARNING_PASSES * discriminator
    # Its weights are fixed while the generator learns: one backward pass less.
    return update_d, LEARNING_PASSES * generator + (LEARNING_PASSES - 1) * discriminator


def _busy(flops, operations):
    """Seconds of a GPU: arithmetic and launching overlap, so the slower of the two."""
    return max(flops / SUSTAINED_FLOPS, operations * SECONDS_PER_OPERATION)


def generator_seconds(options):
    """Return the seconds of a GPU that a generator's training takes."""
    update_d, update_g = (options["batch_size"] * flops for flops in update_flops(options))
    step = options["discriminator_updates"] * _busy(update_d, DISCRIMINATOR_OPERATIONS)
    return options["steps"] * (step + _busy(update_g, GENERATOR_OPERATIONS))


def classifier_seconds(options, fit, val, pool, num_classes):
    """Return the seconds of a GPU that a classifier's training takes on `fit` real and `pool` generated images."""
    backbone, flops = _backbone(options), _backbone_flops(options)

    def epoch(images):
        batches = num_batches(images, options["batch_size"])
        return _busy(LEARNING_PASSES * flops * images, batches * backbone.learning_operations)

    val_batches = -(-val // options["batch_size"])
    validation = _busy(flops * val, val_batches * backbone.forward_operations)
    # REGULARIZATION shows the network a generated batch beside each real one.
    passes = 2 if options["strategy"] == "regularization" else 1
    waiting = AUGMENTING_SECONDS * fit if options["strategy"] == "augmented" else 0
    train = num_epochs(options, fit, num_classes)
    pretrain = options["pretrain_epochs"] if options["strategy"] == "pretrain" else 0
    return pretrain * (epoch(pool) + validation) + train * (passes * epoch(fit) + waiting + validation)


def _backbone(options):
    return BACKBONES.get(options["backbone"], _UNKNOWN_BACKBONE)


def _backbone_flops(options):
    return _backbone(options).flops * (options["image_size"] / 64) ** 2


def _num_generated(study, dataset, filtered):
    per_class = study.settings["generation"]["images_per_class"]
    kept = max(1, round(study.settings["filter"]["keep_fraction"] * per_class)) if filtered else per_class
    return kept * data_size(study, dataset).classes


# One estimate per rule: Job and Study to Cost. What people read is small.


def _drawn(job, study):
    pixels = (job.options["image_size"] / 128) ** 2
    return Cost(0, sum(job.options["handshapes"].values()) * pixels * DRAWN_BYTES)


def _photograph_rows(job, study):
    return Cost(0, data_size(study, job.wildcards["dataset"]).photographs * ROW_BYTES[job.rule])


def _crops(job, study):
    size = data_size(study, job.wildcards["dataset"])
    return Cost(0, (size.train + size.test) * CROP_BYTES)


def _subset_rows(job, study):
    return Cost(0, sum(subset_size(study, job.wildcards["dataset"], job.wildcards["size"])) * ROW_BYTES["subsets"])


def _generators(job, study):
    layers = generator_layers(job.options, data_size(study, job.wildcards["dataset"]).classes)
    return Cost(generator_seconds(job.options), bytes_of(layers))


def _images(job, study):
    """Forward passes only, each of as many images."""
    dataset, size, seed, maker = (job.wildcards[name] for name in ("dataset", "size", "seed", "maker"))
    origin, condition = study.generator_of((dataset, size, seed), maker)
    layers = generator_layers(study.generator_options(*origin, condition), 0)
    passes = -(-study.settings["generation"]["images_per_class"] // CHUNK) * data_size(study, dataset).classes
    count = _num_generated(study, dataset, filtered=False)
    return Cost(passes * _busy(CHUNK * flops_of(layers), FORWARD_OPERATIONS), count * GENERATED_BYTES)


def _scores(job, study):
    count = _num_generated(study, job.wildcards["dataset"], filtered=False)
    return Cost(_forward_seconds(job, study, "real", count), count * ROW_BYTES["scores"])


def _conditioning(job, study):
    """Both sets; the hand detector runs on the host, while the GPU waits."""
    count = 2 * min(job.options["images"], _num_generated(study, job.wildcards["dataset"], filtered=False))
    detection = 0 if job.wildcards["maker"].startswith("reacgan") else count * DETECTION_SECONDS
    return Cost(_forward_seconds(job, study, "real", count) + detection, count * ROW_BYTES["conditioning"])


def _quality(job, study):
    """The networks behind it run on the CPU, beside the bootstrap that takes longer."""
    return Cost(0, QUALITY_BYTES)


def _filtered(job, study):
    return Cost(0, _num_generated(study, job.wildcards["dataset"], filtered=True) * GENERATED_BYTES)


def _copies(job, study):
    count = _num_generated(study, job.wildcards["dataset"], filtered=False)
    return Cost(0, count * CROP_BYTES)


def _classifiers(job, study):
    dataset, size, recipe = (job.wildcards[name] for name in ("dataset", "size", "recipe"))
    made = maker_of(recipe)
    pool = _num_generated(study, dataset, filtered=made[1]) if made else 0
    backbone, classes = _backbone(job.options), data_size(study, dataset).classes
    seconds = classifier_seconds(job.options, *subset_size(study, dataset, size), pool, classes)
    outputs = 1000 if "thousand_outputs" in job.options["as_published"] else classes
    return Cost(seconds, 4 * (backbone.numbers + (backbone.features + 1) * outputs))


def _predictions(job, study):
    count = data_size(study, job.wildcards["dataset"]).test
    return Cost(_forward_seconds(job, study, job.wildcards["recipe"], count), count * ROW_BYTES["predictions"])


def _forward_seconds(job, study, recipe, images):
    dataset, size, seed = (job.wildcards[name] for name in ("dataset", "size", "seed"))
    options = study.classifier_options(dataset, size, seed, recipe)
    batches = -(-images // PASS_SIZE)
    return _busy(images * _backbone_flops(options), batches * _backbone(options).forward_operations)


def _audit(job, study):
    """A row per test image; 24 pairs of test images on the page, 8 of each generated set."""
    rows = data_size(study, job.wildcards["dataset"]).test * ROW_BYTES["audit"]
    return Cost(0, rows + (24 + 8 * len(job.options["makers"])) * PAIR_BYTES)


def _sheets(job, study):
    """Four tiles for each real crop; two, the image and its pose, for each generated image of every set."""
    tiles = 2 * len(job.options["headings"]) or 4
    classes = data_size(study, job.wildcards["dataset"]).classes
    return Cost(0, tiles * job.options["per_class"] * classes * TILE_BYTES)


_ESTIMATES = {
    "drawn": _drawn,
    "manifests": _photograph_rows,
    "poses": _photograph_rows,
    "splits": _photograph_rows,
    "crops": _crops,
    "subsets": _subset_rows,
    "generators": _generators,
    "images": _images,
    "scores": _scores,
    "conditioning": _conditioning,
    "quality": _quality,
    "filtered": _filtered,
    "copies": _copies,
    "real_classifiers": _classifiers,
    "classifiers": _classifiers,
    "predictions": _predictions,
    "audit": _audit,
    "crops_sheets": _sheets,
    "generated_sheets": _sheets,
}
