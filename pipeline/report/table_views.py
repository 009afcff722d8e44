"""A table of the paper as a page shows it: ours beside the paper's, the best marked, what was not run explained."""

import re
from dataclasses import dataclass

import pandas as pd

from pipeline.data.table import read_table
from pipeline.report.captions import FURTHER_TABLES, TABLES
from pipeline.report.embedding import embedded

OURS, PAPER, TOLD = "ours", "paper", "told"
_PAPER, _PUBLISHED, _RECALL = " (paper)", " (published)", " macro-recall"
_REAL = "real training images"  # the yardstick of a table of image quality, not one of those compared
_LONG = ["source", "method", "column", "seeds"]
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_LOWER_IS_BETTER = re.compile(r"\b(FID|KID|FD|KD|Fr[eé]chet|distance)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """text: as the CSV has it; kind: OURS, PAPER (what was published) or TOLD (what is no measure, such as a citation);

    best: of its column; note: number of the reason why it is empty, or None.
    """

    text: str
    kind: str
    best: bool
    note: int | None

    @property
    def value(self):
        """The text before its interval."""
        return self.text.partition(" [")[0]

    @property
    def interval(self):
        """The interval in brackets, or an empty text."""
        return self.text.removeprefix(self.value).strip()


@dataclass(frozen=True)
class TableView:
    """number: the paper's, or the name of a further table; headings: (heading, kinds of the columns below it);

    rows: (source, method, Cells); notes: why cells are empty, in the order of their numbers, from 1; csv: the file as
    a data URI.
    """

    number: str
    caption: str
    headings: list
    rows: list
    notes: list
    csv: str

    @property
    def name(self):
        """The name of its file."""
        return self.number if self.number in FURTHER_TABLES else f"table{self.number}"

    @property
    def title(self):
        """What people call it."""
        return f"Table of {self.number}" if self.number in FURTHER_TABLES else f"Table {self.number}"

    @property
    def beside_paper(self):
        """True where a heading tells what is ours from what is the paper's."""
        return any(PAPER in kinds for _, kinds in self.headings)


def view_of(number, table_file, long_file, names):
    """Return the TableView of a table's two CSV files; names: the data sets by their part in the study."""
    table, long = read_table(table_file, ["source", "method"]), read_table(long_file, _LONG)
    kinds = {name: _kind(name, set(long["column"])) for name in table.columns[2:]}
    compared = table["method"] != _REAL
    best = {name: best_rows(table[name].where(compared, ""), name) for name in kinds if kinds[name] != TOLD}
    reasons, notes, rows = _reasons(long), [], []
    for position, row in enumerate(table.to_dict("records")):
        cells = []
        for name, kind in kinds.items():
            lacks = kind == OURS and not row[name]
            cell = row["source"], row["method"], name.removesuffix(_RECALL)
            note = _numbered(notes, reasons.get(cell)) if lacks else None
            cells.append(Cell(row[name], kind, kind != TOLD and position in best[name], note))
        rows.append((row["source"], row["method"], cells))
    caption = f"{(TABLES | FURTHER_TABLES)[number].format(**names)} {_over_seeds(long)}"
    return TableView(number, caption, _headings(kinds), rows, notes, embedded(table_file))


def _kind(name, measured):
    if name.removesuffix(_RECALL) in measured:
        return OURS
    return PAPER if name.endswith((_PAPER, _PUBLISHED)) else TOLD


def best_rows(column, heading):
    """Return the rows of the best mean in a column of text cells; none where there is nothing to compare."""
    numbers = {row: float(found[0]) for row, text in enumerate(column) if (found := _NUMBER.match(text))}
    if len(numbers) < 2:
        return set()
    best = (min if _LOWER_IS_BETTER.search(heading) else max)(numbers.values())
    return {row for row, number in numbers.items() if number == best}


def _reasons(long):
    """Return {(source, method, column): why it was not run}."""
    cells = zip(long["source"], long["method"], long["column"], strict=True)
    return dict(zip(cells, long["reason"], strict=True)) if "reason" in long else {}


def _numbered(notes, reason):
    """Return the number of a reason among the notes, where it is put once."""
    sentence = reason or "Not run; no reason is recorded."
    if sentence not in notes:
        notes.append(sentence)
    return notes.index(sentence) + 1


def _headings(kinds):
    """Put each of the paper's columns below the heading that it shares with ours."""
    headings = {}
    for name, kind in kinds.items():
        headings.setdefault(name.removesuffix(_PAPER), []).append(kind)
    return list(headings.items())


def _over_seeds(long):
    seeds = sorted(set(pd.to_numeric(long["seeds"], errors="coerce").dropna().astype(int)) - {0})
    if not seeds:
        return "No cell was run."
    if seeds == [1]:
        return "One seed, so no spread."
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"Mean ± sample standard deviation over {count} seeds."
