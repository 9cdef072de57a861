"""Files of VTK: those of the library itself, of 3D Slicer, and broken ones."""

import logging

import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.vtk import save_vtk

from ..conftest import read_by_vtk

POINTS = np.arange(15, dtype=np.float32).reshape(5, 3)
STREAMLINES = as_sequence(POINTS, [2, 3])
MIRRORED = POINTS * np.float32([-1, -1, 1])


@pytest.mark.parametrize("extension", ["vtk", "vtp", "fib"])
def test_points_are_the_same_bits(extension, tmp_path):
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    save_vtk(tmp_path / f"a.{extension}", as_sequence(points, [2, 0, 3]))
    found = read_tractogram(tmp_path / f"a.{extension}").streamlines
    np.testing.assert_array_equal(found._data, points)
    np.testing.assert_array_equal(found._lengths, [2, 0, 3])


@pytest.mark.parametrize("extension", ["vtk", "vtp", "fib"])
def test_dipy_reads_what_is_written(extension, tmp_path):
    pytest.importorskip("fury")
    from dipy.io.vtk import load_vtk_streamlines

    path = tmp_path / f"a.{extension}"
    save_vtk(path, STREAMLINES)
    lines = load_vtk_streamlines(str(path), to_lps=False)
    np.testing.assert_array_equal(np.concatenate(lines), POINTS)
    assert list(map(len, lines)) == [2, 3]


def test_slicer_finds_version_and_space_in_what_is_written(tmp_path):
    save_vtk(tmp_path / "a.vtk", STREAMLINES)
    first, title = (tmp_path / "a.vtk").read_bytes().split(b"\n")[:2]
    assert first == b"# vtk DataFile Version 4.2"
    assert b"SPACE=RAS" in title
    save_vtk(tmp_path / "a.vtp", STREAMLINES)
    fields = read_by_vtk(tmp_path / "a.vtp").GetFieldData()
    assert fields.GetAbstractArray("SPACE").GetValue(0) == "RAS"


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError):
        save_vtk(tmp_path / "missing" / "a.vtk", STREAMLINES)


def polydata(vtk, space):
    """Return the lines as an object of VTK, whose points are in reverse order."""
    from vtk.util import numpy_support

    def array(values, name=None):
        made = numpy_support.numpy_to_vtk(values, deep=True)
        if name:
            made.SetName(name)
        return made

    points, lines, vertices = vtk.vtkPoints(), vtk.vtkCellArray(), vtk.vtkCellArray()
    points.SetData(array(POINTS[::-1].copy()))
    for cell in ([4, 3], [2, 1, 0]):
        lines.InsertNextCell(len(cell))
        for index in cell:
            lines.InsertCellPoint(index)
    vertices.InsertNextCell(1)
    vertices.InsertCellPoint(3)
    data = vtk.vtkPolyData()
    data.SetPoints(points)
    data.SetVerts(vertices)
    data.SetLines(lines)
    of_points = data.GetPointData()
    of_points.AddArray(array(VALUES["colors"].astype(np.uint8), "colors"))
    of_points.SetScalars(array(VALUES["f a"][:, 0].astype(float), "f a"))
    of_points.SetVectors(array(VALUES["v"], "v"))
    of_points.SetTensors(array(VALUES["t"], "t"))
    data.GetCellData().AddArray(array(np.arange(3.0), "weight"))
    data.GetCellData().SetScalars(array(np.ones((3, 3), np.uint8), "rgb"))
    for number in range(2):
        data.GetFieldData().AddArray(array(np.arange(4.0), f"field{number}"))
    if space:
        declared = vtk.vtkStringArray()
        declared.SetName("SPACE")
        declared.InsertNextValue(space)
        data.GetFieldData().AddArray(declared)
    data.GetPoints().GetData().GetRange(0)  # comes with METADATA in the file
    return data


VALUES = {
    name: 10 * width + np.arange(5 * width, dtype=np.float32).reshape(5, width)
    for name, width in {"colors": 3, "f a": 1, "v": 3, "t": 9}.items()
}
"""Values of the points of `polydata`, which are in the order of the last point on."""


def assert_values_are_found(path, contents):
    names = {kind: sorted(each) for kind, each in contents.left_out.items()}
    assert names == {"data_per_point": ["colors", "f a", "t", "v"]}
    contents = read_tractogram(path, values=None)
    assert contents.left_out == {}
    # The first cell is a vertex.
    found = contents.data_per_streamline
    assert found["weight"].tolist() == [[1], [2]]
    np.testing.assert_array_equal(found["rgb"], np.ones((2, 3), np.uint8))
    assert contents.data_per_point.keys() == VALUES.keys()
    for name, values in contents.data_per_point.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, VALUES[name][::-1])


