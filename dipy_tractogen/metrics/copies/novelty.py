"""Novelty of generated streamlines, and repetition among themselves."""

from __future__ import annotations

import math

import numpy as np

from dipy_tractogen.streamlines.duplicates import DUPLICATE_MM

from ..distances import mdf_points
from ..mdf_search import count_in_balls, nearest

REPETITION_SHARE = 0.1
"""Streamlines nearer than this share of the usual distance repeat one another."""


def nearest_distances(
    points: np.ndarray, others: np.ndarray | None = None
) -> np.ndarray:
    """Return the MDF in mm of each streamline to the nearest other one, (n,)."""
    return nearest(points, others)[0][:, 0]


def same_streamlines(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which streamlines are also in another set, in either direction, (n,)."""
    radii = np.full(len(others), DUPLICATE_MM)
    return count_in_balls(others, radii, points)[1] > 0


def novelty(
    generated_to_training: np.ndarray, held_out_to_training: np.ndarray
) -> float | None:
    """Return the ratio of the median distances to training, generated over held-out.

    One: as new as unseen real streamlines; well under one: memorised. None where there
    are no distances or the real median is zero.
    """
    if not len(generated_to_training) or not len(held_out_to_training):
        return None
    usual = float(np.median(held_out_to_training))
    return float(np.median(generated_to_training)) / usual if usual > 0 else None


def repetition(among_candidates: np.ndarray, among_real: np.ndarray) -> float | None:
    """Return the share of streamlines that repeat another of their set.

    Meant for five times as many candidates as real streamlines: a generator that
    redraws those it was trained on with a little noise then has to repeat itself. None
    without distances.
    """
    threshold = repetition_distance(among_real)
    if threshold is None or not len(among_candidates):
        return None
    return float(np.mean(among_candidates < threshold))


def repetition_distance(among_real: np.ndarray) -> float | None:
    """Return the distance in mm below which a streamline repeats another.

    A tenth of the median of `among_real`, and a hundredth of a millimetre at least, as
    most may be copies; None without distances.
    """
    if not len(among_real):
        return None
    return max(REPETITION_SHARE * float(np.median(among_real)), DUPLICATE_MM)


class NoveltyRange:
    """Range of the distance of streamlines to the nearest of training.

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
    in_training_space = True

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
        """Return which streamlines have a distance in the range.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in mm.

        Returns
        -------
        ndarray of shape (m,), bool
            Whether each has.
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
