"""Figures 4 and 5: generator and discriminator of one condition, walked through and drawn as they are built."""

from dataclasses import dataclass

import torch
from torch import nn

from pipeline.data.archive import read_metadata
from pipeline.figures.diagrams import draw_arrow, draw_box, new_diagram
from pipeline.figures.style import figure_arguments, in_words, save_figure
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
_BOX, _STEP, _MARGIN = (2.2, 0.46), 0.58, 0.08
_CONDITION, _GENERATOR, _DISCRIMINATOR = 0.05, 1.9, 4.72  # left edges of the columns


@dataclass
class Part:
    """A part of a network as a forward pass saw it; shapes without the batch."""

    name: str
    module: nn.Module
    seen: tuple
    made: tuple

    @property
    def title(self):
        """What it is, and how many parameters it has."""
        return f"{_kind(self.module)}, {count_parameters(self.module)}"

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
    rows = max(len(column) + 2, len(body) + 4)
    height = rows * _STEP + 0.55
    figure, axes = new_diagram(height)
    top = height - 0.3
    for left, name, network in ((_GENERATOR, "Generator", generator), (_DISCRIMINATOR, "Discriminator", discriminator)):
        title = f"{name}: {count_parameters(network)} parameters"
        axes.text(left + _BOX[0] / 2, height - 0.12, title, ha="center", va="center", weight="bold")

    bottom = _draw_generator(axes, top, column, options)
    _draw_condition(axes, top, drawn, column, condition, num_classes, options)
    seen = _draw_discriminator(axes, top, body, condition)
    # The generated image goes up between the columns to the discriminator.
    right, gap = _GENERATOR + _BOX[0], _DISCRIMINATOR - 0.31
    draw_arrow(axes, (right, bottom), (gap, bottom), (gap, seen), (_DISCRIMINATOR, seen))
    _draw_heads(axes, top - (len(body) + 1) * _STEP, heads, options)
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
    width = 1.5
    if condition == "reacgan":
        embedding = next(part for part in drawn if isinstance(part.module, nn.Embedding))
        chunk = options["z_dim"] - column[0].seen[0]
        details = [
            f"1 of {num_classes} classes → {embedding.made[0]},",
            f"{count_parameters(embedding.module)} parameters;",
            f"joined by a part of z ({chunk} left)",
        ]
        title = "class embedding"
    else:
        title = f"{NUM_POSE_MAPS[condition]} pose maps"
        how = "nearest pixel" if "nearest_pose" in options["as_published"] else "averaged"
        sizes = [part.seen[1] for part in column if part.conditioned]
        details = [in_words(condition), f"{IMAGE_SIZE}×{IMAGE_SIZE}, {how}", f"to {sizes[0]}×{sizes[0]} and larger"]
    bottom = top - _STEP - _BOX[1]
    draw_box(axes, _CONDITION, bottom, width, _BOX[1] + 0.1, "condition", title, details)
    trunk = _CONDITION + width / 2
    for row, part in enumerate(column, start=1):
        if part.conditioned:
            middle = top - row * _STEP - _BOX[1] / 2
            draw_arrow(axes, (trunk, bottom), (trunk, middle), (_GENERATOR, middle))


def _draw_discriminator(axes, top, body, condition):
    what = "real or generated image" + ("" if condition == "reacgan" else " and pose maps")
    seen = ("data", what, ["×".join(map(str, body[0].seen))])
    return _draw_column(axes, _DISCRIMINATOR, top, [seen, *_boxes(body)])[0]


def _draw_heads(axes, top, heads, options):
    """Draw the heads side by side on the features that they share, and below them the losses."""
    width = (_BOX[0] - _MARGIN * (len(heads) - 1)) / len(heads)
    middle = _DISCRIMINATOR + _BOX[0] / 2
    features = heads[0].seen[0]
    axes.text(middle + 0.06, top + 0.03, f"ReLU, sum over pixels: {features}", fontsize=5.5, va="center")
    places = [_DISCRIMINATOR + number * (width + _MARGIN) for number in range(len(heads))]
    bottom = top - 0.08 - _BOX[1]
    for left, head in zip(places, heads, strict=True):
        title, details = head.title.split(", ")[0], [head.title.split(", ")[1], *head.details]
        draw_box(axes, left, bottom, width, _BOX[1], "layer", title, details)
    return bottom


def _formula(loss):
    """Return the formula that a loss gives in its docstring."""
    return loss.__doc__.removeprefix("Return ").rstrip(".")


def main():
    args = figure_arguments(__doc__, inputs=["crops"]).parse_args()
    _, class_names = read_metadata(args.crops[0])
    figure = draw_networks(args.options["condition"], len(class_names), args.options)
    save_figure(figure, args.png, args.pdf)


if __name__ == "__main__":
    run_stage(main)
