"""Parts of a report page: figures, tables, pictures and warnings, without HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import json
import math

from dipy_tractogen.utils.messages import format_number

DASH = "\N{EN DASH}"
"""Shown where there is no value."""
OVERALL = "all"
"""Name of the row of all bundles together."""
MOST_UNFOLDED = 24
"""Rows of a table, and bundles of a picture, of which none is folded."""
NB_SHOWN = 12
"""Number of those that are shown at first where there are more."""

_SIGNS = {
    "below": "\N{BLACK DOWN-POINTING TRIANGLE}",
    "above": "\N{BLACK UP-POINTING TRIANGLE}",
}


@dataclass(frozen=True)
class ReportWarning:
    """A warning, and its source: "Training", "Generation", "Evaluation" or "Report"."""

    source: str
    text: str


@dataclass(frozen=True)
class Card:
    """A number of the summary, with its name and a note."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    It is sorted by ``value``, last without one; ``notes`` are lines of small text
    below, and ``mark`` is a judgement such as "far below real".
    """

    text: str
    value: float | str | None = None
    notes: Sequence[str] = ()
    mark: str = ""

    @property
    def symbol(self) -> str:
        """Sign of the mark: it points down or up, or calls attention."""
        signs = (sign for word, sign in _SIGNS.items() if word in self.mark)
        return next(signs, "!")


@dataclass(frozen=True)
class Column:
    """Heading of a column, digits of its numbers or None for text, and its meaning."""

    title: str
    digits: int | None = 3
    meaning: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.digits is not None

    def cell(self, value) -> Cell:
        """Return the cell of a value, which may be a cell already."""
        if isinstance(value, Cell):
            return value
        if not self.numeric:
            return Cell(str(value), str(value))
        if self.digits == 0:
            return Cell(DASH) if value is None else Cell(f"{value:,}", value)
        return number_cell(value, self.digits)


def text_columns(*titles: str) -> list[Column]:
    """Return columns that hold text."""
    return [Column(title, None) for title in titles]


@dataclass
class Table:
    """A table that can be sorted by each of its columns.

    ``key`` is its name in the page, of letters and hyphens; ``rows`` hold values or
    cells, of which the first names the row; ``total`` is a row below that is not
    sorted.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence]
    total: Sequence = ()

    def __post_init__(self) -> None:
        self.rows = [self._cells(row) for row in self.rows]
        self.total = self._cells(self.total)

    @property
    def nb_shown(self) -> int | None:
        """Number of rows that are shown at first; None for all."""
        return NB_SHOWN if len(self.rows) > MOST_UNFOLDED else None

    def _cells(self, row: Sequence) -> list[Cell]:
        return [column.cell(value) for column, value in zip(self.columns, row)]


@dataclass(frozen=True)
class Facts:
    """Names and values under a heading."""

    title: str
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Command:
    """A command line, and what it did."""

    title: str
    text: str


def number_cell(
    value: float | None, digits: int = 3, *, notes: Sequence[str] = (), mark: str = ""
) -> Cell:
    """Make a cell of a number, without a value where it is not finite."""
    if not is_number(value):
        return Cell(DASH, notes=notes)
    # Adding zero removes the sign of a negative zero.
    text = f"{round(value, digits) + 0.0:.{digits}f}"
    return Cell(text, float(value), notes, mark)


def file_table(key: str, title: str, files: Iterable[tuple[str, str, str]]) -> Table:
    """List files, each by what it holds, its name and its SHA-256."""
    return Table(key, title, text_columns("content", "file", "SHA-256"), files)


def format_value(value: float | None, digits: int = 3) -> str:
    """Format a number, or a dash."""
    return number_cell(value, digits).text


def is_number(value: object) -> bool:
    """Return whether a value of a JSON file is a finite number; booleans are none."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def readable_entries(values: dict) -> list[tuple[str, str]]:
    """Return readable names and texts of plain values, without those that are empty."""
    return [
        (str(name).replace("_", " "), _as_text(value))
        for name, value in values.items()
        if value not in (None, "", {}, [])
    ]


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_as_text(each)}" for name, each in value.items())
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
