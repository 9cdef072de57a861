"""XML format of VTK (.vtp): arrays as text, base64 or raw bytes, plain or compressed.

VTK's own reader ends the process where the counts of a file ask for more memory than
there is. Here each is compared with the bytes of the file first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
import lzma
import mmap
from pathlib import Path
import re
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
import zlib

import numpy as np

from dipy_tractogen.utils.memmap import check_unpacked_size, map_file

from ..array_sequence import lengths_between
from .vtk_legacy import PolyLines, native, read_count

_TYPES = {
    **{f"Int{bits}": f"i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": f"u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{"Float32": "f4", "Float64": "f8", "String": "u1"},
}
_DECOMPRESSORS = {
    "vtkZLibDataCompressor": zlib.decompressobj,
    "vtkLZMADataCompressor": lzma.LZMADecompressor,
}
_APPENDED = re.compile(rb"<AppendedData\b([^>]*)>\s*_")
_END = b"</VTKFile>"


class XmlReader:
    """Reader of an XML file: its elements, and the data appended to them."""

    def __init__(self, path: Path):
        contents = self._contents = map_file(path)
        if contents.rfind(_END) < len(contents) - 100:
            raise ValueError("its last tag </VTKFile> is missing")
        found = _APPENDED.search(contents)
        self._appended, text, self._is_raw = 0, contents, False
        if found:
            self._appended = found.end()
            self._is_raw = b"raw" in found.group(1)
            text = contents[: found.start()] + _END
        self._root = _parsed(text)
        if self._root.get("type") != "PolyData":
            raise ValueError("a tractogram is a VTKFile of the type PolyData")
        self._order = ">" if self._root.get("byte_order") == "BigEndian" else "<"
        wide = self._root.get("header_type") == "UInt64"
        self._header = np.dtype(self._order + ("u8" if wide else "u4"))

    def lines(self, wanted: Callable[[str], bool]) -> PolyLines:
        """Decode the points and lines of all pieces, values of them, and the space."""
        pieces = list(self._root.iter("Piece"))
        if not pieces:
            raise ValueError("it has no Piece")
        found = [self._piece(piece) for piece in pieces]
        before = np.cumsum([0, *(len(points) for points, _, _ in found)])
        space = ""
        for name, array in _arrays_in(self._root, "FieldData"):
            if name.upper() == "SPACE":
                space = self._decoded(array).tobytes().decode("latin-1").strip("\0 ")
        rows = [(len(points), slice(None)) for points, _, _ in found]
        values, others = self._values("PointData", zip(pieces, rows), wanted)
        rows = [_rows_of_lines(piece) for piece in pieces]
        of_lines, of_others = self._values("CellData", zip(pieces, rows))
        left_out = {"data_per_point": others, "cell data": of_others}
        return PolyLines(
            np.concatenate([points for points, _, _ in found]),
            np.concatenate([lengths for _, lengths, _ in found]),
            np.concatenate([ids + first for (_, _, ids), first in zip(found, before)]),
            space,
            {kind: names for kind, names in left_out.items() if names},
            values,
            {name: native(each) for name, each in of_lines.items()},
        )

    def _values(
        self,
        parent: str,
        pieces: Iterable[tuple[Element, tuple[int, slice]]],
        wanted: Callable[[str], bool] = lambda name: True,
    ) -> tuple[dict[str, np.ndarray], list[str]]:
        """Decode values (k, width) of points or cells; return the names of others, too.

        With each piece come its number of them, and which are taken. All pieces have
        the values that are read, as many for each.
        """
        parts: dict[str, list[np.ndarray]] = {}
        nb_pieces = 0
        for piece, (count, rows) in pieces:
            for name, array in _arrays_in(piece, parent):
                known = parts.setdefault(name, [])
                is_number = array.get("type") not in ("String", "Bit")
                if not is_number or not wanted(name) or len(known) != nb_pieces:
                    continue
                if width := read_count(array.get("NumberOfComponents", "1")):
                    key = (parent, name)
                    flat = self._found({key: array}, key, width * count)
                    known.append(flat.reshape(count, width)[rows])
            nb_pieces += 1
        whole = {
            name: np.concatenate(known)
            for name, known in parts.items()
            if len(known) == nb_pieces and len({one.shape[1] for one in known}) == 1
        }
        return whole, sorted(parts.keys() - whole.keys())

    def _piece(self, piece: Element) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Decode points, lengths of lines and their points of one piece."""
        nb_points = read_count(piece.get("NumberOfPoints", "0"))
        nb_lines = read_count(piece.get("NumberOfLines", "0"))
        arrays = {
            (parent, name * (parent == "Lines")): one
            for parent in ("Points", "Lines")
            for name, one in _arrays_in(piece, parent)
        }
        points = self._found(arrays, ("Points", ""), 3 * nb_points).reshape(-1, 3)
        ends = self._found(arrays, ("Lines", "offsets"), nb_lines)
        indices = self._found(
            arrays, ("Lines", "connectivity"), None if nb_lines else 0
        )
        if ends.dtype.kind not in "iu" or indices.dtype.kind not in "iu":
            raise ValueError("the numbers of its lines are not whole")
        lengths = lengths_between(np.append(ends.dtype.type(0), ends), len(indices))
        if indices.size and not 0 <= indices.min() <= indices.max() < nb_points:
            raise ValueError(f"its lines have points that are not among {nb_points}")
        return points, lengths, indices.astype(np.int64)

    def _found(self, arrays: dict, key: tuple, count: int | None) -> np.ndarray:
        """Decode an array of a piece, which may be missing where it is empty."""
        if count == 0:
            return np.zeros(0, np.intp)
        if key not in arrays:
            raise ValueError(f"it has no {' '.join(key).strip()}")
        array = self._decoded(arrays[key], count)
        if count not in (None, len(array)):
            raise ValueError(f"{key[0]} hold {len(array)} numbers, and not {count}")
        return array

    def _decoded(self, array: Element, count: int | None = None) -> np.ndarray:
        """Decode the numbers of an element, `count` of them where that is known."""
        kind = array.get("type", "")
        if kind not in _TYPES:
            raise ValueError(f"{kind[:40]!r} is no type of numbers")
        dtype = np.dtype(self._order + _TYPES[kind])
        form = array.get("format", "ascii")
        # Notes on an array may stand before its numbers.
        text = "".join([array.text or "", *(each.tail or "" for each in array)])
        if form == "ascii":
            return np.fromstring(text, dtype.newbyteorder("="), sep=" ")
        if form == "appended":
            start = self._appended + read_count(array.get("offset", "0"))
            if not self._appended or start > len(self._contents):
                raise ValueError("an array begins after the end of the file")
            stream = _Stream(self._contents, start, self._is_raw)
        elif form == "binary":
            packed = "".join(text.split()).encode("ascii", "replace")
            stream = _Stream(packed, 0, False)
        else:
            raise ValueError(f"{form[:40]!r} is no format of an array")
        values = self._unpacked(
            stream, None if count is None else count * dtype.itemsize
        )
        if len(values) % dtype.itemsize:
            raise ValueError("an array is cut short")
        return np.frombuffer(values, dtype)

    def _unpacked(self, stream: _Stream, size: int | None) -> bytes | memoryview:
        """Return the bytes of an array."""
        compressor = self._root.get("compressor")
        if not compressor:
            (nb_bytes,) = stream.numbers(1, self._header)
            if size not in (None, nb_bytes):
                raise ValueError(f"an array has {nb_bytes} bytes, and not {size}")
            return stream.read(self._header.itemsize, nb_bytes)
        if compressor not in _DECOMPRESSORS:
            raise ValueError(
                f"{compressor[:40]!r} is not known: write it with zlib, or without "
                "compression"
            )
        nb_blocks, block, last = stream.numbers(3, self._header)
        sizes = stream.numbers(3 + nb_blocks, self._header)[3:]
        total = (nb_blocks - 1) * block + (last or block) if nb_blocks else 0
        if size not in (None, total) or not last <= block > 0:
            raise ValueError(f"an array has {total} bytes, and not {size}")
        check_unpacked_size(total, len(self._contents))
        header = (3 + nb_blocks) * self._header.itemsize
        packed = stream.read(header, sum(sizes), apart=True)
        unpacked, place = [], 0
        for number, packed_size in enumerate(sizes):
            wanted = last if last and number == nb_blocks - 1 else block
            part = _DECOMPRESSORS[compressor]().decompress(
                packed[place : place + packed_size], wanted
            )
            if len(part) != wanted:
                raise ValueError("an array is cut short")
            unpacked.append(part)
            place += packed_size
        return b"".join(unpacked)


