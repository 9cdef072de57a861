"""Tables and arrays as files, and tables in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
import csv
from html import escape
import math
import os
from pathlib import Path
import tempfile
import zipfile

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


@contextmanager
def open_arrays(path: str | os.PathLike, *, force: bool) -> Iterator[ArrayFile]:
    """Open an .npz file of arrays that are written a block of rows at a time.

    Rows wait in temporary files beside it, so memory does not grow with their number.
    The file takes its name when the body ends.
    """
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_write(path, force=force))
        file = ArrayFile(temporary, stack)
        yield file
        file.finish()


class ArrayFile:
    """Writes arrays block by block; made by `open_arrays`."""

    def __init__(self, path: Path, stack: ExitStack):
        self._path, self._stack = path, stack
        self._columns: dict[str, _Rows] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was appended so far."""
        return not self._columns

    def append(self, rows: Mapping) -> None:
        """Append rows to arrays by name, of one shape but for their number."""
        for name, values in rows.items():
            if name not in self._columns:
                file = tempfile.TemporaryFile(dir=self._path.parent)  # noqa: SIM115
                self._columns[name] = _Rows(self._stack.enter_context(file))
            self._columns[name].append(values)

    def finish(self) -> None:
        """Write the arrays, one after the other; `open_arrays` calls this."""
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_STORED) as archive:
            for name, rows in self._columns.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    rows.copy_to(member)


class _Rows:
    """Rows of an array in a temporary file; text may get longer."""

    def __init__(self, file):
        self._file = file
        self._blocks: list = []

    def append(self, values) -> None:
        import numpy as np

        values = np.ascontiguousarray(values)
        self._file.write(values.data if values.dtype.kind != "U" else values.tobytes())
        self._blocks.append((values.dtype, values.shape))

    def copy_to(self, member) -> None:
        import numpy as np

        dtypes, shapes = zip(*self._blocks)
        dtype = np.result_type(*dtypes)
        shape = (sum(one[0] for one in shapes), *shapes[0][1:])
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(member, header)
        self._file.seek(0)
        for own, block in self._blocks:
            size = own.itemsize * math.prod(block)
            values = np.frombuffer(self._file.read(size), dtype=own)
            member.write(values.astype(dtype).tobytes())


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
