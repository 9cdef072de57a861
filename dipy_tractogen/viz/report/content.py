"""What a page is made of: figures, tables, pictures and warnings, without any HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import json
import math

from dipy_tractogen.utils.messages import digits_of

DASH = "\N{EN DASH}"
"""Shown where there is no value."""
OVERALL = "all"
"""Name of the row of all bundles together."""


@dataclass(frozen=True)
class Finding:
    """Something that a reader has to know first.

    Parameters
    ----------
    source : str
        Where it comes from: "Training", "Generation", "Evaluation" or "Report".
    text : str
        What it is.
    """

    source: str
    text: str


@dataclass(frozen=True)
class Card:
    """One figure of the summary, with its name and what it is compared with."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Parameters
    ----------
    text : str
        What is read.
    value : float or str, optional
        What the table is sorted by; a cell without one comes last.
    notes : sequence of str, optional
        Lines of small text below.
    mark : str, optional
        A judgement, such as "far below real"; empty for none.
    """

    text: str
    value: float | str | None = None
    notes: Sequence[str] = ()
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """Heading of a column, whether it holds numbers, and what it means."""

    title: str
    numeric: bool = True
    meaning: str = ""


@dataclass(frozen=True)
class Table:
    """A table that can be sorted by each of its columns.

    Parameters
    ----------
    key : str
        Its name in the page, of letters and hyphens.
    title : str
        Its caption.
    columns : sequence of Column
        The first one names the rows.
    rows : sequence of sequence of Cell
        The rows.
    total : sequence of Cell, optional
        A row below that is not sorted.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()


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


def text_cell(text: object) -> Cell:
    """Make a cell of a text.

    Parameters
    ----------
    text : object
        The text, or what becomes one.

    Returns
    -------
    Cell
        Sorted by its letters.
    """
    return Cell(str(text), str(text))


def count_cell(number: int | None) -> Cell:
    """Make a cell of a count.

    Parameters
    ----------
    number : int or None
        The count.

    Returns
    -------
    Cell
        With groups of three digits.
    """
    return Cell(DASH) if number is None else Cell(f"{number:,}", number)


def number_cell(
    value: float | None,
    digits: int = 3,
    *,
    notes: Sequence[str] = (),
    mark: str = "",
) -> Cell:
    """Make a cell of a number.

    Parameters
    ----------
    value : float or None
        The number.
    digits : int, optional
        Digits after the point.
    notes, mark
        As for `Cell`.

    Returns
    -------
    Cell
        Without a value where there is no finite one.
    """
    if not is_number(value):
        return Cell(DASH, notes=notes)
    # A zero has no sign.
    text = f"{round(value, digits) + 0.0:.{digits}f}"
    return Cell(text, float(value), notes, mark)


def file_table(key: str, title: str, files: Sequence[tuple[str, str, str]]) -> Table:
    """List files.

    Parameters
    ----------
    key, title
        As for `Table`.
    files : sequence of tuple of str
        What each holds, its name and its SHA-256.

    Returns
    -------
    Table
        A row a file.
    """
    columns = [Column(name, numeric=False) for name in ("content", "file", "SHA-256")]
    return Table(key, title, columns, [list(map(text_cell, file)) for file in files])


def shown(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash.

    Parameters
    ----------
    value : float or None
        The number.
    digits : int, optional
        Digits after the point.

    Returns
    -------
    str
        The text.
    """
    return number_cell(value, digits).text


def is_number(value: object) -> bool:
    """Return whether a value is a finite number.

    Parameters
    ----------
    value : object
        Any value of a JSON file.

    Returns
    -------
    bool
        Whether it is; True and False are none.
    """
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def counted(number: int, noun: str) -> str:
    """Write a number with its noun.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        Of one.

    Returns
    -------
    str
        As "1 bundle" or "2,000 streamlines".
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def entries_of(values: dict) -> list[tuple[str, str]]:
    """Make readable names and texts of plain values; leave out those that are empty.

    Parameters
    ----------
    values : dict
        Plain values by name.

    Returns
    -------
    list of tuple of str
        Name and text of each.
    """
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
        return digits_of(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_as_text(each)}" for name, each in value.items())
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
