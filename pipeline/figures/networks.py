"""Figures 4 and 5: generator and discriminator of one condition, walked through and drawn as they are built."""

import textwrap
from dataclasses import dataclass

import torch
from torch import nn

from pipeline.data.archive import read_metadata
from pipeline.figures.diagrams import draw_arrow, draw_box, new_diagram
from pipeline.figures.style import TINY, figure_arguments, in_words, save_figure
from pipeline.gan.discriminators import build_discriminator
from pipeline.gan.generators import IMAGE_SIZE, build_generator
from pipeline.gan.layers import (
    ConditionalBatchNorm,
    DiscriminatorBlock,
    DiscriminatorStem,
    GeneratorBlock,
    SelfAttention,
    Spade,
)
from pipeline.gan.losses import hinge_discriminator, hinge_generator
from pipeline.poses.render import NUM_POSE_MAPS
from pipeline.stage import run_stage

_BATCH = 2
_TITLES = {
    GeneratorBlock: "Residual block",
    DiscriminatorBlock: "Residual block",
    DiscriminatorStem: "First residual block",
    SelfAttention: "Self-attention",
    nn.BatchNorm2d: "Batch norm, ReLU",
    nn.Embedding: "Class embedding",
}
_NORMS = {ConditionalBatchNorm: "conditional batch norm", Spade: "SPADE"}
# Inches.
_BOX, _STEP, _MARGIN = (2.35, 0.4), 0.51, 0.08
_CONDITION, _GENERATOR, _DISCRIMINATOR = 0.05, 1.65, 4.6  # left edges of the columns
_CONDITION_WIDTH, _HEAD_HEIGHT, _LOSS_HEIGHT = 1.35, 0.5, 0.56
_LINE = 26  # letters of a formula
_NOTE = {"fontsize": TINY, "ha": "center", "va": "center"}


@dataclass
class Part:
    """A part of a network as a forward pass saw it; shapes without the batch."""

    name: str
    module: nn.Module
    seen: tuple
    made: tuple

    @property
    def title(self):
        """What it is, and its parameters."""
        return f"{_kind(self.module)}: {count_parameters(self.module)}"

    @property
    def details(self):
        """Channels and sizes in and out, and what normalises."""
        if len(self.made) == 1:
            seen = "class" if isinstance(self.module, nn.Embedding) else str(self.seen[0])
            return [f"{seen} → {self.made[0]}"]
        channels = " → ".join(dict.fromkeys(str(shape[0]) for shape in (self.seen, self.made)))
        sizes = " → ".join(dict.fromkeys(f"{shape[1]}×{shape[2]}" for shape in (self.seen, self.made)))
        return [f"{channels} channels, {sizes}", *_norms(self.module)]

    @property
    def conditioned(self):
        """True where a normalisation inside is told the condition."""
        return any(isinstance(own, tuple(_NORMS)) for own in self.module.modules())


def _kind(module):
    if isinstance(module, nn.Conv2d):
        return "{}×{} convolution".format(*module.kernel_size)
    return _TITLES.get(type(module), type(module).__name__)


def _norms(module):
    for kind, name in _NORMS.items():
        found = [own for own in module.modules() if isinstance(own, kind)]
        if found:
            yield f"{len(found)} × {name}"


def count_parameters(module):
    """Return in words how many parameters a module has."""
    count = sum(own.numel() for own in module.parameters())
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.1f} k" if count >= 1000 else str(count)


def walk(network, call):
    """Return the Parts of a network in the order in which call() runs them."""
    parts, hooks = [], []
    for name, module in network.named_children():
        for own in module if isinstance(module, nn.ModuleList) else [module]:

            def note(module, inputs, output, name=name):
                parts.append(Part(name, module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))

            hooks.append(own.register_forward_hook(note))
    with torch.no_grad():
        call()
    for hook in hooks:
        hook.remove()
    return parts


