"""Rows in order, however many: what does not fit into memory waits on the disk (a merge sort)."""

import contextlib
import heapq
import itertools
import json
import operator
import tempfile
from pathlib import Path


def sorted_rows(rows, key, held):
    """Yield dicts of text in the order of row[key], equal ones as they came, with about `held` of them in memory."""
    rows, order = iter(rows), operator.itemgetter(key)
    run = sorted(itertools.islice(rows, held), key=order)
    if len(run) < held:
        yield from run
        return
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as files:
        runs = []
        while run:
            path = Path(scratch, str(len(runs)))
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in run)
            runs.append(map(json.loads, files.enter_context(open(path, encoding="utf-8"))))
            run = sorted(itertools.islice(rows, held), key=order)
        yield from heapq.merge(*runs, key=order)
