"""Streamlines as points at equal distances, read a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
import hashlib

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import as_sequence, packed, take
from .conditions import measured_values
from .geometry import resample
from .orientation import odd_coefficients
from .point_data.columns import resample_values
from .point_data.profile import ProfileSummary
from .spaces.moved import moved_streamlines
from .spaces.transform import Transform

BLOCK = 8192
"""Streamlines of a block: 25 MB at 256 points."""


class ResampledPoints:
    """Streamlines as points of one number, of which few are in memory at once.

    Streamlines (RASMM, mm) are an array of that number of points, or a sequence,
    perhaps in a mapped file, that is resampled whenever it is read. Each of `values`
    has a number for each point (N,), in the order of the points, and becomes a column
    beside the coordinates. A `transform` moves the points before all else.
    """

    def __init__(
        self,
        streamlines: np.ndarray | ArraySequence,
        nb_points: int,
        values: Sequence[np.ndarray] = (),
        transform: Transform | None = None,
    ):
        self._streamlines = streamlines
        self.nb_points = nb_points
        self._values, self._transform = values, transform
        if values and not isinstance(streamlines, np.ndarray):
            lengths = np.asarray(streamlines._lengths, dtype=np.intp)
            self._places = lengths, np.cumsum(lengths) - lengths

    def __len__(self) -> int:
        return len(self._streamlines)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return some of the streamlines, (m, nb_points, 3 + v), float32, in mm."""
        if isinstance(self._streamlines, np.ndarray):
            points = moved_streamlines(self._streamlines[rows], self._transform)
            shape = self._streamlines.shape[:2]
            values = [each.reshape(*shape, 1)[rows] for each in self._values]
        else:
            chosen = self._streamlines[rows]
            some = take(chosen, np.arange(len(chosen)))
            some = moved_streamlines(some, self._transform)
            points = resample(some, self.nb_points)
            values = []
            if self._values:
                own = self.values_of(rows)
                given = (some._data, own, some._lengths, self.nb_points)
                values = [resample_values(*given).reshape(*points.shape[:2], -1)]
        if not values:
            return points
        return np.concatenate([points, *values], axis=2, dtype=np.float32)

    def values_of(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return the values (M, v) of the M points that some streamlines have."""
        if isinstance(self._streamlines, np.ndarray):
            shape = self._streamlines.shape[:2]
            parts = [each.reshape(shape)[rows].reshape(-1) for each in self._values]
        else:
            lengths, starts = (each[rows] for each in self._places)
            parts = [
                packed(as_sequence(each.reshape(-1, 1), lengths, starts))[0]
                for each in self._values
            ]
        return np.column_stack(parts).astype(np.float32)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of streamlines, and their points (m, nb_points, 3 + v)."""
        for start in range(0, len(self), BLOCK):
            rows = slice(start, min(start + BLOCK, len(self)))
            yield rows, self[rows]


class PointSummary:
    """What is computed of all streamlines, whose points are finite, in one pass.

    Attributes
    ----------
    odd : ndarray of shape (n, 18), float32
        Odd cosine coefficients in mm, which tell the direction.
    values : dict of str to ndarray of shape (n,)
        Those conditions of `names` that are computed from the points.
    digest : hashlib.sha256
        That of the points.
    profiles : ProfileSummary
        That of values along the streamlines, of which `profile_names` are the names.
    """

    def __init__(
        self,
        points: ResampledPoints,
        names: Iterable[str],
        profile_names: Sequence[str] = (),
    ):
        names = list(names)
        self.digest = hashlib.sha256()
        self.profiles = ProfileSummary(profile_names)
        parts, odd = [], []
        for _, block in points.blocks():
            self.digest.update(np.ascontiguousarray(block).data)
            if profile_names:
                self.profiles.add(block[..., 3:])
                block = block[..., :3]
            if not np.isfinite(block).all():
                raise ValueError("points hold NaN or infinite values: leave those out.")
            odd.append(odd_coefficients(block).astype(np.float32))
            parts.append(measured_values(block, names))
        self.odd = np.concatenate(odd)
        self.values = {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }
