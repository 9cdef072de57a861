"""Tables and arrays as files, and tables in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
import csv
from html import escape
from pathlib import Path

from .files import atomic_write
from .messages import format_number, printable


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence], *, force: bool
) -> None:
    """Write a tab-separated table, under its name when it is complete.

    Numbers are written with six digits, large ones with one behind the point, whole
    numbers with all of theirs; in text a tab or the end of a line is spelled.
    """

    def as_text(value) -> str:
        return format_number(value) if isinstance(value, float) else printable(value)

    with (
        atomic_write(path, force=force) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow([printable(name) for name in columns])
        writer.writerows([as_text(value) for value in row] for row in rows)


def write_arrays(path: Path, arrays: Mapping, *, force: bool) -> None:
    """Write arrays by name to an .npz file, under its name when it is complete."""
    import numpy as np

    # np.savez adds .npz to a name that ends in .NPZ.
    with (
        atomic_write(path, force=force) as temporary,
        open(temporary, "wb") as stream,
    ):
        np.savez(stream, **arrays)


def html_table(
    caption: str, rows: Iterable[Sequence], header: Sequence[str] = ()
) -> str:
    """Return a table as HTML; all text is escaped, as names come from files."""

    def row(cells: Sequence, tag: str) -> str:
        inner = "".join(f"<{tag}>{escape(printable(each))}</{tag}>" for each in cells)
        return f"<tr>{inner}</tr>"

    title = f"<caption>{escape(printable(caption))}</caption>"
    lines = [title, *([row(header, "th")] if header else [])]
    lines += [row(cells, "td") for cells in rows]
    return f"<table>{''.join(lines)}</table>"
