"""Tables and arrays that the commands write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence], *, force: bool
) -> None:
    """Write a tab-separated table, under its name when it is complete.

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
    """
    import csv

    from dipy_tractogen.utils.files import atomic_write
    from dipy_tractogen.utils.messages import format_number, printable

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

    from dipy_tractogen.utils.files import atomic_write

    # np.savez adds .npz to a name that ends in .NPZ.
    with (
        atomic_write(path, force=force) as temporary,
        open(temporary, "wb") as stream,
    ):
        np.savez(stream, **arrays)
