"""What recipes are called in a sentence."""

from pipeline.recipes import COPIES, METHODS, condition_of, maker_of, strategy_of

_ALONE = {
    "real": "real images",
    "longer": "longer training",
    "weighted": "class weights",
    "balanced": "class-balanced sampling",
    "logit_adjusted": "logit adjustment",
    "deferred": "deferred re-weighting",
    "real_mixup": "mixup of real images",
    "augmented": "strong augmentation",
}
_MINUS = "\N{MINUS SIGN}"
_STRATEGIES = {"pretrain": "pretraining on", "mixup": "mixup with", "regularization": "regularization with"}


def words_of(recipe):
    """Return a recipe in words: `reacgan-filtered-mixup` is mixup with the best ReACGAN images."""
    made = maker_of(recipe)
    if made is None:
        return _ALONE[recipe]
    return f"{_STRATEGIES[strategy_of(recipe)]} {_images(*made)}"


def in_points(value, form=".1f"):
    """Return a number as text with a minus that is one; what rounds to zero has no sign of its own."""
    return format(round(value, int(form[-2])) + 0, form).replace("-", _MINUS)


def _images(maker, filtered):
    if maker == COPIES:
        return "copies of real images"
    own, _, origin = maker.partition("_from_")
    images = ("the best " if filtered else "") + f"{METHODS[condition_of(own)]} images"
    return images + (f" by a generator of {origin}" if origin else "")
