"""Legacy format of VTK (.vtk and .fib): lines as text or big-endian numbers.

VTK's own reader trusts the counts in a file: a wrong one ends the process, or never
ends. Here each is compared with the size of the file first.
"""

from __future__ import annotations

from collections.abc import Callable
import logging
from pathlib import Path
import re
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np

from dipy_tractogen.utils.memmap import map_file

from ..array_sequence import lengths_between

logger = logging.getLogger("dipy_tractogen")

#: Sections of values, with their names in messages.
ATTRIBUTES = {"POINT_DATA": "data_per_point", "CELL_DATA": "cell data"}

_TYPES = {
    "char": ">i1",
    "signed_char": ">i1",
    "unsigned_char": ">u1",
    "short": ">i2",
    "unsigned_short": ">u2",
    "int": ">i4",
    "unsigned_int": ">u4",
    "vtkidtype": ">i4",
    "long": ">i8",
    "unsigned_long": ">u8",
    "vtktypeint64": ">i8",
    "vtktypeuint64": ">u8",
    "float": ">f4",
    "double": ">f8",
}
_WIDTHS = {"VECTORS": "3", "NORMALS": "3", "TENSORS": "9", "TENSORS6": "6"}
_CELLS = ("VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS")
# Numbers end where a line begins with a word other than nan or inf.
_WORD = re.compile(rb"^[ \t]*(?!(?:nan|inf))[A-Za-z_]", re.IGNORECASE | re.MULTILINE)
_SPACE = re.compile(rb"SPACE\s*=\s*([A-Za-z-]+)")
_LONGEST_LINE = 1024


class PolyLines(NamedTuple):
    """Lines of a file of VTK.

    Points (k, 3) in mm, in the space of the file; number of points of each line (n,);
    their points, one line after the other; the space that is declared, such as "LPS",
    or empty; by kind the names of values that are not read; values (k, width) of the
    points by name; and values (n, width) of the lines.
    """

    points: np.ndarray
    lengths: np.ndarray
    indices: np.ndarray
    space: str
    left_out: dict[str, list[str]]
    values: dict[str, np.ndarray]
    of_lines: dict[str, np.ndarray]


