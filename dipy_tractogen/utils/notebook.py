"""Tables for notebooks, in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from .messages import printable


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
