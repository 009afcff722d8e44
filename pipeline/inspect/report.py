"""All there is to tell of one artifact, and one line for each artifact of a folder."""

import json
import os
from pathlib import Path

from pipeline.inspect.contents import is_artifact, read_contents
from pipeline.inspect.origin import SAME, digest_of, moment, origin_at
from pipeline.inspect.place import PICTURES, check_kind, name_says, place_of, rule_of, rule_sentences
from pipeline.stage import WrongInput

_WIDEST_VALUE = 90


def report_lines(path, contents):
    """Return lines of text: what the artifact at a path is, where it came from, its size and what it holds."""
    place = place_of(path)
    check_kind(place, path, contents.kind)
    origin = origin_at(place)
    rule = origin.rule or rule_of(place)
    sentence = rule_sentences().get(rule, "a rule that this program no longer has") if rule else "none is known"
    return [
        str(path),
        _entry("what", contents.kind),
        _entry("rule", f"{rule}: {sentence}" if rule else sentence),
        _entry("name says", name_says(place)),
        _entry("told by", origin.told_by),
        _entry("made", origin.made or f"{moment(path.stat().st_mtime)} is the date of the file"),
        *(_entry("note", remark) for remark in origin.remarks),
        _entry("size", f"{path.stat().st_size:,} bytes"),
        *(_entry(algorithm, digest_of(path, algorithm)) for algorithm in ("sha256", "md5")),
        *_settings(contents.settings, origin.settings),
        *_section("inputs", [f"{what:{_widest(origin.inputs)}}  {name}" for name, what in origin.inputs.items()]),
        *_section("code", _code(origin.code)),
        *_section("holds", contents.lines()),
    ]


def _entry(name, text):
    return f"  {name:9}  {text}"


def _section(name, lines):
    return [f"  {name}", *("    " + line for line in lines)] if lines else []


def _widest(since):
    return max(map(len, since.values()), default=0)


def _settings(own, recorded):
    """Tell the settings that the file carries, else those recorded; where both are known, whether they agree."""
    shown = own if own is not None else recorded
    lines = [line for name, value in shown.items() for line in _setting(name, value)]
    differing = sorted(name for name in own or {} if name in recorded and recorded[name] != own[name])
    if differing:
        lines.append(f"NOT those on record: {', '.join(differing)}")
    return _section("settings in the file" if own is not None else "settings", lines)


def _setting(name, value):
    if isinstance(value, dict) and len(json.dumps(value)) > _WIDEST_VALUE:
        return [f"{name}:", *("  " + line for key, part in value.items() for line in _setting(key, part))]
    if isinstance(value, list) and len(json.dumps(value)) > _WIDEST_VALUE:
        return [f"{name}: {len(value)} entries, the first {json.dumps(value[0])}"]
    return [f"{name}: {json.dumps(value)}"]


def _code(code):
    """Count the source files that are what they were, and name the others."""
    others = {name: what for name, what in code.items() if what != SAME}
    same = [f"{SAME}: {len(code) - len(others)} of {len(code)} files"] if code else []
    return same + [f"{what:{_widest(others)}}  {name}" for name, what in others.items()]


def listing_lines(folder):
    """Return (lines, how many artifacts cannot be read): one line per artifact, and per folder below this one."""
    lines, unreadable = [], 0
    entries = sorted(folder.iterdir())
    artifacts = [path for path in entries if is_artifact(path)]
    width = max((len(path.name) for path in entries), default=0)
    for path in artifacts:
        try:
            contents = read_contents(path)
            check_kind(place_of(path), path, contents.kind)
            brief = f"{contents.kind}: {contents.brief}"
        except WrongInput as wrong:
            brief, unreadable = f"UNREADABLE: {wrong}", unreadable + 1
        size = path.stat().st_size
        lines.append(f"{path.name:{width}}  {size:>13,} bytes  {moment(path.stat().st_mtime)}  {brief}")
    lines += [_folder_line(path, width) for path in entries if path.is_dir() and path.name != PICTURES]
    if not any(lines):
        raise WrongInput(f"{folder}: no artifact in this folder; make some with Snakemake or get them with dvc pull")
    return [f"{folder}/", *(line for line in lines if line)], unreadable


def _folder_line(folder, width):
    below = (Path(base, name) for base, _, names in os.walk(folder) for name in names)
    inside = [path for path in below if is_artifact(path)]
    size = sum(path.stat().st_size for path in inside)
    return f"{folder.name + '/':{width}}  {size:>13,} bytes  {len(inside)} artifacts" if inside else ""