def walk_both(condition, num_classes, options):
    """Return (generator, its Parts, discriminator, its Parts), without weights: nothing is computed."""
    with torch.device("meta"):
        generator = build_generator(condition, num_classes, options)
        discriminator = build_discriminator(condition, num_classes, options)
        z, images = torch.zeros(_BATCH, options["z_dim"]), torch.zeros(_BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)
        labels = torch.zeros(_BATCH, dtype=torch.long)
        if condition == "reacgan":
            seen = labels
        else:
            seen = torch.zeros(_BATCH, NUM_POSE_MAPS[condition], IMAGE_SIZE, IMAGE_SIZE)

    def judge():
        if condition == "reacgan":
            discriminator(images)
            discriminator.proxies(labels)
        else:
            discriminator(images, seen)

    drawn, judged = walk(generator, lambda: generator(z, seen)), walk(discriminator, judge)
    return generator, drawn, discriminator, judged


def draw_networks(condition, num_classes, options):
    """Return the Figure: the generator, what conditions it, the discriminator, and the losses."""
    generator, drawn, discriminator, judged = walk_both(condition, num_classes, options)
    column = [part for part in drawn if not isinstance(part.module, nn.Embedding)]
    body = [part for part in judged if len(part.made) == 3]
    heads = [part for part in judged if len(part.made) == 1]
    height = 0.25 + max((len(column) + 2) * _STEP, (len(body) + 1) * _STEP + _HEAD_HEIGHT + _LOSS_HEIGHT + 0.42)
    figure, axes = new_diagram(height)
    top = height - 0.25
    for left, name, network in ((_GENERATOR, "Generator", generator), (_DISCRIMINATOR, "Discriminator", discriminator)):
        title = f"{name}: {count_parameters(network)} parameters"
        axes.text(left + _BOX[0] / 2, height - 0.12, title, ha="center", va="center", weight="bold")

    bottom = _draw_generator(axes, top, column, options)
    _draw_condition(axes, top, drawn, column, condition, num_classes, options)
    seen = _draw_discriminator(axes, top, body, condition)
    # The generated image goes up between the columns to the discriminator.
    right, gap = _GENERATOR + _BOX[0], _DISCRIMINATOR - 0.3
    draw_arrow(axes, (right, bottom), (gap, bottom), (gap, seen), (_DISCRIMINATOR, seen))
    _draw_heads(axes, top - (len(body) + 1) * _STEP + 0.05, heads, options)
    return figure


def _draw_column(axes, left, top, boxes):
    """Draw boxes (kind, title, details) below each other, an arrow from each to the next; return their middles."""
    middles = []
    for row, (kind, title, details) in enumerate(boxes):
        bottom = top - row * _STEP - _BOX[1]
        draw_box(axes, left, bottom, *_BOX, kind, title, details)
        if row:
            draw_arrow(axes, (left + _BOX[0] / 2, bottom + _STEP), (left + _BOX[0] / 2, bottom + _BOX[1]))
        middles.append(bottom + _BOX[1] / 2)
    return middles


def _boxes(parts):
    return [
        ("attention" if isinstance(part.module, SelfAttention) else "layer", part.title, part.details) for part in parts
    ]


def _draw_generator(axes, top, column, options):
    noise = ("data", "noise z", [f"{options['z_dim']} normal numbers"])
    image = "×".join(map(str, column[-1].made))
    boxes = [noise, *_boxes(column), ("data", "generated image", [f"tanh, {image}"])]
    return _draw_column(axes, _GENERATOR, top, boxes)[-1]


def _draw_condition(axes, top, drawn, column, condition, num_classes, options):
    """Draw what conditions the generator, and an arrow to each part that is told of it."""
    if condition == "reacgan":
        title, details = "class embedding", _told_of_labels(drawn, num_classes)
    else:
        title, details = f"{NUM_POSE_MAPS[condition]} pose maps", _told_of_poses(column, condition, options)
    bottom = top - _STEP - _BOX[1]
    draw_box(axes, _CONDITION, bottom, _CONDITION_WIDTH, _BOX[1] + 0.1, "condition", title, details)
    trunk = _CONDITION + _CONDITION_WIDTH / 2
    for row, part in enumerate(column, start=1):
        if part.conditioned:
            middle = top - row * _STEP - _BOX[1] / 2
            draw_arrow(axes, (trunk, bottom), (trunk, middle), (_GENERATOR, middle))


