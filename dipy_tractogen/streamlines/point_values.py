"""Values of points (``data_per_point``), such as FA along the streamlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import os

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.memmap import PointBuffer, allocate_beside
from dipy_tractogen.utils.messages import listed

from .array_sequence import POINTS_PER_BLOCK, as_sequence, blocks, gather

logger = logging.getLogger("dipy_tractogen")

PointData = dict[str, np.ndarray]
"""Values (N, k) of all points by name, float32, one streamline after the other."""


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
        buffer.append(part, count)
    return buffer.finish()


class PointDataBuffer:
    """Values of points by name, appended one file after the other.

    They are in memory, or in unnamed files of a `folder`. A file without values of a
    name gets NaN; values of different widths are left out. Warnings name both.
    """

    def __init__(self, folder: str | os.PathLike | None = None):
        self._folder = folder
        self._buffers: dict[str, PointBuffer] = {}
        self._incomplete: dict[str, None] = {}
        self._uneven: dict[str, None] = {}
        self._nb_points = 0

    def append(
        self, data: PointData, nb_points: int, kept: ArraySequence | None = None
    ) -> None:
        """Append values of points (m, k), of which streamlines `kept` use `nb_points`.

        Without `kept` all are used as they are. Offsets of `kept` count from the first
        of the values on.
        """
        if not nb_points:
            return
        for name, values in data.items():
            buffer = self._buffer(name, values.shape[1])
            if buffer is None:
                continue
            if kept is None:
                buffer.append(values)
                continue
            chosen = as_sequence(values, kept._lengths, kept._offsets)
            for _, block, _ in blocks(chosen):
                buffer.append(block)
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
