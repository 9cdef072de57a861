"""Details of real streamlines, for others."""

from __future__ import annotations

import numpy as np

from . import padded


class Donors:
    """Real streamlines whose details other ones get.

    They have `counts` (r,) points, with `details` in mm, and `directions` of their
    coarse shapes, of a length of one: both (3, n), one streamline after the other.
    Without details only coarse shapes are made.
    """

    def __init__(self, counts: np.ndarray, details=None, directions=None):
        self._counts = counts
        self._starts = np.cumsum(counts, dtype=np.intp) - counts
        self._details, self._directions = details, directions

    def combined(self, coarse, rows, counts) -> np.ndarray:
        """Return points (3, m, p) in mm of coarse shapes with details.

        Coarse shapes are coefficients (m, k, 3), for `counts` (m,) points; the details
        are those of the donors `rows` (m,), turned as the direction is.
        """
        points = padded.curve_points(coarse, counts)
        if self._details is None:
            return points
        details, before = self._along(rows, counts)
        after = padded.curve_slopes(coarse, counts)
        details = padded.half_turned(details, before)
        middle = before
        middle *= np.sqrt(padded.dot(after, after))
        middle += after
        points += padded.half_turned(details, middle)
        return points

    def _along(self, rows, counts) -> tuple[np.ndarray, np.ndarray]:
        """Return details and directions (3, m, p) of donors at other points."""
        places, donors = padded.point_numbers(counts), self._counts[rows]
        share = None
        if (counts != donors).any():
            exact = (places + 0.5) * (donors / counts)[:, None] - 0.5
            np.clip(exact, 0, donors[:, None] - 1, out=exact)
            places = exact.astype(np.intp)
            share = (exact - places).astype(np.float32)
        places += self._starts[rows][:, None]
        # Twice as fast as an index, or more.
        details = np.take(self._details, places, axis=1)
        if share is not None:
            # The last point of a donor has no share of the next.
            following = np.minimum(places + 1, self._details.shape[1] - 1)
            details += share * (np.take(self._details, following, axis=1) - details)
        return details, np.take(self._directions, places, axis=1)