@pytest.mark.parametrize("space", [None, "LPS", "RAS", "SPACE=LPS"])
@pytest.mark.parametrize("form", ["ASCII", "Binary"])
@pytest.mark.parametrize("version", [42, 51])
def test_legacy_files_of_the_library(version, form, space, tmp_path):
    vtk = pytest.importorskip("vtk")
    writer = vtk.vtkPolyDataWriter()
    writer.SetFileVersion(version)
    getattr(writer, f"SetFileTypeTo{form}")()
    writer.SetInputData(polydata(vtk, space))
    writer.SetFileName(str(tmp_path / "a.vtk"))
    writer.Write()
    contents = read_tractogram(tmp_path / "a.vtk")
    assert_values_are_found(tmp_path / "a.vtk", contents)
    found = contents.streamlines
    expected = MIRRORED if "LPS" in (space or "") else POINTS
    np.testing.assert_array_equal(found._data, expected)
    np.testing.assert_array_equal(found._lengths, [2, 3])


@pytest.mark.parametrize("encoded", [0, 1])
@pytest.mark.parametrize("order", ["BigEndian", "LittleEndian"])
@pytest.mark.parametrize("packed", ["None", "ZLib", "LZMA"])
@pytest.mark.parametrize("mode", ["Ascii", "Binary", "Appended"])
def test_xml_files_of_the_library(mode, packed, order, encoded, tmp_path):
    vtk = pytest.importorskip("vtk")
    writer = vtk.vtkXMLPolyDataWriter()
    getattr(writer, f"SetDataModeTo{mode}")()
    getattr(writer, f"SetCompressorTypeTo{packed}")()
    getattr(writer, f"SetByteOrderTo{order}")()
    writer.SetHeaderTypeToUInt64() if encoded else writer.SetHeaderTypeToUInt32()
    writer.SetEncodeAppendedData(encoded)
    writer.SetBlockSize(24)
    writer.SetInputData(polydata(vtk, "LPS"))
    writer.SetFileName(str(tmp_path / "a.vtp"))
    writer.Write()
    contents = read_tractogram(tmp_path / "a.vtp")
    assert_values_are_found(tmp_path / "a.vtp", contents)
    found = contents.streamlines
    np.testing.assert_array_equal(found._data, MIRRORED)
    np.testing.assert_array_equal(found._lengths, [2, 3])


def test_more_points_than_a_format_counts(tmp_path):
    points = np.broadcast_to(np.float32([[1, 2, 3]]), (2**31, 3))
    with pytest.raises(ValueError, match=r"cannot hold 2147483648 points.*a \.trx"):
        save_vtk(tmp_path / "a.vtk", as_sequence(points, [2**31]))
    assert list(tmp_path.iterdir()) == []


def legacy(path, *, version="4.2", title="x", points="5 float", cells="LINES 2 7\n"):
    """Write a legacy file as text."""
    numbers = " ".join(map(str, POINTS.ravel().astype(int)))
    if cells.endswith("7\n"):
        cells += "2 0 1\n3 2 3 4\n"
    path.write_text(
        f"# vtk DataFile Version {version}\n{title}\nASCII\nDATASET POLYDATA\n"
        f"POINTS {points}\n{numbers}\n{cells}"
    )
    return path


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("3D Slicer output. SPACE=LPS", MIRRORED),
        ("3D Slicer output. SPACE=RAS", POINTS),
        ("space of nothing", POINTS),
        ("SPACE=las", POINTS * np.float32([-1, 1, 1])),
    ],
)
@pytest.mark.parametrize("extension", ["vtk", "fib"])
def test_space_of_the_title(title, expected, extension, tmp_path, caplog):
    path = legacy(tmp_path / f"a.{extension}", title=title)
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        found = read_tractogram(path)
    np.testing.assert_array_equal(found.streamlines._data, expected)
    assert not caplog.records


def test_a_space_that_is_not_known_is_said(tmp_path, caplog):
    path = legacy(tmp_path / "a.vtk", title="SPACE=scanner")
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        read_tractogram(path)
    assert "declares the space scanner" in caplog.text


OFFSETS = "LINES 3 5\nOFFSETS vtktypeint64\n{}\nCONNECTIVITY vtktypeint64\n0 1 2 3 4\n"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"points": "1000000000000 float"}, "the file is shorter"),
        ({"points": "99999999999999999999 float"}, "is no count"),
        ({"points": "-5 float"}, "is no count"),
        ({"points": "4 float"}, "12 numbers are announced, and 15"),
        ({"points": "5 object"}, "is no type of numbers"),
        ({"cells": ""}, "it has no LINES"),
        ({"cells": "LINES 2 9\n2 0 1 3 2 3 4"}, "9 numbers are announced"),
        ({"cells": "LINES 2 6\n2 0 1 3 2 3"}, "line 1 has 3 points"),
        ({"cells": "LINES 1 7\n2 0 1 3 2 3 4"}, "lines end before the numbers"),
        ({"cells": "LINES 2 7\n2 0 1 9999999 2 3 4"}, "line 1 has 9999999 points"),
        ({"cells": "LINES 2 7\n-3 0 1 3 2 3 4"}, "line 0 has -3 points"),
        ({"cells": "LINES 2 7\n2 0 1 3 2 -3 4"}, "line 1 has point -3, and there"),
        ({"cells": "LINES 2 7\n2 0 5 3 2 3 4"}, "line 0 has point 5, and there are 5"),
        ({"cells": f"LINES {10**12} {4 * 10**12}\n2 0 1"}, "the file is shorter"),
        ({"cells": OFFSETS.format("0 2 99999999")}, "2 begins at point 99999999"),
        ({"cells": OFFSETS.format("-7 2 5")}, "0 begins at point -7"),
        ({"cells": OFFSETS.format("0 7 5")}, "streamline 1 begins at point 7"),
        ({"cells": f"LINES {10**11} 5\nOFFSETS int\n0 2 5"}, "the file is shorter"),
        ({"cells": "FIELD FieldData 1\nx 1000000 1000000 string\n"}, "are cut short"),
        ({"cells": "TENSORS 2 7\n"}, "has no place in it"),
    ],
)
def test_legacy_files_that_are_broken(settings, reason, tmp_path):
    path = legacy(tmp_path / "a.vtk", **settings)
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert "\n" not in str(caught.value)


