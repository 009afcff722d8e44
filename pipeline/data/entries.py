"""Entries added to the text of params.yaml: every character that stood there still stands there."""

import yaml

from pipeline.params import check_params
from pipeline.stage import WrongInput


def with_entries(text, entries):
    """Return the text with {section: its new entry, lines indented as if at the left edge} at the end of each section.

    Raises WrongInput unless the result says what the text said, and the entries, and is what the schema allows.
    """
    before, after = loaded(text), text
    for section, entry in entries.items():
        after = _inserted(after, section, entry)
    told = loaded(after)
    check_params(told)
    new = {section: set(told[section]) - set(before[section]) for section in entries}
    rest = {key: _without(told[key], new[key]) if key in new else told[key] for key in told}
    if rest != before or not all(map(len, new.values())):
        raise WrongInput("params.yaml: could not be added to; add the entry by hand, README.md says how")
    return after


def _without(section, keys):
    return {key: value for key, value in section.items() if key not in keys}


def _inserted(text, section, entry):
    lines = text.splitlines(keepends=True)
    first, end, indent = _extent(text, section, len(lines))
    # Blank lines and comments before the next section belong to that one.
    while end > first and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += newline
    added = [(" " * indent + line).rstrip() + newline for line in entry.splitlines()]
    return "".join([*lines[:end], newline, *added, *lines[end:]])


def _extent(text, section, num_lines):
    """Return the first line of a section, the line after its last, and the indentation of its entries."""
    sections = yaml.compose(text, yaml.SafeLoader).value
    for number, (key, value) in enumerate(sections):
        if key.value == section and isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
            end = sections[number + 1][0].start_mark.line if number + 1 < len(sections) else num_lines
            return key.start_mark.line, end, value.value[0][0].start_mark.column
    raise WrongInput(f"params.yaml, {section}: found no entries one below the other; put the first one there by hand")


def loaded(text):
    """Return what the text of a params.yaml says; raise WrongInput where it is no YAML."""
    try:
        return yaml.safe_load(text)
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as wrong:  # or a number of thousands of digits, a deep nest
        raise WrongInput(f"params.yaml: {' '.join(str(wrong).split())}; mend it") from None
