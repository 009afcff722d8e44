"""Why photographs have no pose, as the reports on poses tell it."""

UNREADABLE = "not readable: "  # before what is wrong with that one photograph


def counted(reasons):
    """Return {reason: photographs} of reasons, a Series of text; unreadable photographs are of one kind."""
    return reasons.mask(reasons.str.startswith(UNREADABLE), UNREADABLE.removesuffix(": ")).value_counts()
