import pytest
import torch
from figures.drawn import crossing, overlapping, texts_of
from gan.small import OPTIONS
from torch import nn

from pipeline.figures.networks import count_parameters, draw_networks, walk_both
from pipeline.gan import generators
from pipeline.gan.generators import CONDITIONS, build_generator

NUM_CLASSES = 7


def texts(condition, **changed):
    return texts_of(draw_networks(condition, NUM_CLASSES, OPTIONS | changed))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_part_of_both_networks_is_drawn_once(condition):
    generator, drawn, discriminator, judged = walk_both(condition, NUM_CLASSES, OPTIONS)
    for network, parts in ((generator, drawn), (discriminator, judged)):
        walked = [own for part in parts for own in part.module.parameters()]
        assert len(walked) == len(list(network.parameters()))
    assert [part.made[1] for part in drawn if len(part.made) == 3] == [8, 16, 16, 32, 64, 64, 64]
    assert [part.conditioned for part in drawn if len(part.made) == 3] == [True, True, False, True, True, False, False]


def test_parameters_are_those_of_a_network_with_weights():
    real = sum(own.numel() for own in build_generator("spade_bones", NUM_CLASSES, OPTIONS).parameters())
    assert f"Generator: {real / 1000:.1f} k parameters" in texts("spade_bones")
    assert [count_parameters(nn.Linear(size, 1, bias=False)) for size in (999, 1500, 2_540_000)] == [
        "999",
        "1.5 k",
        "2.5 M",
    ]


def test_wider_networks_have_wider_boxes():
    for channels in (8, 16):
        said = texts("reacgan", channels=channels)
        assert f"{16 * channels} → {8 * channels} channels, 4×4 → 8×8" in said
        assert f"{4 * channels} channels, 16×16" in said  # attention
        assert said.count("2 × conditional batch norm") == 4 and "2 × SPADE" not in said


def test_what_conditions_and_what_is_lost_is_told_by_condition():
    posed, labelled = texts("spade_keypoints"), texts("reacgan")
    assert "21 pose maps" in posed and posed.count("2 × SPADE") == 4 and "D2D-CE" not in posed
    assert "24×64×64" in posed and "3×64×64" in labelled
    assert f"1 of {NUM_CLASSES} classes → {OPTIONS['shared_dim']}" in labelled and "D2D-CE" in labelled
    assert {"proxy", "embed", "adversarial"} <= set(labelled)


def test_options_that_change_what_is_built_or_lost_change_the_figure():
    assert "λ 0.25" in texts("reacgan", lambda_cond=0.25)
    averaged, nearest = (texts("spade_bones", as_published=own) for own in ([], ["nearest_pose"]))
    assert [set(averaged) - set(nearest), set(nearest) - set(averaged)] == [
        {"64×64, averaged to each"},
        {"64×64, nearest pixel to each"},
    ]


def test_a_block_added_to_the_code_is_added_to_the_figure(monkeypatch):
    before = draw_networks("reacgan", NUM_CLASSES, OPTIONS)

    class Sharpen(nn.Module):
        def __init__(self):
            super().__init__()
            self.strength = nn.Parameter(torch.zeros(11))

        def forward(self, images):
            return images

    class Longer(generators.ReacganGenerator):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.sharpen = Sharpen()

        def draw(self, *arguments):
            return self.sharpen(super().draw(*arguments))

    monkeypatch.setattr(generators, "ReacganGenerator", Longer)
    after = draw_networks("reacgan", NUM_CLASSES, OPTIONS)
    assert "Sharpen: 11" in texts_of(after) and "Sharpen: 11" not in texts_of(before)
    assert len(after.axes[0].patches) > len(before.axes[0].patches)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("channels", [8, 96])
def test_no_text_lies_on_another_or_leaves_its_box(condition, channels):
    figure = draw_networks(condition, 40, OPTIONS | {"channels": channels})
    assert overlapping(figure) == [] and crossing(figure) == []
