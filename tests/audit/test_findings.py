import pytest

from pipeline.audit.findings import findings

SPLIT = {
    "test_images": 40, "flagged": 0, "flagged_share": 0.0, "equal": 0, "mirrored": 0, "near_own_group": 0,
    "groups": 20, "groups_near_others": 0, "chance": 1.0, "excess": False, "leaks": False,
}  # fmt: skip
THRESHOLD = {
    "hash": 8.0, "features": 21.5, "training_images": 100, "other_share": 0.01, "own_images": 60, "own_share": 0.25,
    "groups": 50, "groups_near": 1,
}  # fmt: skip
MEMORY = {"generated_median": 30.0, "unseen_images": 50, "unseen_median": 28.0, "limit": 20.0, "nearer_share": 0.125}


def told(split=SPLIT, random=SPLIT, threshold=THRESHOLD, memory=MEMORY):
    return {"threshold": threshold, "split": split, "random_split": random, "memorisation": {"reacgan": memory}}


def test_a_split_without_cause_gets_no_warning():
    sentences = findings("toy", "grouped", told())
    assert len(sentences) == 3 and not any("leak" in sentence for sentence in sentences)
    assert "8 of 64 bits" in sentences[0] and "60 that share a group with others 25.0 % have" in sentences[0]
    assert "0 of 40 test images (0.0 %) under the study's grouped split" in sentences[1]


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ({"equal": 2, "mirrored": 1}, "3 test images are copies of training images (1 of them mirrored)."),
        ({"near_own_group": 7}, "7 test images have a near-duplicate in training of their own group."),
        ({"groups_near_others": 9, "excess": True}, "9 of 20 test groups are near training images of other groups, "),
    ],
)
def test_each_cause_is_named_and_no_other(cause, said):
    warnings = [text for text in findings("toy", "grouped", told(SPLIT | cause | {"leaks": True})) if "leak" in text]
    assert len(warnings) == 1 and warnings[0].startswith(f"This split leaks: {said}")
    sentences = findings("toy", "grouped", told(random=SPLIT | cause | {"leaks": True}))
    assert [text.startswith(f"A random split would leak: {said}") for text in sentences] == [False, False, True, False]


def test_what_is_unknown_is_not_said():
    alone = THRESHOLD | {"own_images": 0, "own_share": None}
    unseen = MEMORY | {"unseen_images": 3, "unseen_median": 9.0, "limit": None, "nearer_share": None}
    sentences = findings("toy", "grouped", told(threshold=alone, memory=unseen))
    assert "no two of them share a group" in sentences[0] and "only 3 real images are unseen, too few" in sentences[-1]


def test_generated_images_are_held_against_unseen_ones():
    assert "12.5 % come nearer than 20.00, more often than real" in findings("toy", "grouped", told())[-1]
    few = told(memory=MEMORY | {"nearer_share": 0.05})
    assert "no more often than real" in findings("toy", "grouped", few)[-1]
