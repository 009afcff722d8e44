"""Damage to files, as disks, networks, editors and ill will do it.

damage(data, other, chance) -> bytes: `other` is another file of the kind, chance a random.Random that alone decides.
"""

import csv
import io
import json
import re
import struct
import zipfile

import yaml

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
# fmt: off
_NUMBERS = [
    b"NaN", b"nan", b".nan", b"Infinity", b"-inf", b".inf", b"1e999", b"1" + b"0" * 30, b"-1", b"0", b"", b"0x1f",
    b"1.5", b"1" * 5000, b"true", b"null", b'""', b"9223372036854775808", "\u0663".encode(),
]
_VALUES = [
    None, True, "", " ", "x" * 3000, [], {}, [[]], [None], {"": None}, float("nan"), float("inf"), -1, 0, 2.5, 10**30,
    1e308, 2**63, "../../../x", "/etc/passwd", "a\0b", "\ud800", "*", "-x", "=1+1", "'; \"$(x)`", "\n",
]
_CELLS = [
    "", " ", "nan", "inf", "-1", "1e999", '"', "'", ",", "\n", "\0", "\ufeff", "../../x", "/", "[", "[[1,2]]", "null",
    "{", "[[NaN,1]]", "9" * 40, "x" * 5000, "1.5", "a.zip/b", "#xywh=1,2,3,4", "[" * 20_000, "\u0663", "test", "-",
]
_NAMES = [
    "../x.png", "/x.png", "C:/x.png", "a\\x.png", "x" * 300, "", "a/", "\ufeff", "a\nb.png", "-x.png", "metadata.csv",
    "a/b/../c.png", "con", ".x", "__MACOSX/x", "class_names.json", "*.png", "a.zip/b.png", "ä.png", "\x7f.png",
]
_FOREIGN = [
    b"", b"\0", b"\0" * 5000, b"PK\x05\x06" + b"\0" * 18, b"{}", b"[]", b"null", b"<!DOCTYPE html><p>404</p>", b'"',
    b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08", b"\x93NUMPY", b"\x80\x02.", b"\n" * 3000, b"[" * 100_000,
    b"\x89PNG\r\n\x1a\n", b'{"a":' * 50_000, b"a: &a [*a]", b"- " * 3000, b"\xff" * 64,
]
_DTYPES = ["'|O'", "'<f8'", "'<f4'", "'<i8'", "'<U9'", "'|S4'", "'<c16'", "'|V7'", "'<M8[s]'", "[('a','<f4')]", "'?'"]
_SHAPES = ["()", "(0,)", "(-1,)", "(1,)", "(99999999999,)", "(2, 21, 2)", "(3, 7, 6)", "(3, 42)", "(None,)", "(2**70,)"]
# fmt: on


def of_bytes(data, other, chance):
    """Flip, cut, double, move, splice or replace pieces of anything."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(_OF_BYTES)(data, other, chance)
    return data


def of_text(data, other, chance):
    """Damage numbers, lines and quotes, or any byte."""
    return chance.choice((_numbered, _line_gone, _line_twice, _lines_swapped, _inserted, of_bytes))(data, other, chance)


def of_csv(data, other, chance):
    """Damage cells, rows and columns of a table, or its text."""
    if chance.random() < 0.35:
        return of_text(data, other, chance)
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
        return chance.choice((_cell, _cell, _cell, _row_gone, _row_twice, _column, _wide_row))(rows, chance)
    except (csv.Error, UnicodeDecodeError, IndexError, ValueError):
        return of_bytes(data, other, chance)


def of_json(data, other, chance):
    """Put values of other types into a JSON text, drop and rename keys, or damage its text."""
    if chance.random() < 0.35:
        return of_text(data, other, chance)
    return json.dumps(_changed(json.loads(data), chance)).encode()


def of_yaml(data, other, chance):
    """As of_json, in YAML; flow and block style."""
    if chance.random() < 0.5:
        return of_text(data, other, chance)
    flow = chance.choice((None, True, False))
    changed = _changed(yaml.load(data, yaml.CSafeLoader), chance)
    text = yaml.dump(changed, sort_keys=False, default_flow_style=flow, Dumper=yaml.SafeDumper)
    return text.encode("utf-8", "surrogatepass")


def of_zip(data, other, chance, members=None):
    """Damage a member of a ZIP archive, its name or its entry, or any byte; members: {suffix: damage}."""
    if chance.random() < 0.4:
        return of_bytes(data, other, chance)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(io.BytesIO(other)) as archive:
        others = [archive.read(info) for info in archive.infolist()]
    place = chance.randrange(len(parts))
    name, content = parts[place]
    what = chance.choice(("content", "content", "content", "name", "gone", "twice", "other"))
    if what == "content":
        suffix = "." + name.rpartition(".")[2]
        parts[place] = name, (members or {}).get(suffix, of_bytes)(content, chance.choice(others), chance)
    elif what == "name":
        parts[place] = chance.choice(_NAMES), content
    elif what == "gone":
        del parts[place]
    elif what == "twice":
        parts.append((name, chance.choice(parts)[1]))
    else:
        parts[place] = name, chance.choice(others)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in parts:
            info = zipfile.ZipInfo("placeholder")
            info.filename = info.orig_filename = name
            archive.writestr(info, content)
    return out.getvalue()


def of_array(data, other, chance):
    """Damage the header of an NPY file, its shape, type and order, or any byte."""
    if chance.random() < 0.3:
        return of_bytes(data, other, chance)
    length = struct.unpack("<H", data[8:10])[0]
    header, content = data[10 : 10 + length].decode("latin-1"), data[10 + length :]
    if chance.random() < 0.5:
        header = re.sub(r"'descr': '[^']*'", lambda _: "'descr': " + chance.choice(_DTYPES), header)
    else:
        header = re.sub(r"'shape': \([^)]*\)", lambda _: "'shape': " + chance.choice(_SHAPES), header)
    header = header.encode("latin-1")
    return data[:8] + struct.pack("<H", len(header)) + header + content


def of_safetensors(data, other, chance):
    """Damage the header of a safetensors file, the description in it, or any byte."""
    if chance.random() < 0.25:
        return of_bytes(data, other, chance)
    length = struct.unpack("<Q", data[:8])[0]
    header, content = data[8 : 8 + length], data[8 + length :]
    if chance.random() < 0.7:
        told = json.loads(header)
        description = told["__metadata__"]["description"].encode()
        told["__metadata__"]["description"] = of_json(description, description, chance).decode("utf-8", "replace")
        header = json.dumps(told).encode()
    else:
        header = of_json(header, header, chance)
    length = chance.choice((len(header),) * 6 + (0, 2**62, len(header) + 8))
    return struct.pack("<Q", length) + header + content


def _place(data, chance):
    """Return (start, end) of a piece, short more often than long."""
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 2, 8, 64, 512, len(data))))


def _flipped(data, _, chance):
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20)) if data else 0):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data, _, chance):
    return data[: chance.randrange(len(data) + 1)]


def _gone(data, _, chance):
    start, end = _place(data, chance)
    return data[:start] + data[end:]


def _twice(data, _, chance):
    start, end = _place(data, chance)
    return data[:end] + data[start:]


def _moved(data, _, chance):
    start, end = _place(data, chance)
    rest, to = data[:start] + data[end:], chance.randrange(len(data) + 1)
    return rest[:to] + data[start:end] + rest[to:]


def _spliced(data, other, chance):
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def _filled(data, _, chance):
    start, end = _place(data, chance)
    return data[:start] + bytes([chance.choice((0, 255, 32, chance.randrange(256)))]) * (end - start) + data[end:]


def _inserted(data, _, chance):
    place = chance.choice((0, 0, len(data), chance.randrange(len(data) + 1)))
    return data[:place] + chance.choice((*_FOREIGN, *_NUMBERS)) + data[place:]


def _replaced(data, _, chance):
    return chance.choice(_FOREIGN) if chance.random() < 0.2 else data


_OF_BYTES = (_flipped, _flipped, _flipped, _cut, _gone, _twice, _moved, _spliced, _filled, _inserted, _replaced)


def _numbered(data, _, chance):
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    one = chance.choice(found)
    return data[: one.start()] + chance.choice(_NUMBERS) + data[one.end() :]


def _line_gone(data, _, chance):
    lines = data.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _line_twice(data, _, chance):
    lines = data.splitlines(keepends=True)
    if lines:
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def _lines_swapped(data, _, chance):
    lines = data.splitlines(keepends=True)
    if lines:
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def _text_of(rows, chance):
    text = io.StringIO(newline="")
    style = {"delimiter": chance.choice(",,,,,;\t"), "lineterminator": chance.choice(("\n", "\n", "\r\n", "\r"))}
    csv.writer(text, quoting=chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)), **style).writerows(rows)
    return text.getvalue().encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")), "replace")


def _cell(rows, chance):
    row = chance.choice(rows)
    row[chance.randrange(len(row))] = chance.choice(_CELLS)
    return _text_of(rows, chance)


def _row_gone(rows, chance):
    del rows[chance.randrange(len(rows))]
    return _text_of(rows, chance)


def _row_twice(rows, chance):
    rows.insert(chance.randrange(len(rows) + 1), list(chance.choice(rows)))
    return _text_of(rows, chance)


def _column(rows, chance):
    """Drop, double or rename a column."""
    column, what = chance.randrange(len(rows[0])), chance.choice(("drop", "double", "rename"))
    for number, row in enumerate(rows):
        if what == "drop":
            del row[column]
        elif what == "double":
            row.append(row[column])
        elif number == 0:
            row[column] = chance.choice(_CELLS)
    return _text_of(rows, chance)


def _wide_row(rows, chance):
    chance.choice(rows).append(chance.choice(_CELLS))
    return _text_of(rows, chance)


def _changed(value, chance):
    """Return JSON's value with one node changed, somewhere: the deeper, the likelier."""
    children = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    if not children or chance.random() < 0.15:
        return chance.choice(_VALUES) if not isinstance(value, str) or chance.random() < 0.8 else value + " "
    key, what = chance.choice(list(children)), chance.random()
    if what < 0.1:
        del value[key]
    elif what < 0.2 and isinstance(value, dict):
        value[chance.choice(("", "x", "../x", "\0", "é", "a/b", "*", key + " "))] = value.pop(key)
    elif what < 0.2:
        value.insert(key, value[chance.choice(list(children))])
    else:
        value[key] = _changed(value[key], chance)
    return value