class _Stream(NamedTuple):
    """Bytes of one array, raw or as base64, from `start` on."""

    contents: bytes | mmap.mmap
    start: int
    is_raw: bool

    def numbers(self, count: int, dtype: np.dtype) -> list[int]:
        """Return the first numbers."""
        return np.frombuffer(self.read(0, count * dtype.itemsize), dtype).tolist()

    def read(self, skipped: int, count: int, *, apart=False) -> bytes | memoryview:
        """Return bytes after those skipped, which may be encoded apart from them."""
        if count > len(self.contents):
            raise ValueError("an array is cut short")
        start, end = self.start, skipped + count
        if self.is_raw:
            found = memoryview(self.contents)[start + skipped : start + end]
        else:
            if apart:
                start, skipped, end = start + -(-skipped // 3) * 4, 0, count
            encoded = self.contents[start : start + -(-end // 3) * 4]
            try:
                found = base64.b64decode(encoded)[skipped:end]
            except binascii.Error as error:
                raise ValueError(f"an array is no base64: {error}") from None
        if len(found) != count:
            raise ValueError("an array is cut short")
        return found


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, *_) -> None:
        raise ValueError("its XML declares a type of document, as no VTK file does")


def _parsed(text: bytes | mmap.mmap) -> Element:
    """Return the root of the elements."""
    parser = ElementTree.XMLParser(target=_Builder())
    try:
        for start in range(0, len(text), 2**24):
            parser.feed(text[start : start + 2**24])
        return parser.close()
    except ElementTree.ParseError as error:
        raise ValueError(f"its XML is damaged: {error}") from None


def _rows_of_lines(piece: Element) -> tuple[int, slice]:
    """Return the number of cells of a piece, and which of them are lines."""
    kinds = ("Verts", "Lines", "Strips", "Polys")
    counts = [read_count(piece.get(f"NumberOf{kind}", "0")) for kind in kinds]
    return sum(counts), slice(counts[0], counts[0] + counts[1])


def _arrays_in(element: Element, parent: str) -> list[tuple[str, Element]]:
    """Return names and elements of the arrays that stand right in some element."""
    found = [one for each in element.iter(parent) for one in each]
    arrays = [one for one in found if one.tag in ("DataArray", "Array")]
    return [(one.get("Name", ""), one) for one in arrays]
