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
    """Compute properties of streamlines on all of their points.

    Parameters
    ----------
    streamlines : ArraySequence or ndarray of shape (n, nb_points, 3)
        Streamlines in mm, each with points at equal distances.
    names : iterable of str
        Names of properties; those that are not in
        :data:`dipy_tractogen.streamlines.conditions.COMPUTED` are left out.

    Returns
    -------
    dict of str to ndarray of shape (n,), float64
        What each streamline has, by name. The curvature of two points is zero.
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
