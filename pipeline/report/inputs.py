"""What tables and page need of the JSON that other stages wrote: shapes, as read_document compares them."""

from pipeline.data.document import NUMBER, NUMBER_OR_NONE

HUMAN_SCORE = dict.fromkeys(("mean", "sd", "low", "high"), NUMBER_OR_NONE) | {"ratings": int, "images": int}
VERDICT = {"dataset": str, "verdicts": {str: {"sentences": [str]}}}
AUDIT = {"split": {"leaks": (bool, int)}, "findings": [str]}
CLAIMS = {str: {"sentence": str}}
OBEYED = {str: {str: {"value": NUMBER, "n": int}}}
RATINGS = {
    "raters": int,
    "complete": int,
    "refused": [{"file": str, "reason": str}],
    "sources": {str: HUMAN_SCORE},
    "agreement": {"krippendorff_alpha": NUMBER_OR_NONE, "pairs": int},
}