def _told_of_labels(drawn, num_classes):
    embedding = next(part for part in drawn if isinstance(part.module, nn.Embedding))
    norms = (own for part in drawn for own in part.module.modules() if isinstance(own, ConditionalBatchNorm))
    chunk = next(norms).gain.in_features - embedding.made[0]
    return [
        f"1 of {num_classes} classes → {embedding.made[0]}",
        f"({count_parameters(embedding.module)} parameters)",
        f"and, for each block, {chunk} of z",
    ]


def _told_of_poses(column, condition, options):
    how = "nearest pixel" if "nearest_pose" in options["as_published"] else "averaged"
    smallest = min(part.seen[1] for part in column if part.conditioned)
    return [
        in_words(condition),
        f"{IMAGE_SIZE}×{IMAGE_SIZE}, {how} to each",
        f"block's size, {smallest}×{smallest} first",
    ]


def _draw_discriminator(axes, top, body, condition):
    what = "real or generated image" + ("" if condition == "reacgan" else " and pose maps")
    seen = ("data", what, ["×".join(map(str, body[0].seen))])
    return _draw_column(axes, _DISCRIMINATOR, top, [seen, *_boxes(body)])[0]


def _draw_heads(axes, top, heads, options):
    """Draw the heads side by side, and below them the losses: hinge on the first, D2D-CE on the others."""
    axes.text(_DISCRIMINATOR + _BOX[0] / 2, top - 0.02, f"ReLU, sum over pixels: {heads[0].seen[0]} features", **_NOTE)
    bottom = top - 0.26 - _HEAD_HEIGHT
    places = _side_by_side(len(heads))
    for place, head in zip(places, heads, strict=True):
        if not isinstance(head.module, nn.Embedding):
            middle = place[0] + place[1] / 2
            draw_arrow(axes, (middle, top - 0.09), (middle, bottom + _HEAD_HEIGHT))
        details = [_kind(head.module), *head.details, count_parameters(head.module)]
        draw_box(axes, place[0], bottom, place[1], _HEAD_HEIGHT, "layer", head.name, details)
    losses = _losses(len(heads), options)
    for number, (place, (title, details)) in enumerate(zip(_side_by_side(len(losses)), losses, strict=True)):
        draw_box(axes, place[0], bottom - _LOSS_HEIGHT - 0.14, place[1], _LOSS_HEIGHT, "loss", title, details)
        for head in places[1:] if number else places[:1]:
            # Where head and loss lie above each other.
            middle = (max(place[0], head[0]) + min(sum(place), sum(head))) / 2
            draw_arrow(axes, (middle, bottom), (middle, bottom - 0.14))


def _side_by_side(count):
    """Return (left, width) of so many boxes that share the discriminator's column."""
    width = (_BOX[0] - _MARGIN * (count - 1)) / count
    return [(_DISCRIMINATOR + number * (width + _MARGIN), width) for number in range(count)]


def _losses(num_heads, options):
    """Return (title, details) of each loss, the formulas from the functions that training calls."""
    formulas = {"D": hinge_discriminator, "G": hinge_generator}
    said = [f"{name}: " + loss.__doc__.removeprefix("Return ").rstrip(".") for name, loss in formulas.items()]
    losses = [("hinge loss", [line for formula in said for line in textwrap.wrap(formula, _LINE)])]
    if num_heads > 1:
        names = {"λ": "lambda_cond", "margin": "margin", "temperature": "temperature"}
        losses.append(("D2D-CE", [f"{name} {options[key]:g}" for name, key in names.items()]))
    return losses


def main():
    args = figure_arguments(__doc__, inputs=["crops"]).parse_args()
    _, class_names = read_metadata(args.crops[0])
    figure = draw_networks(args.options["condition"], len(class_names), args.options)
    save_figure(figure, args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
