"""Streamlines as points at equal distances, read a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
import hashlib

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import take
from .conditions import measured_values
from .geometry import resample
from .orientation import odd_coefficients

BLOCK = 8192
"""Streamlines of a block: 25 MB at 256 points."""


class ResampledPoints:
    """Streamlines as points of one number, of which few are in memory at once.

    Streamlines (RASMM, mm) are an array of that number of points, or a sequence,
    perhaps in a mapped file, that is resampled whenever it is read.
    """

    def __init__(self, streamlines: np.ndarray | ArraySequence, nb_points: int):
        self._streamlines = streamlines
        self.nb_points = nb_points

    def __len__(self) -> int:
        return len(self._streamlines)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return some of the streamlines, (m, nb_points, 3), float32, in mm."""
        if isinstance(self._streamlines, np.ndarray):
            return self._streamlines[rows]
        chosen = self._streamlines[rows]
        return resample(take(chosen, np.arange(len(chosen))), self.nb_points)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of streamlines, and their points (m, nb_points, 3) in mm."""
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
    """

    def __init__(self, points: ResampledPoints, names: Iterable[str]):
        names = list(names)
        self.digest = hashlib.sha256()
        parts, odd = [], []
        for _, block in points.blocks():
            if not np.isfinite(block).all():
                raise ValueError("points hold NaN or infinite values: leave those out.")
            self.digest.update(np.ascontiguousarray(block).data)
            odd.append(odd_coefficients(block).astype(np.float32))
            parts.append(measured_values(block, names))
        self.odd = np.concatenate(odd)
        self.values = {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }
