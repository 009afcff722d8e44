"""Clips and signers that file names tell, where nobody has listed them."""

import re
from typing import NamedTuple

_WORDS = "signer|subject|person|participant|user|hand|id|clip|video|session"
_BEGIN, _END = r"(?:^|[/_. -])", r"(?=[/_. -]|$)"
_LEAST_GROUPS, _LEAST_PER_GROUP = 3, 2  # fewer groups make no split, fewer images per group are no repetition


class Grouping(NamedTuple):
    """A regular expression whose first group is a name's signer or clip, and in words what it takes for that."""

    pattern: str
    words: str


def told_by_names(names, depth):
    """Return the first Grouping that all names match and that puts several images into each of several groups, or None.

    depth: the number of folders above a class folder.
    """
    for grouping in _groupings(depth):
        found = [re.search(grouping.pattern, name) for name in names]
        if all(found):
            count = len({match[1] for match in found})
            if _LEAST_GROUPS <= count <= len(names) / _LEAST_PER_GROUP:
                return grouping
    return None


def _groupings(depth):
    return (
        Grouping(rf"(?i){_BEGIN}((?:{_WORDS})[_-]?[0-9]+){_END}", "a word such as signer, id or clip with its number"),
        Grouping(rf"(?i){_BEGIN}([sp][0-9]{{2,}}){_END}", "the letter s or p with a number"),
        Grouping(r"(?i)([^/]+?)[_. -]*(?:frame|fn)[_-]?[0-9]+\.[a-z]+$", "what stands before the number of a frame"),
        Grouping(rf"^(?:[^/]+/){{{depth + 1}}}([^/]+)/", "the folder below that of the class"),
    )
