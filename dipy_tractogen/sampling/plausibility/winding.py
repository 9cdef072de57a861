"""Plausible by winding."""

from __future__ import annotations

import numpy as np


def winding(points: np.ndarray) -> np.ndarray:
    """Total angle by which each streamline turns about its centroid.

    The measure of :func:`dipy.tracking.metrics.winding`, for many streamlines at once:
    the sum of the angles between neighbouring points as seen from the centroid, in the
    plane that fits best. It is about 180 for a straight streamline and 360 for a
    closed loop.

    Parameters
    ----------
    points : ndarray of shape (m, nb_points, 3)
        Points in mm.

    Returns
    -------
    ndarray of shape (m,), float64
        Angles in degrees.
    """
    # Products of matrices: sums along an axis that is not the last are slow.
    weights = np.full((1, points.shape[1]), 1 / points.shape[1], np.float32)
    centred = points - np.matmul(weights, points)
    spread = np.matmul(centred.transpose(0, 2, 1), centred).astype(float)
    # Eigenvalues ascend: the last two vectors span the plane.
    plane = np.linalg.eigh(spread)[1][:, :, 1:].astype(centred.dtype)
    x, y = np.moveaxis(centred @ plane, 2, 0)
    sine = x[:, :-1] * y[:, 1:] - y[:, :-1] * x[:, 1:]
    cosine = x[:, :-1] * x[:, 1:] + y[:, :-1] * y[:, 1:]
    return np.degrees(np.abs(np.arctan2(sine, cosine)).sum(axis=1, dtype=float))


class LargestWinding:
    """Accepts streamlines that do not turn too far.

    Parameters
    ----------
    degrees : float
        Largest total angle, as `winding` has it; 360 leaves out loops.

    Raises
    ------
    ValueError
        If the angle is not positive.
    """

    name = "winding"

    def __init__(self, degrees: float):
        if not degrees > 0:
            raise ValueError(f"A winding of {degrees} degrees: give more than 0.")
        self.degrees = degrees

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines turn by no more; see `Criterion.accepts`."""
        return winding(points) <= self.degrees
