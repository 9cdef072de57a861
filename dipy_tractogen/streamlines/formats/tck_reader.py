"""Reader of a TCK of MRtrix block by block, in single or double precision.

nibabel reads single precision only, makes an object of each streamline and leaves out
those without points.
"""

from __future__ import annotations

from collections.abc import Generator
import logging
from pathlib import Path
import re

import numpy as np

from ..array_sequence import POINTS_PER_BLOCK

logger = logging.getLogger("dipy_tractogen")

_MAGIC = b"mrtrix tracks"
_TYPES = {
    "float32le": "<f4",
    "float32be": ">f4",
    "float32": "<f4",
    "float64le": "<f8",
    "float64be": ">f8",
    "float64": "<f8",
}
_LONGEST_HEADER = 2**22
_END = re.compile(rb"\nEND[ \t]*\r?\n")


def read_tck(path: Path, wanted) -> Generator[tuple, None, tuple]:
    """Read a TCK as `read_trx` does a TRX; it has neither values nor groups."""
    dtype, offset, declared = _header(path)
    nb_rows, rest = divmod(path.stat().st_size - offset, 3 * dtype.itemsize)
    if nb_rows < 1 or rest:
        raise ValueError("its end is missing")
    breaks, done = [np.array([-1], dtype=np.intp)], 0
    with path.open("rb") as file:
        file.seek(offset)
        while done < nb_rows - 1:
            count = min(POINTS_PER_BLOCK, nb_rows - 1 - done)
            rows = np.fromfile(file, dtype, 3 * count).reshape(-1, 3)
            is_break = np.isnan(rows[:, 0])
            is_break[is_break] = np.isnan(rows[is_break]).all(axis=1)
            breaks.append(np.flatnonzero(is_break) + done)
            done += len(rows)
            yield rows[~is_break].astype(np.float32), {}
        end = np.fromfile(file, dtype, 3)
    places = np.concatenate(breaks)
    if not np.isinf(end).all() or places[-1] != nb_rows - 2:
        raise ValueError("its last streamline is cut short, or its end mark is missing")
    lengths = np.diff(places) - 1
    if len(lengths) < declared:
        raise ValueError(f"{len(lengths)} of {declared} streamlines are there")
    if 0 < declared < len(lengths):
        logger.warning(
            "%s holds %d streamlines and its header says %d: points that are not "
            "numbers end a streamline in this format",
            path,
            len(lengths),
            declared,
        )
    return lengths, {}, {}


def _header(path: Path) -> tuple[np.dtype, int, int]:
    """Read the type of the numbers, where they begin, and how many streamlines."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"it does not begin with {_MAGIC.decode()!r}")
        text = file.read(_LONGEST_HEADER)
    end = _END.search(text)
    if not end:
        raise ValueError("its header has no END")
    first = len(_MAGIC) + end.end()
    lines = text[: end.start()].decode("latin-1").splitlines()
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    kind = fields.get("datatype", "Float32LE")
    if kind.lower() not in _TYPES:
        raise ValueError(f"its numbers are {kind[:40]!r}, and not Float32 or Float64")
    where, _, offset = fields.get("file", f". {first}").partition(" ")
    # Points in another file could be read from any file.
    if where != "." or not _is_count(offset.strip()):
        raise ValueError(f"its points are not in it: file: {fields['file'][:40]!r}")
    size = path.stat().st_size
    if not first <= int(offset) <= size:
        raise ValueError(f"its points begin at byte {int(offset)} of {size}")
    declared = fields.get("count", "0")
    if not _is_count(declared):
        raise ValueError(f"its count {declared[:40]!r} is no number of streamlines")
    return np.dtype(_TYPES[kind.lower()]), int(offset), int(declared)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
