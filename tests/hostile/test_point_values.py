"""Values of points or lines that are broken: refused, or left out, by their names."""

import tracemalloc

import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.vtk import save_vtk

LINES = (
    b"# vtk DataFile Version 5.1\nlines\nASCII\nDATASET POLYDATA\n"
    b"POINTS 3 float\n0 0 0 1 1 1 2 2 2\nLINES 4 6\nOFFSETS vtktypeint64\n0 2 4 6\n"
    b"CONNECTIVITY vtktypeint64\n0 1 1 2 2 0\n"
)
"""Three points and three lines."""

FA = b"SCALARS FA float 1\nLOOKUP_TABLE default\n1 2 3\n"
LEGACY = {
    "good": (b"POINT_DATA 3\n" + FA, ["FA"]),
    "fewer than points": (b"POINT_DATA 2\nSCALARS FA float\nLOOKUP_TABLE x\n1 2\n", []),
    "count beyond the memory": (b"POINT_DATA 9999999999999\n" + FA, []),
    "count of no number": (b"POINT_DATA many\n" + FA, []),
    "no count": (b"POINT_DATA\n" + FA, []),
    "cut short": (b"POINT_DATA 3\nSCALARS FA float\nLOOKUP_TABLE x\n1 2", []),
    "words": (b"POINT_DATA 3\nSCALARS FA float\nLOOKUP_TABLE x\na b c\n", []),
    "no type": (b"POINT_DATA 3\nSCALARS FA\n", []),
    "another type": (b"POINT_DATA 3\nSCALARS FA object\nLOOKUP_TABLE x\n1 2 3\n", []),
    "no width": (b"POINT_DATA 3\nSCALARS FA float 0\nLOOKUP_TABLE x\n", []),
    "wide": (b"POINT_DATA 3\nSCALARS FA float 999999999\nLOOKUP_TABLE x\n1 2 3\n", []),
    "tensors cut short": (b"POINT_DATA 3\n" + FA + b"TENSORS t float\n1 2\n", ["FA"]),
    "another keyword": (b"POINT_DATA 3\nEVIL FA float\n1 2 3\n", []),
    "twice": (b"POINT_DATA 3\n" + FA + FA.replace(b"1 2 3", b"4 5 6"), ["FA"]),
    "other rows": (b"POINT_DATA 3\nFIELD F 1\nx 1 2 float\n1 2\n" + FA, ["FA"]),
    "rows and columns": (b"POINT_DATA 3\nFIELD F 1\nx 3 1 float\n1 2 3\n" + FA, ["FA"]),
    "texts": (b"POINT_DATA 3\nFIELD F 1\nx 1 3 string\na\nb\nc\n" + FA, ["FA"]),
    "many fields": (b"POINT_DATA 3\n" + FA + b"FIELD F 999999999\n", ["FA"]),
}


@pytest.mark.parametrize("section", ["POINT_DATA", "CELL_DATA"])
@pytest.mark.parametrize("kind", LEGACY)
def test_legacy(kind, section, tmp_path, caplog):
    text, names = LEGACY[kind]
    text = text.replace(b"POINT_DATA", section.encode())
    path = tmp_path / "a.vtk"
    path.write_bytes(LINES + text)
    tracemalloc.start()
    contents = read_tractogram(path, values=None)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    if section == "POINT_DATA":
        # The points are there once for each line that has them.
        assert list(contents.data_per_point) == names
        for values in contents.data_per_point.values():
            assert values.ravel().tolist() == [1, 2, 2, 3, 3, 1]
    else:
        assert list(contents.data_per_streamline) == names
        for values in contents.data_per_streamline.values():
            assert values.ravel().tolist() == [1, 2, 3]
    if not names:
        told = contents.left_out or caplog.messages
        assert told, "what is not read has to be said"


@pytest.fixture
def vtp(tmp_path):
    """Return what writes a file with a change in its text, and reads it."""

    def read(old, new, *, of_lines=False):
        points = np.zeros((4, 3), dtype=np.float32)
        values = {"FA": np.arange(4.0)[:, None], "v": np.ones((4, 3))}
        values = {name: each.astype(np.float32) for name, each in values.items()}
        path = tmp_path / "a.vtp"
        # As many lines as points.
        given = [{}, values] if of_lines else [values]
        save_vtk(path, as_sequence(points, [1, 1, 1, 1]), *given)
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new, 1))
        return read_tractogram(path, values=None)

    return read


HEAD = b'Name="FA" NumberOfComponents="1"'
REFUSED = {
    "wide": (HEAD, b'Name="FA" NumberOfComponents="999999999999"'),
    "other width": (HEAD, b'Name="FA" NumberOfComponents="2"'),
    "width below zero": (HEAD, b'Name="FA" NumberOfComponents="-1"'),
    "width of words": (HEAD, b'Name="FA" NumberOfComponents="x"'),
    "type": (b'Float32" ' + HEAD, b'Object" ' + HEAD),
    "other type": (b'Float32" ' + HEAD, b'Float64" ' + HEAD),
    "another place": (HEAD + b' format="appended" offset="', HEAD + b' offset="9999'),
    "no place": (HEAD + b' format="appended" offset="', HEAD + b' format="x" x="'),
}


@pytest.mark.parametrize("of_lines", [False, True])
@pytest.mark.parametrize("kind", REFUSED)
def test_xml(kind, of_lines, vtp):
    with pytest.raises(ValueError, match=r"a\.vtp"):
        vtp(*REFUSED[kind], of_lines=of_lines)


@pytest.mark.parametrize(
    "change",
    [
        (HEAD, b'Name="FA" NumberOfComponents="0"'),
        (b'Float32" ' + HEAD, b'String" ' + HEAD),
    ],
)
def test_xml_that_holds_no_numbers(change, vtp):
    contents = vtp(*change)
    assert list(contents.data_per_point) == ["v"]
    assert contents.left_out == {"data_per_point": ["FA"]}
