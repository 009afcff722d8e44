import numpy as np

from pipeline.poses.hand import Hand, select_hand


def hand(confidence, side):
    return Hand(np.zeros((21, 2), np.float32), np.full(21, confidence, np.float32), side)


def test_the_surer_hand_counts_whatever_its_place():
    left, right = hand(0.9, "left"), hand(0.6, "right")
    assert select_hand([left, right], 0.5) is left and select_hand([right, left], 0.5) is left


def test_of_two_equally_sure_hands_the_right_one_counts():
    left, right = hand(0.7, "left"), hand(0.7, "right")
    assert select_hand([left, right], 0.5) is right and select_hand([right, left], 0.5) is right


def test_a_hand_below_the_threshold_is_none_and_one_at_it_counts():
    assert select_hand([hand(0.49, "left")], 0.5) is None
    assert select_hand([hand(0.5, "left")], 0.5) is not None


def test_no_hands_and_hands_of_no_confidence_are_none():
    assert select_hand([], 0.0) is None
    assert select_hand([hand(0.0, "right")], 0.0) is None


def test_missing_joints_count_against_a_hand():
    partial = hand(1.0, "left")
    partial.confidence[:11] = 0
    assert select_hand([partial, hand(0.6, "left")], 0.1).score > 0.59
