"""Writers of lines as files of VTK: .vtk and .fib in the legacy format, .vtp in XML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import re
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from nibabel.streamlines import ArraySequence
import numpy as np

from .sidecar import distinct_names

#: The title of the files that are written, which declares the space as 3D Slicer does.
TITLE = b"dipy_tractogen. SPACE=RAS"

# Version 4.2: MRtrix and 3D Slicer before 5 do not read the cells of 5.1.
_VERSION = b"# vtk DataFile Version 4.2"

_LEGACY_TYPES = {
    **{"int8": "signed_char", "uint8": "unsigned_char", "int16": "short"},
    **{"uint16": "unsigned_short", "int32": "int", "uint32": "unsigned_int"},
    **{"int64": "vtktypeint64", "uint64": "vtktypeuint64"},
    **{"float32": "float", "float64": "double"},
}
_XML_KINDS = {"i": "Int", "u": "UInt", "f": "Float"}
# VTK reads a line of up to 256 characters.
_LONGEST_NAME = 200
_NO_CHARACTERS_OF_XML = re.compile("[^\t -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HEAD = """<?xml version="1.0"?>
<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">
<PolyData>
<FieldData>
<Array type="String" Name="SPACE" NumberOfTuples="1" format="ascii">82 65 83 0</Array>
</FieldData>
<Piece NumberOfPoints="{points}" NumberOfVerts="0" NumberOfLines="{lines}" \
NumberOfStrips="0" NumberOfPolys="0">
{values}<Points>
<DataArray type="Float32" Name="Points" NumberOfComponents="3" {0}/>
</Points>
<Lines>
<DataArray type="Int{bits}" Name="connectivity" {1}/>
<DataArray type="Int{bits}" Name="offsets" {2}/>
</Lines>
</Piece>
</PolyData>
<AppendedData encoding="raw">
_"""

_VALUES = """
<DataArray type="{kind}" Name={name} NumberOfComponents="{width}" {place}/>"""

_Values = dict[str, np.ndarray]


def vtk_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return different names that VTK and XML can hold; names that fit stay."""

    def fitted(name: str, longest: int) -> str:
        name = _NO_CHARACTERS_OF_XML.sub("_", name)
        while len(_encoded(name)) > longest:
            name = name[:-1]
        return name or "_"

    return distinct_names(names, fitted, [_LONGEST_NAME] * len(names))


def write_legacy(
    path: Path, streamlines: ArraySequence, of_points: _Values, of_lines: _Values
) -> None:
    """Write streamlines as a binary legacy file; see `vtk.save_vtk`."""
    points, lengths = streamlines._data, np.asarray(streamlines._lengths)
    if len(points) + len(lengths) > np.iinfo(np.int32).max:
        raise ValueError(
            f"{path} cannot hold {len(points)} points, which this format does not "
            "count: write a .trx"
        )
    cells = np.empty(len(points) + len(lengths), dtype=">i4")
    is_index = np.ones(len(cells), dtype=bool)
    counts = np.cumsum(lengths + 1) - (lengths + 1)
    is_index[counts] = False
    cells[counts] = lengths
    cells[is_index] = np.arange(len(points))
    with path.open("wb") as file:
        file.write(b"%s\n%s\nBINARY\nDATASET POLYDATA\n" % (_VERSION, TITLE))
        file.write(b"POINTS %d float\n" % len(points))
        file.write(points.astype(">f4"))
        file.write(b"\nLINES %d %d\n" % (len(lengths), len(cells)))
        file.write(cells)
        file.write(b"\n")
        for kind, count, values in (
            (b"POINT_DATA", len(points), of_points),
            (b"CELL_DATA", len(lengths), of_lines),
        ):
            if values:
                head = (kind, count, len(values))
                file.write(b"%s %d\nFIELD FieldData %d\n" % head)
            for name, each in values.items():
                kind = _LEGACY_TYPES[each.dtype.name].encode()
                head = (_encoded(name), each.shape[1], count, kind)
                file.write(b"%s %d %d %s\n" % head)
                file.write(each.astype(each.dtype.newbyteorder(">"), order="C"))
                file.write(b"\n")


def _encoded(name: str) -> bytes:
    """Return a name without spaces and quotes, as VTK encodes it."""
    return quote(name, safe="!#$&'()*+,-./:;<=>?@[\\]^_`{|}~").encode()


def write_xml(
    path: Path, streamlines: ArraySequence, of_points: _Values, of_lines: _Values
) -> None:
    """Write streamlines as an XML file; see `vtk.save_vtk`."""
    points = streamlines._data.astype("<f4", copy=False)
    bits = 32 if len(points) <= np.iinfo(np.int32).max else 64
    arrays = [
        np.ascontiguousarray(points),
        np.arange(len(points), dtype=f"<i{bits // 8}"),
        np.cumsum(streamlines._lengths, dtype=f"<i{bits // 8}"),
        *(
            np.ascontiguousarray(each, each.dtype.newbyteorder("<"))
            for each in (*of_points.values(), *of_lines.values())
        ),
    ]
    places = np.cumsum([0, *(8 + array.nbytes for array in arrays)])
    where = [f'format="appended" offset="{place}"' for place in places[:-1]]
    split = 3 + len(of_points)
    head = _HEAD.format(
        *where,
        points=len(points),
        lines=len(streamlines._lengths),
        bits=bits,
        values=_elements("PointData", of_points, where[3:split])
        + _elements("CellData", of_lines, where[split:]),
    )
    with path.open("wb") as file:
        file.write(head.encode())
        for array in arrays:
            file.write(np.uint64(array.nbytes).astype("<u8").tobytes())
            file.write(array)
        file.write(b"\n</AppendedData>\n</VTKFile>\n")


def _elements(parent: str, values: _Values, where: Sequence[str]) -> str:
    """Return the elements of arrays that are appended, or nothing."""
    inside = "".join(
        _VALUES.format(
            kind=f"{_XML_KINDS[each.dtype.kind]}{8 * each.dtype.itemsize}",
            name=quoteattr(name),
            width=each.shape[1],
            place=place,
        )
        for place, (name, each) in zip(where, values.items())
    )
    return f"<{parent}>{inside}\n</{parent}>\n" if values else ""
