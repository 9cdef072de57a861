"""Plausible by novelty: neither a copy of the training nor unlike all of it."""

from __future__ import annotations

import math

import numpy as np

from .distances import mdf_points
from .neighbours import count_in_balls


class NoveltyRange:
    """Accepts streamlines by their distance to the nearest of training.

    A criterion of :class:`dipy_tractogen.sampling.plausibility.Plausibility`.

    Parameters
    ----------
    training : ArraySequence or ndarray of shape (n, p, 3)
        Streamlines that the model was trained on, points in mm.
    low : float, optional
        Smallest MDF distance in mm: nearer ones are copies.
    high : float, optional
        Largest MDF distance in mm: farther ones are like no real one.

    Raises
    ------
    ValueError
        If there is no streamline, or the range holds no positive distance.
    """

    name = "novelty"

    def __init__(self, training, low: float = 0.0, high: float = math.inf):
        if not (0 <= low <= high and high > 0):
            raise ValueError(
                f"Distances from {low} to {high} mm: give a range of positive numbers, "
                "the smaller one first."
            )
        self.low, self.high = low, high
        self._training = mdf_points(training)
        if not len(self._training):
            raise ValueError("There is no training streamline: give one or more.")

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines are new, and not too new.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in mm.

        Returns
        -------
        ndarray of shape (m,), bool
            Whether each is.
        """
        points = mdf_points(points)
        accepted = np.ones(len(points), dtype=bool)
        # Balls are searched faster than nearest neighbours.
        if self.low > 0:
            accepted &= ~self._is_within(points, self.low)
        if math.isfinite(self.high):
            accepted &= self._is_within(points, self.high)
        return accepted

    def _is_within(self, points: np.ndarray, radius: float) -> np.ndarray:
        radii = np.full(len(points), radius)
        return count_in_balls(points, radii, self._training)[0] > 0
