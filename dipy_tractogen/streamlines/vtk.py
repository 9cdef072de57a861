"""The VTK family of tractograms (vtk, vtp, fib), with what VTK prints turned to errors.

VTK is written in C++: it prints its complaints and returns what it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os

from nibabel.streamlines import ArraySequence
import numpy as np

from .ragged import as_sequence

VTK_EXTENSIONS = (".vtk", ".vtp", ".fib")


def load_vtk(path: str | os.PathLike) -> ArraySequence:
    """Read a tractogram of the VTK family, in the RASMM that DIPY 1.12 writes.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    streamlines : ArraySequence
        Streamlines (RASMM, mm), float32.

    Raises
    ------
    ValueError
        If VTK complains.
    """
    from dipy.io.vtk import load_vtk_streamlines

    with _complaints_raised():
        lines = load_vtk_streamlines(str(path), to_lps=False)
    lengths = np.array([len(line) for line in lines], dtype=np.intp)
    points = np.concatenate(lines) if lines else np.empty((0, 3))
    return as_sequence(points.astype(np.float32, copy=False), lengths)


def save_vtk(path: str | os.PathLike, streamlines: ArraySequence) -> None:
    """Write a tractogram of the VTK family, in RASMM as DIPY 1.12 does.

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
    from dipy.io.vtk import save_vtk_streamlines

    legacy = not str(path).lower().endswith(".vtp")
    try:
        with _complaints_raised():
            save_vtk_streamlines(streamlines, str(path), to_lps=False, binary=legacy)
    except ValueError as error:
        raise OSError(f"{path} could not be written: {error}") from error


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


@contextmanager
def _complaints_raised() -> Iterator[None]:
    """Catch what VTK would print, and raise it as a ValueError on one line."""
    from dipy.io.vtk import vtk

    previous = vtk.vtkOutputWindow.GetInstance()
    window = vtk.vtkStringOutputWindow()
    vtk.vtkOutputWindow.SetInstance(window)
    try:
        yield
    finally:
        vtk.vtkOutputWindow.SetInstance(previous)
    if window.GetOutput().strip():
        raise ValueError(_last_sentence(window.GetOutput()))


def _last_sentence(output: str) -> str:
    """Return what VTK says, without the file and line of its own sources."""
    first = output.strip().split("\n\n")[0]
    return " ".join(first.split("): ", 1)[-1].split())
