"""Values of points (``data_per_point``), such as FA along the streamlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import os

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.memmap import PointBuffer, allocate_beside
from dipy_tractogen.utils.messages import listed

from ..array_sequence import POINTS_PER_BLOCK, as_sequence, gather, packed
from ..conversion import to_sequence
from ..geometry import respace
from .columns import between, places_between

logger = logging.getLogger("dipy_tractogen")

PointData = Mapping[str, np.ndarray]
"""Values of all points by name, (N, k) or (N,), one streamline after the other."""


def as_point_data(data: Mapping[str, np.ndarray], nb_points: int) -> PointData:
    """Return values by name as float32 (nb_points, k), without a copy where they are.

    Raises ValueError if there is not a row of numbers for each point.
    """
    columns = {}
    for name, values in data.items():
        values = np.asanyarray(values)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or len(values) != nb_points or not values.shape[1]:
            raise ValueError(
                f"data_per_point {name!r} has the shape {values.shape}, and the "
                f"streamlines have {nb_points} points in all: give a row for each"
            )
        if values.dtype.kind not in "biuf":
            raise ValueError(
                f"data_per_point {name!r} is of the type {values.dtype}: give numbers"
            )
        columns[str(name)] = values.astype(np.float32, copy=False)
    return columns


def take_point_data(
    data: PointData, lengths: np.ndarray, indices: np.ndarray
) -> PointData:
    """Return a copy of the values of the points of some streamlines, in that order.

    Streamlines have `lengths` (n,) points. Values in a mapped file go to another one.
    """
    taken = {}
    for name, values in data.items():
        chosen = as_sequence(values, lengths)[indices]
        shape = (int(np.sum(chosen._lengths)), values.shape[1])
        taken[name] = gather(chosen, allocate_beside(values, shape))._data
    return taken


def join_point_data(parts: Sequence[PointData], counts: Sequence[int]) -> PointData:
    """Return the values of several sets of points by name, as `PointDataBuffer` does.

    `counts` are numbers of points.
    """
    if not any(parts):
        return {}
    buffer = PointDataBuffer()
    for part, count in zip(parts, counts):
        for name, values in part.items():
            buffer.append(name, values)
        buffer.end_file(count)
    return buffer.finish()


class PointDataBuffer:
    """Values of points by name, appended file by file and block by block.

    They are in memory, or in unnamed files of a `folder`. A file without values of a
    name gets NaN; values of different widths are left out. Warnings name both.
    """

    def __init__(self, folder: str | os.PathLike | None = None):
        self._folder = folder
        self._buffers: dict[str, PointBuffer] = {}
        self._incomplete: dict[str, None] = {}
        self._uneven: dict[str, None] = {}
        self._nb_points = 0

    def append(self, name: str, values: np.ndarray) -> None:
        """Append values (k, width) of points of a file, after those before."""
        buffer = self._buffer(name, values.shape[1])
        if buffer is not None:
            buffer.append(values)

    def end_file(self, nb_points: int) -> None:
        """Fill with NaN what a file of so many points does not have."""
        self._nb_points += nb_points
        for name, buffer in self._buffers.items():
            self._fill(name, buffer)

    def finish(self) -> PointData:
        """Return all values by name, and warn of those that are missing or left out."""
        if self._incomplete:
            logger.warning(
                "Not all of the inputs have the data_per_point %s: NaN stands where "
                "there is none",
                listed(self._incomplete),
            )
        if self._uneven:
            logger.warning(
                "The data_per_point %s of the inputs are left out: some inputs have "
                "more of them for each point than others",
                listed(self._uneven),
            )
        return {name: buffer.since(0) for name, buffer in self._buffers.items()}

    def _buffer(self, name: str, width: int) -> PointBuffer | None:
        """Return what holds the values of a name; None if they are left out."""
        if name not in self._buffers and name not in self._uneven:
            self._buffers[name] = PointBuffer(self._folder, width)
            self._fill(name, self._buffers[name])
        buffer = self._buffers.get(name)
        if buffer is not None and buffer.width != width:
            del self._buffers[name]
            self._uneven[name] = None
            self._incomplete.pop(name, None)
            return None
        return buffer

    def _fill(self, name: str, buffer: PointBuffer) -> None:
        """Append NaN for the points that have no value of a name."""
        while missing := self._nb_points - len(buffer):
            self._incomplete[name] = None
            count = min(missing, POINTS_PER_BLOCK)
            buffer.append(np.full((count, buffer.width), np.nan, dtype=np.float32))


def resample_point_data(
    data: PointData, streamlines: ArraySequence, nb_points: int | np.ndarray
) -> PointData:
    """Return values at `nb_points` (n,) points at equal arc lengths, by name.

    `data` are values of the points of n streamlines (mm), two points each at least, one
    after the other. Between two points they are linear, and NaN where one of them is.
    """
    if not data:
        return {}
    places = places_between(*packed(streamlines), nb_points)
    return {name: between(values, *places) for name, values in data.items()}


def respace_with_data(
    points: np.ndarray | ArraySequence,
    data: Mapping[str, np.ndarray],
    nb_points: int | None = None,
    step_size: float | None = None,
) -> tuple[np.ndarray | ArraySequence, dict[str, np.ndarray]]:
    """Respace streamlines as `respace` does, and values (N, k) of their points.

    Returns the streamlines, and the values (M, k) of their M points by name.
    """
    made = respace(points, nb_points, step_size)
    if made is points or not data:
        return made, dict(data)
    new_counts = np.asarray(to_sequence(made)._lengths)
    return made, resample_point_data(data, to_sequence(points), new_counts)