XML = """<?xml version="1.0"?>{declared}
<VTKFile type="{kind}" byte_order="LittleEndian" {packed}><PolyData>
<Piece NumberOfPoints="{points}" NumberOfLines="{lines}"><Points>
<DataArray type="Float32" format="{form}">{numbers}</DataArray></Points><Lines>
<DataArray type="Int64" Name="connectivity">{indices}</DataArray>
<DataArray type="Int64" Name="offsets">{ends}</DataArray>
</Lines></Piece></PolyData></VTKFile>"""


def xml(path, **settings):
    """Write an XML file as text."""
    whole = {
        **{"declared": "", "kind": "PolyData", "packed": "", "points": 5, "lines": 2},
        **{"form": "ascii", "numbers": " ".join(map(str, range(15)))},
        **{"indices": "0 1 2 3 4", "ends": "2 5"},
    }
    path.write_text(XML.format(**{**whole, **settings}))
    return path


def test_xml_as_text(tmp_path):
    found = read_tractogram(xml(tmp_path / "a.vtp")).streamlines
    np.testing.assert_array_equal(found._data, POINTS)


ZLIB = 'compressor="vtkZLibDataCompressor"'
BOMB = '<!DOCTYPE a [<!ENTITY b "1 2 3"><!ENTITY c "&b;&b;&b;">]>'


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"points": 10**12}, "Points hold 15 numbers"),
        ({"points": "-5"}, "is no count"),
        ({"lines": 10**12}, "Lines hold 2 numbers"),
        ({"ends": "2 300000000"}, "2 begins at point 300000000"),
        ({"ends": "7 5"}, "1 begins at point 7"),
        ({"indices": "0 1 2 3 99"}, "not among 5"),
        ({"indices": "0 1 -2 3 4"}, "not among 5"),
        ({"numbers": ""}, "Points hold 0 numbers"),
        ({"kind": "ImageData"}, "of the type PolyData"),
        ({"form": "appended"}, "begins after the end"),
        ({"form": "binary", "numbers": "////"}, "an array is cut short"),
        ({"form": "binary", "numbers": "////////"}, "has 4294967295 bytes"),
        ({"form": "binary", "numbers": "/" * 32, "packed": ZLIB}, "is cut short"),
        ({"form": "binary", "packed": 'compressor="x"'}, "'x' is not known"),
        ({"declared": BOMB, "numbers": "&c;"}, "declares a type of document"),
        ({"numbers": "<a>" * 1000}, "its XML is damaged"),
    ],
)
def test_xml_files_that_are_broken(settings, reason, tmp_path):
    path = xml(tmp_path / "a.vtp", **settings)
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_slicer(tmp_path):
    """Tensors and scalars of each point, in LPS, as its tractography writes them."""
    tensors = np.arange(27).reshape(3, 9)
    path = tmp_path / "a.vtk"
    path.write_text(
        "# vtk DataFile Version 5.1\n3D Slicer output. SPACE=LPS\nASCII\n"
        "DATASET POLYDATA\nPOINTS 3 float\n1 2 3 1 2 4 1 2 5\n"
        "LINES 2 3\nOFFSETS vtktypeint64\n0 3\n"
        "CONNECTIVITY vtktypeint64\n0 1 2\nPOINT_DATA 3\n"
        f"TENSORS tensor1 float\n{' '.join(map(str, tensors.ravel()))}\n"
        "FIELD FieldData 3\nFA1 1 3 float\n0.25 nan 0.75\n"
        "trace%201 1 3 double\n1e-3 2e-3 3e-3\n"
        "note 1 3 string\na\nb\nc\n"
    )
    contents = read_tractogram(path, values=None)
    assert contents.streamlines._data[:, 0].tolist() == [-1] * 3
    found = contents.data_per_point
    assert list(found) == ["tensor1", "FA1", "trace 1"]
    np.testing.assert_array_equal(found["tensor1"], tensors)
    np.testing.assert_array_equal(found["FA1"][:, 0], [0.25, np.nan, 0.75])
    np.testing.assert_allclose(found["trace 1"][:, 0], [1e-3, 2e-3, 3e-3])
    assert contents.left_out == {"data_per_point": ["note"]}