class LegacyReader:
    """Reader of a legacy file, of version 5.1 or before, section by section."""

    def __init__(self, path: Path):
        contents = self._contents = map_file(path)
        self._path = path
        self._place = 0
        if not self._line().lower().startswith("# vtk datafile version"):
            raise ValueError("it does not begin with '# vtk DataFile Version'")
        end = contents.find(b"\n", self._place, self._place + _LONGEST_LINE)
        title = contents[self._place : max(end, self._place)]
        self._place += len(title) + 1
        found = _SPACE.search(title)
        self._space = found.group(1).decode() if found else ""
        encoding = self._line().upper()
        if encoding not in ("ASCII", "BINARY"):
            raise ValueError("it is neither ASCII nor BINARY")
        self._is_text = encoding == "ASCII"
        kind = self._line().upper().split()
        if kind != ["DATASET", "POLYDATA"]:
            raise ValueError("a tractogram is a DATASET POLYDATA, and it is none")

    def lines(self, wanted: Callable[[str], bool]) -> PolyLines:
        """Read points and lines, and those values of points whose name is wanted."""
        points, cells = None, None
        counts = dict.fromkeys(_CELLS, 0)
        while line := self._line():
            keyword, *words = line.split()
            keyword = keyword.upper()
            if keyword in ATTRIBUTES:
                break
            if keyword == "POINTS" and points is None and len(words) == 2:
                points = self._array(3 * read_count(words[0]), words[1]).reshape(-1, 3)
            elif keyword in _CELLS and len(words) == 2:
                found = self._cells(read_count(words[0]), read_count(words[1]))
                cells = found if keyword == "LINES" else cells
                counts[keyword] = len(found[0])
            elif keyword == "FIELD" and len(words) == 2:
                self._fields(read_count(words[1]))
            elif keyword == "METADATA":
                self._skip_metadata()
            else:
                raise ValueError(f"{line[:40]!r} has no place in it")
        if points is None or (cells is None and len(points)):
            raise ValueError(f"it has no {'POINTS' if points is None else 'LINES'}")
        nothing = np.zeros(0, np.intp)
        lengths, indices = (nothing, nothing) if cells is None else cells
        found = self._attributes(line)
        values = {
            name: array
            for name, array in _tables(found["data_per_point"], len(points)).items()
            if wanted(name)
        }
        # Cells are counted kind by kind, in this order.
        own = slice(counts["VERTICES"], counts["VERTICES"] + len(lengths))
        of_cells = _tables(found["cell data"], sum(counts.values()))
        of_lines = {name: native(array[own]) for name, array in of_cells.items()}
        found["data_per_point"] = found["data_per_point"].keys() - values.keys()
        found["cell data"] = found["cell data"].keys() - of_lines.keys()
        left_out = {kind: sorted(names) for kind, names in found.items() if names}
        return PolyLines(
            points, lengths, indices, self._space, left_out, values, of_lines
        )

    def _attributes(self, line: str) -> dict[str, dict[str, np.ndarray]]:
        """Read values (rows, width) of points and cells, as far as they can be read."""
        found: dict[str, dict] = {kind: {} for kind in ATTRIBUTES.values()}
        kind, count = "", 0
        try:
            while line:
                keyword, *words = line.split()
                keyword = keyword.upper()
                if keyword in ATTRIBUTES:
                    kind, count = ATTRIBUTES[keyword], read_count(words[0])
                elif keyword == "FIELD":
                    fields = self._fields(read_count(words[1]))
                    found[kind] = {**found[kind], **fields, **found[kind]}
                elif keyword == "METADATA":
                    self._skip_metadata()
                else:
                    values = self._attribute(keyword, words, count)
                    if keyword != "LOOKUP_TABLE":
                        found[kind].setdefault(unquote(words[0]), values)
                line = self._line()
        except (ValueError, IndexError, KeyError):  # no part of the lines
            logger.warning(
                "%s: its values of points or lines are damaged at %r: those from there "
                "on are not read",
                self._path,
                line[:40],
            )
        return found

    def _attribute(self, keyword: str, words: list[str], count: int) -> np.ndarray:
        """Read values (count, width) of points or cells."""
        if keyword == "SCALARS":
            width, kind = words[2] if len(words) > 2 else "1", words[1]
            self._line()  # names a table of colours
        elif keyword == "TEXTURE_COORDINATES":
            width, kind = words[1:]
        elif keyword == "COLOR_SCALARS":
            width, kind = words[1], "float" if self._is_text else "unsigned_char"
        elif keyword == "LOOKUP_TABLE":
            count, width = read_count(words[1]), "4"
            kind = "float" if self._is_text else "unsigned_char"
        else:
            width, kind = _WIDTHS[keyword], words[1]
        shape = (count, read_count(width))
        values = self._array(shape[0] * shape[1], kind).reshape(shape)
        if keyword == "COLOR_SCALARS" and self._is_text:
            # As text they are from 0 to 1, and mean whole numbers up to 255.
            values = np.rint(255 * np.clip(np.nan_to_num(values), 0, 1))
            values = values.astype(np.uint8)
        return values

    def _line(self) -> str:
        """Return the next line that is not empty; nothing at the end."""
        while self._place < len(self._contents):
            end = self._contents.find(b"\n", self._place, self._place + _LONGEST_LINE)
            if end < 0:
                end = min(len(self._contents), self._place + _LONGEST_LINE)
            line = self._contents[self._place : end].decode("latin-1").strip()
            self._place = end + 1
            if line:
                return line
        return ""

    def _array(self, count: int, kind: str) -> np.ndarray:
        """Read numbers of a type."""
        if kind.lower() not in _TYPES:
            raise ValueError(f"{kind[:40]!r} is no type of numbers")
        dtype = np.dtype(_TYPES[kind.lower()])
        size = 2 * count - 1 if self._is_text else count * dtype.itemsize
        if size > len(self._contents) - self._place:
            raise ValueError(f"{count} numbers are announced, and the file is shorter")
        if not self._is_text:
            array = np.frombuffer(self._contents, dtype, count, self._place)
            self._place += size
            return array
        following = _WORD.search(self._contents, self._place)
        end = following.start() if following else len(self._contents)
        text = self._contents[self._place : end]
        self._place = end
        array = np.fromstring(text, dtype.newbyteorder("="), sep=" ")
        if len(array) != count:
            raise ValueError(f"{count} numbers are announced, and {len(array)} follow")
        return array

    def _cells(self, count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Read lengths of cells, and their points one cell after the other."""
        before = self._place
        header = self._line().split() if count else []
        if header[:1] == ["OFFSETS"] and len(header) == 2:  # since version 5
            offsets = self._array(count, header[1])
            header = self._line().split()
            if header[:1] != ["CONNECTIVITY"] or len(header) != 2:
                raise ValueError("it has OFFSETS without CONNECTIVITY")
            return lengths_between(offsets, size), self._array(size, header[1])
        self._place = before
        return _separated(self._array(size, "int"), count)

    def _fields(self, count: int) -> dict[str, np.ndarray]:
        """Read arrays (rows, width) by name, of which one may hold that of the space.

        Texts are read as an array of no dimension.
        """
        found: dict[str, np.ndarray] = {}
        for _ in range(count):
            words = self._line().split()
            if len(words) != 4:
                raise ValueError("its field data are damaged")
            name, kind, shape = words[0], words[3], (words[2], words[1])
            shape = tuple(map(read_count, shape))
            if kind.lower() != "string":
                values = self._array(shape[0] * shape[1], kind).reshape(shape)
                found.setdefault(unquote(name), values)
                continue
            found.setdefault(unquote(name), np.zeros(()))
            for _ in range(shape[0] * shape[1]):
                text = self._string()
                if name.upper() == "SPACE" and not self._space:
                    self._space = text
        return found

    def _string(self) -> str:
        """Read one text of an array of texts."""
        if self._is_text:
            line = self._line()
            if not line:
                raise ValueError("its field data are cut short")
            return line
        first = self._contents[self._place : self._place + 1]
        # The first two bits say how many bytes the length takes.
        width = 8 >> (first[0] >> 6) if first else 1
        length = int.from_bytes(self._contents[self._place : self._place + width])
        length &= 2 ** (8 * width - 2) - 1
        self._place += width
        if not first or length > len(self._contents) - self._place:
            raise ValueError("its field data are cut short")
        text = self._contents[self._place : self._place + length]
        self._place += length
        return text.decode("latin-1")

    def _skip_metadata(self) -> None:
        """Skip notes on an array, up to an empty line."""
        while self._place < len(self._contents):
            end = self._contents.find(b"\n", self._place)
            end = len(self._contents) if end < 0 else end
            line = self._contents[self._place : end]
            self._place = end + 1
            if not line.strip():
                return


def _separated(cells: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths and points of lines, which alternate before version 5."""
    numbers, size = memoryview(np.ascontiguousarray(cells, np.int32)), len(cells)
    if count > size:
        raise ValueError(f"it announces {count} lines in {size} numbers")
    starts, place = np.empty(count, np.intp), 0
    for line in range(count):
        length = numbers[place] if place < size else -1
        if not 0 <= length < size - place:
            raise ValueError(f"line {line} has {length} points, which are not there")
        starts[line] = place
        place += 1 + length
    if place != size:
        raise ValueError(f"its {count} lines end before the numbers announced")
    is_index = np.ones(size, dtype=bool)
    is_index[starts] = False
    return cells[starts].astype(np.intp), cells[is_index]


def _tables(arrays: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Return those of the arrays that have `count` rows of one number or more."""
    return {
        name: array
        for name, array in arrays.items()
        if array.ndim == 2 and array.shape == (count, array.shape[1] or 1)
    }


def native(array: np.ndarray) -> np.ndarray:
    """Return a copy in the byte order of the machine."""
    return array.astype(array.dtype.newbyteorder("="))


def read_count(word: str) -> int:
    """Return a count that is written as text; raise ValueError if it is none."""
    if not (word.isascii() and word.isdigit() and len(word) < 16):
        raise ValueError(f"{word[:40]!r} is no count")
    return int(word)
