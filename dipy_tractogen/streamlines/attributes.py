"""Length, curvature and tortuosity of streamlines along the points that they have."""

from __future__ import annotations

from collections.abc import Iterable

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import to_sequence
from .conditions import COMPUTED
from .geometry import own_lengths


def obtained_values(
    streamlines: ArraySequence | np.ndarray, names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Return length (mm), curvature (1/mm) and tortuosity along all points, each (n,).

    Of `names` only those in `conditions.COMPUTED` are computed. Points of a streamline
    are at equal distances; the curvature of two points is zero.
    """
    names = [name for name in names if name in COMPUTED]
    if isinstance(streamlines, np.ndarray):
        return {name: _measured(streamlines, name) for name in names}
    sequence = to_sequence(streamlines)
    found = {name: np.zeros(len(sequence)) for name in names}
    if "length" in found:
        found["length"] = own_lengths(sequence)
    others = [name for name in names if name != "length"]
    # Those with one number of points are one array.
    for nb_points in np.unique(sequence._lengths) if others else ():
        rows = np.flatnonzero(sequence._lengths == nb_points)
        places = sequence._offsets[rows][:, None] + np.arange(nb_points)
        for name in others:
            found[name][rows] = _measured(sequence._data[places], name)
    return found


def _measured(points: np.ndarray, name: str) -> np.ndarray:
    """Compute a property of streamlines with one number of points."""
    if name == "curvature" and points.shape[1] < 3:
        return np.zeros(len(points))
    return COMPUTED[name][0](points)
