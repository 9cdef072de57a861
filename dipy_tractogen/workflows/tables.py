"""Tables, plain values and arrays that the commands write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        A value for each column. Numbers are written with six digits, large ones with
        one behind the point, whole numbers with all of theirs; in text a tab or the
        end of a line is spelled.
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
    from dipy_tractogen.streamlines.messages import digits_of, printable

    def as_text(value) -> str:
        return digits_of(value) if isinstance(value, float) else printable(value)

    with (
        replacing(path, force=force) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow([printable(name) for name in columns])
        writer.writerows([as_text(value) for value in row] for row in rows)


def write_json(path: Path, report: dict, *, force: bool) -> None:
    """Write plain values as JSON, under its name when it is whole.

    Parameters
    ----------
    path : Path
        The file.
    report : dict
        Plain values; numbers are finite. Of text, bytes that are not UTF-8 and
        control characters are spelled.
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
        text = json.dumps(plain(report), indent=2, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def plain(value):
    """Return what JSON and every reader of it can hold: text that can be written.

    Parameters
    ----------
    value : object
        Plain values, with paths among them perhaps.

    Returns
    -------
    object
        The same, with text for paths.
    """
    from dipy_tractogen.streamlines.messages import printable

    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return printable(value) if isinstance(value, (str, Path)) else value


def write_arrays(path: Path, arrays: Mapping, *, force: bool) -> None:
    """Write arrays by name, under the name of the file when it is whole.

    Parameters
    ----------
    path : Path
        An .npz file.
    arrays : mapping of str to ndarray
        The arrays.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the file cannot be written.
    """
    import numpy as np

    from dipy_tractogen.streamlines.files import replacing

    # NumPy, given a name, writes to another one where it ends in .NPZ.
    with (
        replacing(path, force=force) as temporary,
        open(temporary, "wb") as stream,
    ):
        np.savez(stream, **arrays)
