"""One hand as any detector reports it, and the rule that chooses among several."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Hand:
    """keypoints (21, 2) float32 in pixels of the photograph, NaN where missing; confidence (21,) float32 in 0..1."""

    keypoints: np.ndarray
    confidence: np.ndarray
    side: str  # "left", "right", or "" where it is not known

    @property
    def score(self):
        """Mean confidence over all 21 joints, missing ones counting 0; it ranks like the released code's sum."""
        return float(self.confidence.mean())


def select_hand(hands, min_confidence):
    """Return the one hand that stands for the photograph, or None where there is none.

    The paper keeps "the hand with higher confidence" (Section 4.2); where two are equal the right one wins, as in the
    released code, which looks at the first person only. Scores below min_confidence count as no hand, and so does 0.
    """
    best = max(hands, key=lambda hand: (hand.score, hand.side == "right"), default=None)
    return best if best is not None and best.score > 0 and best.score >= min_confidence else None
