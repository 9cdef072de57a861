"""How many streamlines miss the length that was asked for."""

from __future__ import annotations

import logging

logger = logging.getLogger("dipy_tractogen")

# How far the length of a streamline may be from the one that was asked for.
_TOLERANCE_MM = 1.0
_TOLERANCE = 0.02


class AskedLengths:
    """Counts streamlines whose length is not the one that was asked for."""

    def __init__(self):
        self.nb_streamlines = self.nb_missed = 0
        self.largest = 0.0

    def look(self, points, asked) -> None:
        """Measure streamlines, and count.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in mm as the model gives them: resampled to fewer they are shorter.
        asked : ndarray of shape (m,)
            Length of each in mm that was asked for.
        """
        import numpy as np

        from dipy_tractogen.streamlines.geometry import lengths

        error = np.abs(lengths(points) - asked)
        missed = error > np.maximum(_TOLERANCE_MM, _TOLERANCE * asked)
        self.nb_streamlines += len(points)
        self.nb_missed += int(missed.sum())
        self.largest = max(self.largest, float(error.max()))

    def warn(self) -> None:
        """Say how many were missed, and what to do, if any were."""
        if self.nb_missed:
            logger.warning(
                "%d of %d streamlines miss the asked length by more than %g mm and "
                "%g %%, by %.3g mm at most: ask within the training's range, without "
                "--smooth, or train longer",
                self.nb_missed,
                self.nb_streamlines,
                _TOLERANCE_MM,
                100 * _TOLERANCE,
                self.largest,
            )
