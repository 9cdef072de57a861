import numpy as np
import pytest

from dipy_tractogen.streamlines.ragged import as_sequence
from dipy_tractogen.streamlines.vtk import check_vtk, load_vtk, save_vtk

pytest.importorskip("fury")

STREAMLINES = as_sequence(np.arange(15, dtype=np.float32).reshape(5, 3), [2, 3])


@pytest.mark.parametrize("extension", ["vtk", "vtp", "fib"])
def test_points_are_the_same_bits(extension, tmp_path):
    save_vtk(tmp_path / f"a.{extension}", STREAMLINES)
    found = load_vtk(tmp_path / f"a.{extension}")
    np.testing.assert_array_equal(found._data, STREAMLINES._data)
    np.testing.assert_array_equal(found._lengths, STREAMLINES._lengths)


def test_complaints_are_errors_and_are_not_printed(tmp_path, capfd):
    with pytest.raises(OSError, match=r"a\.vtk could not be written"):
        save_vtk(tmp_path / "missing" / "a.vtk", STREAMLINES)
    (tmp_path / "b.vtk").write_text("no tractogram")
    with pytest.raises(ValueError, match="Unrecognized file type"):
        load_vtk(tmp_path / "b.vtk")
    assert capfd.readouterr() == ("", "")


def test_state_of_vtk_is_given_back(tmp_path):
    from dipy.io.vtk import vtk

    before = vtk.vtkObject.GetGlobalWarningDisplay()
    window = vtk.vtkOutputWindow.GetInstance()
    verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    save_vtk(tmp_path / "a.vtk", STREAMLINES)
    assert vtk.vtkObject.GetGlobalWarningDisplay() == before
    assert vtk.vtkOutputWindow.GetInstance() is window
    assert vtk.vtkLogger.GetCurrentVerbosityCutoff() == verbosity


def test_without_fury(monkeypatch):
    monkeypatch.setattr("dipy.io.vtk.have_fury", False)
    with pytest.raises(ValueError, match="need FURY: pip install"):
        check_vtk()
