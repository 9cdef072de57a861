"""Tables that the commands write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence], *, force: bool
) -> None:
    """Write a table, tab-separated, under its name when it is whole.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Names of the columns.
    rows : iterable of sequence
        A value for each column; numbers are written with six digits.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the file cannot be written.
    """
    import csv

    from dipy_tractogen.streamlines.files import replacing

    with (
        replacing(path, force=force) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_as_text(value) for value in row] for row in rows)


def _as_text(value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
