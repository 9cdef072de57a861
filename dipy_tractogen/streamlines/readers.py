"""Reading one tractogram of any format, with its defects laid open.

DIPY's ``load_tractogram`` logs and returns False for some errors, refuses a TRX that
may not be written, and cannot tell a file that was cut short between two streamlines
from a whole one. So each format is read by the library that DIPY uses underneath.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import logging
import os
from pathlib import Path
import tempfile
import zipfile

from nibabel.streamlines import ArraySequence, TckFile, TrkFile
import numpy as np

from .files import tractogram_extension
from .messages import read_error, warnings_logged
from .ragged import as_sequence
from .vtk import VTK_EXTENSIONS, check_vtk, load_vtk

logger = logging.getLogger("dipy_tractogen")


@dataclass
class TractogramContents:
    """What a file holds.

    Parameters
    ----------
    streamlines : ArraySequence
        The n streamlines, float32 (RASMM, mm). Those without points are there too.
    data_per_streamline : dict of str to ndarray, shape (n, k)
        Values of each streamline.
    groups : dict of str to ndarray of int
        Indices of the streamlines of each group.
    """

    streamlines: ArraySequence
    data_per_streamline: dict[str, np.ndarray] = field(default_factory=dict)
    groups: dict[str, np.ndarray] = field(default_factory=dict)


def read_tractogram(path: str | os.PathLike) -> TractogramContents:
    """Read a tractogram.

    Parameters
    ----------
    path : str or Path
        A file with one of the extensions of `files.TRACTOGRAM_EXTENSIONS`.

    Returns
    -------
    contents : TractogramContents
        Points in RASMM millimetres, origin at the centre of a voxel.

    Raises
    ------
    OSError
        If the file is missing or cannot be opened.
    ValueError
        If the file is empty, cut short, damaged or of another format.
    """
    path = Path(path)
    extension = tractogram_extension(path)
    if extension in VTK_EXTENSIONS:
        check_vtk()
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ValueError("it is empty")
        with warnings_logged(path):
            return READERS[extension](path)
    except Exception as error:
        raise read_error(path, error) from error


def _read_trk(path: Path) -> TractogramContents:
    """Read a TRK with nibabel."""
    _check_magic(path, TrkFile.MAGIC_NUMBER)
    declared = TrkFile.load(str(path), lazy_load=True).header["nb_streamlines"]
    file = TrkFile.load(str(path))
    found = file.header["nb_streamlines"]
    if found < declared:
        raise ValueError(f"{found} of {declared} streamlines are there")
    data = file.tractogram.data_per_streamline
    return TractogramContents(
        _with_empty(file.streamlines, int(found)),
        {name: np.asarray(values) for name, values in data.items()},
    )


def _read_tck(path: Path) -> TractogramContents:
    """Read a TCK with nibabel.

    The size of the file tells how many streamlines it holds, those without points
    among them, which nibabel leaves out.
    """
    _check_magic(path, TckFile.MAGIC_NUMBER)
    file = TckFile.load(str(path))
    size = path.stat().st_size - file.header["_offset_data"]
    ends = size // 12 - len(file.streamlines._data) - 1
    declared = int(file.header.get("count", 0))
    if declared > ends:
        raise ValueError(f"{ends} of {declared} streamlines are there")
    if 0 < declared < ends:
        logger.warning(
            "%s holds %d streamlines and its header says %d: points that are not "
            "numbers end a streamline in this format",
            path,
            ends,
            declared,
        )
    return TractogramContents(_with_empty(file.streamlines, ends))


def _read_trx(path: Path) -> TractogramContents:
    """Read a TRX with trx-python."""
    from trx import trx_file_memmap

    with _root_logger_untouched(), tempfile.TemporaryDirectory() as folder:
        if os.access(path, os.W_OK):
            trx = trx_file_memmap.load(str(path))
        else:  # trx-python maps the arrays for writing
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            trx = trx_file_memmap.load_from_directory(folder)
        try:
            return TractogramContents(
                _copied(trx),
                {k: np.array(v) for k, v in trx.data_per_streamline.items()},
                {k: np.array(v) for k, v in trx.groups.items()},
            )
        finally:
            trx.close()


def _copied(trx: object) -> ArraySequence:
    """Copy the streamlines of a TRX from the disk."""
    points = np.array(trx.streamlines._data, dtype=np.float32).reshape(-1, 3)
    ends = np.append(trx.streamlines._offsets, len(points)).astype(np.intp)
    lengths = np.diff(ends)
    if ends[0] != 0 or (lengths < 0).any():
        raise ValueError("its offsets are not in order")
    return as_sequence(points, lengths)


def _read_vtk(path: Path) -> TractogramContents:
    """Read a file of the VTK family with DIPY."""
    return TractogramContents(load_vtk(path))


def _read_dpy(path: Path) -> TractogramContents:
    """Read a DPY with DIPY."""
    from dipy.io.dpy import Dpy

    dpy = Dpy(str(path), mode="r")
    try:
        points = np.asarray(dpy.tracks[:], dtype=np.float32)
        ends = np.asarray(dpy.offsets[:], dtype=np.intp)
    finally:
        dpy.close()
    lengths = np.diff(ends)
    if ends[0] != 0 or ends[-1] != len(points) or (lengths < 0).any():
        raise ValueError("its offsets do not fit its points")
    return TractogramContents(as_sequence(points, lengths))


READERS: dict[str, Callable[[Path], TractogramContents]] = {
    ".trk": _read_trk,
    ".tck": _read_tck,
    ".trx": _read_trx,
    ".vtk": _read_vtk,
    ".vtp": _read_vtk,
    ".fib": _read_vtk,
    ".dpy": _read_dpy,
}


def _check_magic(path: Path, magic: bytes) -> None:
    """Refuse a file that does not begin as its format does."""
    with path.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise ValueError(f"it does not begin with {magic.decode()!r}")


def _with_empty(streamlines: ArraySequence, n: int) -> ArraySequence:
    """Add the streamlines without points that nibabel left out, at the end."""
    points = streamlines._data.reshape(-1, 3).astype(np.float32, copy=False)
    lengths = np.zeros(n, dtype=np.intp)
    lengths[: len(streamlines)] = streamlines._lengths
    return as_sequence(points, lengths)


@contextmanager
def _root_logger_untouched() -> Iterator[None]:
    """Keep trx-python, which logs without a logger, from configuring the root one."""
    root = logging.getLogger()
    placeholder = logging.NullHandler()
    root.addHandler(placeholder)
    try:
        yield
    finally:
        root.removeHandler(placeholder)
