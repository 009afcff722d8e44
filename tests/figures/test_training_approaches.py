import pytest
from classify.toys import OPTIONS
from figures.drawn import crossing, overlapping, texts_of

from pipeline.classify import strategies
from pipeline.figures.training_approaches import draw_training_approaches, loss_in_symbols, observe

REAL, GENERATED = (("real",),), (("generated",),)


def seen(strategy, **changed):
    return observe(OPTIONS | {"strategy": strategy, "epochs": 10, "pretrain_epochs": 3} | changed)


def test_each_strategy_shows_the_network_what_table_2_says():
    assert seen("real") == [("train", 10, {REAL})]
    assert seen("pretrain") == [("pretrain", 3, {GENERATED}), ("train", 10, {REAL})]
    assert seen("regularization") == [("train", 10, {(("real",), ("generated",))})]
    assert seen("mixup", epochs=30) == [("train", 30, {(("real", "real"),), (("real", "generated"),)})]


def test_losses_are_written_as_in_table_2():
    losses = {name: [loss_in_symbols(steps) for _, _, steps in seen(name, epochs=30)] for name in strategies.STRATEGIES}
    assert losses["real"] == [[r"$\mathcal{L}(S_r)$"]]
    assert losses["pretrain"] == [[r"$\mathcal{L}(S_g)$"], [r"$\mathcal{L}(S_r)$"]]
    assert losses["regularization"] == [[r"$\mathcal{L}(S_r) + \sigma \mathcal{L}(S_g)$"]]
    assert losses["mixup"] == [
        [
            r"$\mathcal{L}(\mathrm{mixup}(S_r, S_r))$ if $U < \sigma$",
            r"$\mathcal{L}(\mathrm{mixup}(S_r, S_g))$ if $U \geq \sigma$",
        ]
    ]


def test_a_change_of_the_training_shows(monkeypatch):
    """As released, the batches of every strategy are mixed."""

    def released(model, real, generated, options, epoch, random, criterion):
        partner = strategies.mixup_partner(real, None, 1.0, options["image_size"], random)
        return strategies.mixup_loss(model, partner, real, 0.3)

    monkeypatch.setattr("pipeline.classify.train.batch_loss", released)
    assert seen("real") == [("train", 10, {(("real", "real"),)})]


def figure(**changed):
    options = [OPTIONS | {"strategy": name, "epochs": 100} | changed for name in strategies.STRATEGIES]
    return draw_training_approaches(options)


def test_the_weight_runs_from_the_first_epoch_to_the_last():
    said = texts_of(figure())
    # Equations 2 and 3 by hand: 0.5 exp(-0.04 * 99) = 0.0095, 1 - exp(-0.04 * 99) = 0.981
    assert r"$\sigma$ from 0.50 to 0.01" in said and r"$\sigma$ from 0.00 to 0.98" in said
    assert [text for text in said if text.startswith("(")] == [
        "(a) real",
        "(b) pretrain",
        "(c) regularization",
        "(d) mixup",
    ]
    assert said.count("100 epochs") == 4 and said.count("1 epoch") == 1
    assert said.count("from random weights") == 4 and said.count("from these weights") == 1


@pytest.mark.parametrize("epochs", [1, 3, 100])
def test_no_text_lies_on_another_or_leaves_its_box(epochs):
    drawn = figure(epochs=epochs, weights="imagenet")
    assert overlapping(drawn) == [] and crossing(drawn) == []
