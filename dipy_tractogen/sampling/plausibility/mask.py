"""Plausible by what lies inside of a mask."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.volume import Volume


class InsideMask:
    """Accepts streamlines that lie in a mask with enough of their points.

    Parameters
    ----------
    mask : Volume
        True inside; beyond its grid is outside.
    min_share : float, optional
        Smallest share of the points.

    Raises
    ------
    ValueError
        If the share is not more than 0 and at most 1.
    """

    name = "mask"

    def __init__(self, mask: Volume, min_share: float = 1.0):
        if not 0 < min_share <= 1:
            raise ValueError(
                f"min_share={min_share}: give more than 0 and at most 1 of the points."
            )
        self.mask, self.min_share = mask, min_share

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines are inside; see `Criterion.accepts`."""
        # As counts: a share such as 0.9 of 10 points is not exact.
        needed = np.ceil(self.min_share * points.shape[1] - 1e-6)
        return self.mask.at(points).sum(axis=1) >= needed
