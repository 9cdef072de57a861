"""Tables and figures that the commands write."""

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


def write_json(path: Path, report: dict, *, force: bool) -> None:
    """Write plain values as JSON, under its name when it is whole.

    Parameters
    ----------
    path : Path
        The file.
    report : dict
        Plain values; numbers are finite.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the file cannot be written.
    ValueError
        If a number is not finite.
    """
    import json

    from dipy_tractogen.streamlines.files import replacing

    with replacing(path, force=force) as temporary:
        text = json.dumps(report, indent=2, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def _as_text(value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
