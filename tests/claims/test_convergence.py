import pandas as pd
import pytest

from pipeline.claims.convergence import convergence, epochs_to_converge, state_convergence
from pipeline.stage import WrongInput


def history(accuracies, pretraining=()):
    rows = [("pretrain", own) for own in pretraining] + [("train", own) for own in accuracies]
    return pd.DataFrame(rows, columns=["phase", "train_accuracy"])


def test_the_first_epoch_that_reaches_the_level_counts():
    assert epochs_to_converge([0.2, 0.8, 0.7, 0.9], 0.8) == 2
    assert epochs_to_converge([0.9], 0.8) == 1
    assert epochs_to_converge([0.1, 0.2], 0.8) is None


REAL = {"0": history([0.1, 0.5, 0.94, 0.95, 1.0, 0.9]), "1": history([0.1, 0.48, 0.5, 0.4, 0.4, 0.4])}


def test_every_seed_is_held_to_the_real_run_of_its_own():
    # Levels 0.95 and 0.475: real takes 4 and 2 epochs.
    pretrained = {
        "0": history([0.96, 0.9, 0.9, 0.9, 0.9, 0.9], [0.99, 0.99]),
        "1": history([0.47, 0.47, 0.475, 0.9, 0.9, 0.9], [0.99, 0.99]),
    }
    measures = convergence({"ReACGAN": pretrained, "real": REAL})
    assert list(measures) == ["real", "ReACGAN"]
    assert measures["real"]["by_seed"] == {"0": 4, "1": 2} and measures["real"]["epochs"] == 3
    own = measures["ReACGAN"]
    # Epochs of pretraining have accuracies of their own, on generated images: they never count as having converged.
    assert own["by_seed"] == {"0": 1, "1": 3} and own["epochs"] == 2 and own["ratio"] == pytest.approx(2 / 3)
    assert own["pretrain_epochs"] == 2
    assert own["epochs_with_pretraining"] == 4 and own["ratio_with_pretraining"] == pytest.approx(4 / 3)


def test_a_seed_that_never_converges_leaves_no_mean_and_no_ratio():
    pretrained = {"0": history([0.96]), "1": history([0.1])}
    own = convergence({"real": REAL, "SPADE": pretrained})["SPADE"]
    assert own["by_seed"] == {"0": 1, "1": None} and own["reached"] == 1
    names = ("epochs", "epochs_with_pretraining", "ratio", "ratio_with_pretraining")
    assert [own[name] for name in names] == [None] * 4


def test_only_seeds_of_both_are_compared():
    own = convergence({"real": REAL, "SPADE": {"1": history([0.5]), "7": history([0.0])}})["SPADE"]
    assert own["by_seed"] == {"1": 1} and own["ratio"] == 0.5
    with pytest.raises(WrongInput, match="SPADE"):
        convergence({"real": REAL, "SPADE": {"7": history([0.0])}})


def test_the_sentence_counts_both_ways_and_says_what_was_not_reached():
    runs = {"real": {"0": REAL["0"]}, "ReACGAN": {"0": history([0.9, 1.0], [0.1])}, "SPADE": {"0": history([0.2, 0.3])}}
    claim = state_convergence({"toy": ("toy (1 seed)", convergence(runs))})
    assert claim["sentence"] == (
        "toy (1 seed): real images alone reach 95 % of their highest training accuracy after 4 epochs; pretrained on"
        " ReACGAN after 2 epochs, 50 % of that, or 75 % with 1 epoch of pretraining counted; pretrained on SPADE,"
        " 0 of 1 seeds reach it, so there is no ratio. Evidence is thin: only whole epochs count, and these trainings"
        " have 6."
    )
    long = {"real": {"0": history([index / 100 for index in range(100)])}}
    assert "thin" not in state_convergence({"toy": ("toy", convergence(long))})["sentence"]
