"""The VTK family of tractograms (vtk, vtp, fib).

VTK is written in C++: it prints its complaints, or swallows them, and returns what it
has. Here they become errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from .ragged import as_sequence

VTK_EXTENSIONS = (".vtk", ".vtp", ".fib")


def load_vtk(path: str | os.PathLike) -> ArraySequence:
    """Read a tractogram of the VTK family with DIPY.

    Parameters
    ----------
    path : str or Path
        The file, in RASMM as DIPY 1.12 writes it.

    Returns
    -------
    streamlines : ArraySequence
        Streamlines (RASMM, mm), float32.

    Raises
    ------
    ValueError
        If the end is missing, or VTK complains.
    """
    from dipy.io.vtk import load_vtk_streamlines

    _check_end(Path(path))
    with _complaints_raised():
        lines = load_vtk_streamlines(str(path), to_lps=False)
    lengths = np.array([len(line) for line in lines], dtype=np.intp)
    points = np.concatenate(lines) if lines else np.empty((0, 3))
    return as_sequence(points.astype(np.float32, copy=False), lengths)


def save_vtk(path: str | os.PathLike, streamlines: ArraySequence) -> None:
    """Write a tractogram of the VTK family, in RASMM as DIPY 1.12 does.

    DIPY's own function gives every point a colour and writes the file three times,
    once as text: twenty seconds for 15,000 streamlines.

    Parameters
    ----------
    path : str or Path
        The file.
    streamlines : ArraySequence
        Streamlines side by side (RASMM, mm).

    Raises
    ------
    OSError
        If VTK complains.
    """
    from dipy.io.vtk import ns, vtk

    points = vtk.vtkPoints()
    points.SetData(ns.numpy_to_vtk(streamlines._data))
    offsets = np.append(streamlines._offsets, len(streamlines._data)).astype(np.int64)
    indices = np.arange(len(streamlines._data), dtype=np.int64)
    lines = vtk.vtkCellArray()
    lines.SetData(
        ns.numpy_to_vtkIdTypeArray(offsets), ns.numpy_to_vtkIdTypeArray(indices)
    )
    polydata = vtk.vtkPolyData()
    polydata.SetPoints(points)
    polydata.SetLines(lines)
    if str(path).lower().endswith(".vtp"):
        writer = vtk.vtkXMLPolyDataWriter()
    else:
        writer = vtk.vtkPolyDataWriter()
        writer.SetFileTypeToBinary()
    writer.SetFileName(str(path))
    writer.SetInputData(polydata)
    try:
        with _complaints_raised():
            written = writer.Write()
    except ValueError as error:
        raise OSError(f"{path} could not be written: {error}") from error
    if not written:
        raise OSError(f"{path} could not be written: is the disk full?")


def check_vtk() -> None:
    """Make sure that VTK and FURY are there.

    Raises
    ------
    ValueError
        If they are not installed.
    """
    from dipy.io import vtk as dipy_vtk

    if not dipy_vtk.have_fury:
        raise ValueError(
            "tractograms of the formats .vtk, .vtp and .fib need FURY: pip install "
            "'fury>=0.12,<1', or use .trx or .trk"
        )


def _check_end(path: Path) -> None:
    """Refuse a VTP without its last tag, which VTK does not miss."""
    if path.suffix.lower() != ".vtp":
        return
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 100, 0))
        if b"</VTKFile>" not in file.read():
            raise ValueError("its last tag </VTKFile> is missing")


@contextmanager
def _complaints_raised() -> Iterator[None]:
    """Catch what VTK would print, and raise the first of it as a ValueError."""
    from dipy.io.vtk import vtk

    window, displayed = vtk.vtkOutputWindow, vtk.vtkObject.GetGlobalWarningDisplay()
    previous, caught = window.GetInstance(), vtk.vtkStringOutputWindow()
    verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    window.SetInstance(caught)
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    vtk.vtkObject.GlobalWarningDisplayOn()
    failure = None
    try:
        yield
    except Exception as error:
        failure = error
    finally:
        window.SetInstance(previous)
        vtk.vtkLogger.SetStderrVerbosity(verbosity)
        vtk.vtkObject.SetGlobalWarningDisplay(displayed)
    complaints = [c for c in caught.GetOutput().split("\n\n") if "error" in c.lower()]
    if complaints:
        raise ValueError(_without_source(complaints[0])) from failure
    if failure:
        raise failure


def _without_source(complaint: str) -> str:
    """Return what VTK says, without the place in its own sources."""
    return " ".join(complaint.splitlines()[-1].split("): ", 1)[-1].split())
