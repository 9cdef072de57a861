"""Reader of a tractogram of any format, which checks that the file is whole.

DIPY's ``load_tractogram`` logs and returns False for some errors, opens a TRX for
writing, and cannot tell a file that was cut short between two streamlines from a whole
one; the libraries below it trust the counts in a file. So each format has its own
reader, which opens the file for reading only and compares counts with its size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field, replace
import logging
import os
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.files import tractogram_extension
from dipy_tractogen.utils.memmap import MemmapError, PointBuffer
from dipy_tractogen.utils.messages import listed, log_warnings, read_error

from ..array_sequence import as_sequence
from ..columns import EXACT_TO, rounds_large
from .hdf5 import read_dpy
from .sidecar import Description, read_description
from .tck_reader import read_tck
from .trk_reader import read_trk
from .trx_reader import read_trx
from .vtk import read_vtk

logger = logging.getLogger("dipy_tractogen")

Blocks = Generator[tuple[np.ndarray, dict[str, np.ndarray]], None, tuple]
Wanted = Callable[[str], bool]


@dataclass
class TractogramContents:
    """Contents of a file.

    These are n streamlines, float32 (RASMM, mm), those without points among them;
    values (n, k) of each; indices of the streamlines of each group; names of what is
    not read, by kind such as "data_per_group"; the categories that codes in some of the
    values stand for; and values (nb_points_in_all, k) of points, float32, those that
    were asked for.
    """

    streamlines: ArraySequence
    data_per_streamline: dict[str, np.ndarray] = field(default_factory=dict)
    groups: dict[str, np.ndarray] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    categories: dict[str, dict[int, str]] = field(default_factory=dict)
    data_per_point: dict[str, np.ndarray] = field(default_factory=dict)


def read_tractogram(
    path: str | os.PathLike,
    points: PointBuffer | None = None,
    *,
    values: Collection[str] | None = (),
    folder: str | os.PathLike | None = None,
) -> TractogramContents:
    """Read a tractogram: points in RASMM mm, origin at the centre of a voxel.

    Groups and values have the names that they were written with. Points are appended to
    `points`, if it is given. Of the values of points those named in `values` are read,
    if they are there, or all where it is None; into unnamed files of a `folder`, if it
    is given. Raises OSError if the file cannot be opened, ValueError if it is empty,
    cut short, damaged or of another format.
    """
    path = Path(path)
    extension = tractogram_extension(path)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise ValueError("it is no ordinary file")
        with path.open("rb") as file:
            if not file.read(1):
                raise ValueError("it is empty")
        with log_warnings(path):
            contents = _collected(
                READERS[extension](path, _wanted(path, values)),
                PointBuffer() if points is None else points,
                folder,
            )
    except MemmapError:
        raise
    except Exception as error:
        raise read_error(path, error) from error
    data, groups = contents.data_per_streamline, contents.groups
    others = (contents.data_per_point, *contents.left_out.values())
    if data or groups or any(others):
        contents = replace(contents, **read_description(path).restore(contents, path))
    return contents


def _wanted(path: Path, values: Collection[str] | None) -> Wanted:
    """Return what tells of a name in the file whether its values are asked for."""
    if values is None:
        return lambda name: True
    said = read_description(path) if values else Description()
    names = set(values)
    return lambda name: said.points.get(name, name) in names


def _collected(
    blocks: Blocks, points: PointBuffer, folder: str | os.PathLike | None
) -> TractogramContents:
    """Append the blocks of a file to the points; return all that it holds."""
    first = len(points)
    buffers: dict[str, PointBuffer] = {}
    rounded: dict[str, None] = {}
    while True:
        try:
            block, data = next(blocks)
        except StopIteration as end:
            lengths, *others = end.value
            break
        points.append(block)
        for name, values in data.items():
            if name not in buffers:
                buffers[name] = PointBuffer(folder, values.shape[1])
            if rounds_large(values):
                rounded[name] = None
            with np.errstate(over="ignore", invalid="ignore"):
                buffers[name].append(values.astype(np.float32, copy=False))
    if rounded:
        logger.warning(
            "float32 rounds the data_per_point %s above %d, to infinity from 3.4e38 on",
            listed(rounded),
            EXACT_TO,
        )
    return TractogramContents(
        as_sequence(points.since(first), lengths),
        *others,
        data_per_point={name: each.since(0) for name, each in buffers.items()},
    )


READERS: dict[str, Callable[[Path, Wanted], Blocks]] = {
    ".trk": read_trk,
    ".tck": read_tck,
    ".trx": read_trx,
    ".vtk": read_vtk,
    ".vtp": read_vtk,
    ".fib": read_vtk,
    ".dpy": read_dpy,
}
"""What reads a format, and of the values of points those whose name is wanted.

It yields points (k, 3), float32, and values (k, width) by name, block by block, and
returns the number of points of each streamline, ``data_per_streamline``, the groups,
and by kind the names of what is left out."""
