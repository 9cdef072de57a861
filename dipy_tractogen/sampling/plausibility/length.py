"""Plausible by length."""

from __future__ import annotations

import math

import numpy as np

from dipy_tractogen.streamlines.geometry import lengths


class LengthRange:
    """Accepts streamlines whose length is in a range.

    Parameters
    ----------
    low, high : float, optional
        Smallest and largest length in mm.

    Raises
    ------
    ValueError
        If the range holds no positive length.
    """

    name = "length"

    def __init__(self, low: float = 0.0, high: float = math.inf):
        if not (0 <= low <= high and high > 0):
            raise ValueError(
                f"Lengths from {low} to {high} mm: give a range of positive numbers, "
                "the smaller one first."
            )
        self.low, self.high = low, high

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines are of such a length; see `Criterion.accepts`."""
        sizes = lengths(points)
        return (sizes >= self.low) & (sizes <= self.high)
