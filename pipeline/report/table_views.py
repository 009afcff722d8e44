"""A table of the paper as a page shows it: ours beside the paper's, the best marked, what was not run explained."""

import re
from dataclasses import dataclass

import pandas as pd

from pipeline.report.captions import TABLES
from pipeline.report.embedding import embedded

PAPER = " (paper)"
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_LOWER_IS_BETTER = re.compile(r"↓|\b(FID|KID|Fr[eé]chet|distance)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """text: as the CSV has it; paper: the paper's value; best: of its column; note: number of its reason, or None."""

    text: str
    paper: bool
    best: bool
    note: int | None


@dataclass(frozen=True)
class TableView:
    """headings: (heading, True where ours stands there, True where the paper's); rows: (source, method, Cells);

    notes: why cells are empty, in the order of their numbers, from 1.
    """

    number: str
    caption: str
    headings: list
    rows: list
    notes: list
    csv: str

    @property
    def beside_paper(self):
        """True where any value is the paper's."""
        return any(paper for _, _, paper in self.headings)


def view_of(number, table_file, long_file, names):
    """Return the TableView of a table's two CSV files; names: the data sets by their part in the study."""
    text = {"dtype": str, "keep_default_na": False}
    table, long = pd.read_csv(table_file, **text), pd.read_csv(long_file, **text)
    columns = list(table.columns[2:])
    best = {name: best_rows(table[name], name) for name in columns}
    reasons, notes, rows = _reasons(long), [], []
    for position, row in enumerate(table.to_dict("records")):
        cells = []
        for name in columns:
            paper = name.endswith(PAPER)
            key = (row["source"], row["method"], name)
            note = _numbered(notes, reasons.get(key)) if not row[name] and not paper else None
            cells.append(Cell(row[name], paper, position in best[name], note))
        rows.append((row["source"], row["method"], cells))
    caption = f"{TABLES[number].format(**names)} {_over_seeds(long)}"
    return TableView(number, caption, _headings(columns), rows, notes, embedded(table_file))


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


def _headings(columns):
    names = dict.fromkeys(name.removesuffix(PAPER) for name in columns)
    return [(name, name in columns, name + PAPER in columns) for name in names]


def _over_seeds(long):
    seeds = sorted(set(pd.to_numeric(long["seeds"], errors="coerce").dropna().astype(int)) - {0})
    if not seeds:
        return "No cell was run."
    if seeds == [1]:
        return "One seed, so no spread."
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"Mean ± sample standard deviation over {count} seeds."
