"""Reading one tractogram of any format, with its defects laid open.

DIPY's ``load_tractogram`` logs and returns False for some errors, refuses a TRX that
may not be written, and cannot tell a file that was cut short between two streamlines
from a whole one. So each format is read by the library that DIPY uses underneath.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
import logging
import os
from pathlib import Path

from nibabel.streamlines import ArraySequence, TckFile, TrkFile
import numpy as np

from .files import tractogram_extension
from .messages import read_error, warnings_logged
from .ragged import POINTS_PER_BLOCK, as_sequence
from .sidecar import read_description
from .store import GrowingPoints, StoreError, release
from .trk_reader import read_trk
from .trx_reader import read_trx
from .vtk import read_vtk

logger = logging.getLogger("dipy_tractogen")

Blocks = Generator[np.ndarray, None, tuple]


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
    left_out : dict of str to list of str
        Names of what else the file holds, which is not read, such as those of the
        values of points under ``"data_per_point"``.
    categories : dict of str to dict of int to str
        What the codes in some of the values stand for.
    """

    streamlines: ArraySequence
    data_per_streamline: dict[str, np.ndarray] = field(default_factory=dict)
    groups: dict[str, np.ndarray] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    categories: dict[str, dict[int, str]] = field(default_factory=dict)


def read_tractogram(
    path: str | os.PathLike, points: GrowingPoints | None = None
) -> TractogramContents:
    """Read a tractogram.

    Parameters
    ----------
    path : str or Path
        A file with one of the extensions of `files.TRACTOGRAM_EXTENSIONS`.
    points : GrowingPoints, optional
        Where the points are appended, block by block.

    Returns
    -------
    contents : TractogramContents
        Points in RASMM millimetres, origin at the centre of a voxel. Groups and values
        have the names that they were written with.

    Raises
    ------
    OSError
        If the file is missing or cannot be opened.
    ValueError
        If the file is empty, cut short, damaged or of another format.
    """
    path = Path(path)
    extension = tractogram_extension(path)
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ValueError("it is empty")
        with warnings_logged(path):
            contents = _collected(
                READERS[extension](path), GrowingPoints() if points is None else points
            )
    except StoreError:
        raise
    except Exception as error:
        raise read_error(path, error) from error
    return _named(contents, path)


def _named(contents: TractogramContents, path: Path) -> TractogramContents:
    """Give groups and values the names that they were written with."""
    if contents.groups or contents.data_per_streamline:
        data, groups, categories = read_description(path).restore(
            contents.data_per_streamline, contents.groups, path
        )
        contents.data_per_streamline, contents.groups = data, groups
        contents.categories = categories
    return contents


def _collected(blocks: Blocks, points: GrowingPoints) -> TractogramContents:
    """Append the blocks of a file to the points, and put with them what comes last."""
    first = len(points)
    while True:
        try:
            points.append(next(blocks))
        except StopIteration as end:
            lengths, *others = end.value
            break
    return TractogramContents(as_sequence(points.since(first), lengths), *others)


def _read_trk(path: Path) -> Blocks:
    """Read a TRK, whose header nibabel reads."""
    _check_magic(path, TrkFile.MAGIC_NUMBER)
    return (yield from read_trk(path))


def _read_tck(path: Path) -> Blocks:
    """Read a TCK with nibabel.

    The size of the file tells how many streamlines it holds, those without points
    among them, which nibabel leaves out; they come last.
    """
    _check_magic(path, TckFile.MAGIC_NUMBER)
    file = TckFile.load(str(path), lazy_load=True)
    lengths: list[int] = []
    for some in _by_size(file.streamlines):
        lengths += map(len, some)
        yield np.concatenate(some).astype(np.float32, copy=False)
    size = path.stat().st_size - file.header["_offset_data"]
    ends = size // 12 - sum(lengths) - 1
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
    return np.array(lengths + [0] * (ends - len(lengths)), dtype=np.intp), {}, {}


def _by_size(streamlines: Iterator[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Gather streamlines to blocks of as many points."""
    block, nb_points = [], 0
    for streamline in streamlines:
        block.append(streamline)
        nb_points += len(streamline)
        if nb_points >= POINTS_PER_BLOCK:
            yield block
            block, nb_points = [], 0
    if block:
        yield block


def _read_dpy(path: Path) -> Blocks:
    """Read a DPY with DIPY."""
    from dipy.io.dpy import Dpy

    dpy = Dpy(str(path), mode="r")
    try:
        ends = np.asarray(dpy.offsets[:], dtype=np.intp)
        yield from _in_blocks(dpy.tracks)
        return _lengths_between(ends, len(dpy.tracks)), {}, {}
    finally:
        dpy.close()


def _in_blocks(points) -> Iterator[np.ndarray]:
    """Copy points that are on the disk, a block at a time."""
    for start in range(0, len(points), POINTS_PER_BLOCK):
        yield np.array(points[start : start + POINTS_PER_BLOCK], dtype=np.float32)
        release(points)


def _lengths_between(ends: np.ndarray, nb_points: int) -> np.ndarray:
    """Give the numbers of points of streamlines from where each begins and ends."""
    lengths = np.diff(ends)
    if ends[0] != 0 or ends[-1] != nb_points or (lengths < 0).any():
        raise ValueError("its offsets do not fit its points")
    return lengths


READERS: dict[str, Callable[[Path], Blocks]] = {
    ".trk": _read_trk,
    ".tck": _read_tck,
    ".trx": read_trx,
    ".vtk": read_vtk,
    ".vtp": read_vtk,
    ".fib": read_vtk,
    ".dpy": _read_dpy,
}
"""What reads a format: a generator of points, block by block, that returns the number
of points of each streamline, ``data_per_streamline``, the groups, and by kind the names
of what is left out."""


def _check_magic(path: Path, magic: bytes) -> None:
    """Refuse a file that does not begin as its format does."""
    with path.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise ValueError(f"it does not begin with {magic.decode()!r}")
