"""Values of the lines in files of VTK: data_per_streamline, among other cells."""

import numpy as np
import pytest

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import open_writer, save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.utils.messages import normalized_name

from ..conftest import read_by_vtk

EXTENSIONS = ("vtk", "vtp", "fib")
LONG = "é" * 90


def columns_of(count):
    """Return values of streamlines of all types, some with names that do not fit."""
    exact = np.arange(count)[:, None]
    types = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
    return {
        **{kind: exact.astype(kind) for kind in types},
        "large": exact + 2**53 + 1,
        "colour": np.full((count, 3), 200, np.uint8),
        "a\x01b <\"'": np.where(exact % 2, np.nan, 0.1),
        "half": exact.astype(np.float16) / 8,
        LONG: exact / 7,
        f"{LONG}!": exact / 3,
    }


@pytest.fixture
def bundles(grid, make_streamlines):
    lines = make_streamlines(grid)
    made = BundleSet(lines, np.arange(len(lines)) % 2, ("b", "a c"), grid)
    made.data_per_streamline = columns_of(len(lines))
    return made


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_values_of_streamlines_are_kept(extension, bundles, tmp_path, caplog):
    path = tmp_path / f"a.{extension}"
    with open_writer(
        path, reference=bundles.reference, bundle_names=bundles.bundle_names
    ) as writer:
        for some in (slice(0, 2), slice(2, 7)):
            rows = np.arange(len(bundles))[some]
            data = {k: each[some] for k, each in bundles.data_per_streamline.items()}
            writer.write(bundles.streamlines[rows], bundles.labels[rows], data)
    found = load_bundles(path, keep_data=True)
    assert caplog.messages == []
    names = np.array(found.bundle_names)[found.labels].tolist()
    assert names == np.array(bundles.bundle_names)[bundles.labels].tolist()
    kept = read_tractogram(path).data_per_streamline
    assert kept.pop("bundle").ravel().tolist() == bundles.labels.tolist()
    # Control characters are spelled, as everywhere.
    given = {normalized_name(k): v for k, v in bundles.data_per_streamline.items()}
    assert kept.keys() == given.keys()
    for name, values in given.items():
        dtype = np.float32 if values.dtype == np.float16 else values.dtype
        assert kept[name].dtype == dtype
        np.testing.assert_array_equal(kept[name], values)


@pytest.mark.parametrize("extension", ["vtk", "vtp"])
def test_vtk_finds_the_same(extension, bundles, tmp_path):
    save_bundles(tmp_path / f"a.{extension}", bundles)
    data = read_by_vtk(tmp_path / f"a.{extension}").GetCellData()
    from vtk.util.numpy_support import vtk_to_numpy

    assert data.GetNumberOfArrays() == 1 + len(bundles.data_per_streamline)
    for name, values in bundles.data_per_streamline.items():
        array = data.GetAbstractArray(name)
        if array is None:
            # A name that does not fit, whose own is in the JSON file.
            assert name in ("a\x01b <\"'", LONG, f"{LONG}!")
            continue
        found = vtk_to_numpy(array).reshape(values.shape)
        np.testing.assert_array_equal(found, values)


LEGACY = (
    "# vtk DataFile Version 4.2\nx\nASCII\nDATASET POLYDATA\nPOINTS 3 float\n"
    "0 0 0 0 0 1 0 0 2\nVERTICES 1 2\n1 0\nLINES 2 6\n2 0 1\n2 1 2\n"
    "POLYGONS 1 4\n3 0 1 2\n"
)


@pytest.mark.parametrize(
    ("text", "values", "left_out"),
    [
        # Cells of other kinds come before and after the lines.
        ("CELL_DATA 4\nSCALARS w float\nLOOKUP_TABLE default\n9 1 2 9\n", [1, 2], []),
        ("CELL_DATA 4\nFIELD F 2\nw 1 4 int\n9 1 2 9\ns 1 4 string\na\nb\nc\nd\n",
         [1, 2], ["s"]),
        # One for each line is not one for each cell.
        ("CELL_DATA 2\nFIELD F 1\nw 1 2 int\n1 2\n", None, ["w"]),
        ("CELL_DATA 4\nFIELD F 1\nw 0 4 int\n", None, ["w"]),
        ("CELL_DATA 4\nFIELD F 1\nw 100000000 4 int\n1 2\n", None, []),
        ("CELL_DATA 4\nFIELD F 1\nw 1 4 object\n1 2 3 4\n", None, []),
        ("CELL_DATA 4\nFIELD F 1\nw 1 -4 int\n1 2\n", None, []),
    ],
)  # fmt: skip
def test_cells_of_a_legacy_file(text, values, left_out, tmp_path, caplog):
    (tmp_path / "a.vtk").write_text(LEGACY + text)
    contents = read_tractogram(tmp_path / "a.vtk")
    assert contents.streamlines._lengths.tolist() == [2, 2]
    found = contents.data_per_streamline
    assert {k: v.ravel().tolist() for k, v in found.items()} == (
        {"w": values} if values else {}
    )
    assert contents.left_out == ({"cell data": left_out} if left_out else {})
    if not values and not left_out:
        assert "damaged" in caplog.text


def xml(path, *cells):
    """Write two pieces of a vertex and two lines each, with arrays of their cells."""
    pieces = "".join(
        '<Piece NumberOfPoints="3" NumberOfVerts="1" NumberOfLines="2"><CellData>'
        f'{each}</CellData><Points><DataArray type="Float32" NumberOfComponents="3">'
        '0 0 0 0 0 1 0 0 2</DataArray></Points><Lines><DataArray type="Int32" '
        'Name="connectivity">0 1 1 2</DataArray><DataArray type="Int32" '
        'Name="offsets">2 4</DataArray></Lines></Piece>'
        for each in cells
    )
    path.write_text(f'<VTKFile type="PolyData"><PolyData>{pieces}</PolyData></VTKFile>')


def array(numbers, *, kind="Int16", name="w", width=1):
    return (
        f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{width}">'
        f"{numbers}</DataArray>"
    )


def test_cells_of_xml_pieces(tmp_path):
    path = tmp_path / "a.vtp"
    xml(path, array("9 1 2"), array("9 3 4"))
    found = read_tractogram(path).data_per_streamline
    assert found["w"].ravel().tolist() == [1, 2, 3, 4]
    assert found["w"].dtype == np.dtype("=i2")
    for other in ("", array("1 2 3 4 5 6", width=2), array("1 2 3", kind="Bit")):
        xml(path, array("9 1 2"), other)
        contents = read_tractogram(path)
        assert contents.data_per_streamline == {}
        assert contents.left_out == {"cell data": ["w"]}
    for damaged in (array("1 2"), array("1 2 3", width=2**40)):
        xml(path, array("9 1 2"), damaged)
        with pytest.raises(ValueError, match=r"CellData hold [23] numbers"):
            read_tractogram(path)
