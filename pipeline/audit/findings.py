"""What an audit found, one sentence each; a warning where there is cause for one, and none where there is none."""

from pipeline.audit.memorised import NEAREST_REAL

WARNING = "This split leaks"


def findings(dataset, kind, told):
    """Return the sentences on a data set whose study splits by `kind`, from what the audit's JSON tells."""
    chosen, random, threshold = told["split"], told["random_split"], told["threshold"]
    sentences = [
        _near(threshold),
        f"{dataset}: {_flagged(chosen)} under the study's {kind} split have a near-duplicate among the training images,"
        f" {_flagged(random)} under a random split of the same images.",
    ]
    for name, split in ((WARNING, chosen), ("A random split would leak", random)):
        if split["leaks"]:
            sentences.append(f"{name}: {', '.join(_causes(split, threshold))}.")
    return sentences + [_memorised(maker, own) for maker, own in told["memorisation"].items()]


def _near(threshold):
    own = (
        f" of the {threshold['own_images']} that share a group with others {_percent(threshold['own_share'])} have one"
        " in it."
        if threshold["own_images"]
        else " no two of them share a group."
    )
    return (
        f"Near is nearer than {threshold['hash']:g} of 64 bits of the hash or {threshold['features']:.2f} of the"
        f" features: of {threshold['training_images']} training images {_percent(threshold['other_share'])} have an"
        f" image of another group so near;{own}"
    )


def _flagged(split):
    return f"{split['flagged']} of {split['test_images']} test images ({_percent(split['flagged_share'])})"


def _causes(split, threshold):
    if exact := split["equal"] + split["mirrored"]:
        yield f"{exact} test images are copies of training images ({split['mirrored']} of them mirrored)"
    if split["near_own_group"]:
        yield f"{split['near_own_group']} test images have a near-duplicate in training of their own group"
    if split["excess"]:
        yield (
            f"{split['groups_near_others']} of {split['groups']} test groups are near training images of other groups,"
            f" as {threshold['groups_near']} of {threshold['groups']} training groups are"
        )


def _memorised(maker, own):
    text = f"{maker}: a generated image is at {own['generated_median']:.2f} (median) from its nearest training image"
    if own["limit"] is None:
        return f"{text}; only {own['unseen_images']} real images are unseen, too few for a yardstick."
    share = own["nearer_share"]
    held = "more often than real images do" if share > NEAREST_REAL else "no more often than real images do"
    return (
        f"{text}, an unseen real one at {own['unseen_median']:.2f}; {_percent(share)} come nearer than"
        f" {own['limit']:.2f}, {held} ({_percent(NEAREST_REAL)})."
    )


def _percent(share):
    return f"{100 * share:.1f} %"
