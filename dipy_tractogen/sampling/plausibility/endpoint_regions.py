"""Plausible by where the ends are."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.volume import Volume


class EndsInRegions:
    """Accepts streamlines whose ends are in given regions.

    Parameters
    ----------
    start : Volume
        True in the region of one end, whichever is stored first.
    end : Volume, optional
        True in the region of the other end; `start` by default.
    """

    name = "ends"

    def __init__(self, start: Volume, end: Volume | None = None):
        self.start, self.end = start, start if end is None else end

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines end in both regions; see `Criterion.accepts`."""
        first, last = points[:, 0], points[:, -1]
        forth = self.start.at(first) & self.end.at(last)
        return forth | (self.start.at(last) & self.end.at(first))
