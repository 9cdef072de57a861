"""Details of real streamlines, for others."""

from __future__ import annotations

import numpy as np

from . import padded

# A streamline has as many points as the one its details are from, unless its steps
# differed by more than so many times the error of interpolated details: other steps and
# interpolated details can both be told from real ones.
_SAME_STEPS = 3


class Donors:
    """Real streamlines whose details other ones get.

    They have `counts` (r,) points and lengths `sizes` (r,) in mm, with `details` in mm,
    and `directions` of their coarse shapes, of a length of one: both (3, n), one
    streamline after the other. Without details only coarse shapes are made.
    """

    def __init__(self, counts, sizes, details=None, directions=None):
        self._counts, self._sizes = counts, sizes
        self._tolerance = 0.0
        if details is not None:
            step = np.median(sizes / (counts - 1))
            self._tolerance = _SAME_STEPS * _roughness(details) / step
        self._starts = np.cumsum(counts, dtype=np.intp) - counts
        self._details, self._directions = details, directions

    def counts_at(self, rows, wanted) -> np.ndarray:
        """Return numbers of points (m,) for lengths (m,) in mm, by donors (m,).

        Steps are those of the donor, or like those. If all donors have one number of
        points, this is the number.
        """
        counts = self._counts[rows].astype(np.intp)
        if (self._counts == self._counts[0]).all():
            return counts
        ratio = wanted / self._sizes[rows]
        other = np.abs(np.log(ratio)) > self._tolerance
        steps = np.maximum(np.rint((counts - 1) * ratio), 1).astype(np.intp)
        return np.where(other, steps + 1, counts)

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
        given = counts, self._counts[rows], self._starts[rows]
        places, share = places_in_donors(*given)
        details = taken(self._details, places, share)
        return details, np.take(self._directions, places, axis=1)


def places_in_donors(
    counts: np.ndarray, donors: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return which points of donors lie where those of others do, (m, p).

    Streamlines of `counts` (m,) points have donors of `donors` (m,) points, the first
    of which are at `starts` (m,). The shares (m, p) of the next point follow, or None
    where all have as many points as their donors.
    """
    places, share = padded.point_numbers(counts), None
    if (counts != donors).any():
        exact = (places + 0.5) * (donors / counts)[:, None] - 0.5
        np.clip(exact, 0, donors[:, None] - 1, out=exact)
        places = exact.astype(np.intp)
        share = (exact - places).astype(np.float32)
    places += starts[:, None]
    return places, share


def taken(
    values: np.ndarray, places: np.ndarray, share: np.ndarray | None
) -> np.ndarray:
    """Return values (v, m, p) of those of donors (v, n), linear between two points."""
    # Twice as fast as an index, or more.
    found = np.take(values, places, axis=1)
    if share is not None:
        # The last point of a donor has no share of the next.
        following = np.minimum(places + 1, values.shape[1] - 1)
        found += share * (np.take(values, following, axis=1) - found)
    return found


def _roughness(details: np.ndarray) -> float:
    """Return the median error in mm of a point that its four neighbours predict.

    The prediction is that of a cubic. That some of the neighbours are of the streamline
    before, in details (3, N), does not show in the median.
    """
    if details.shape[1] < 5:
        return 0.0
    errors = np.diff(details, n=4, axis=1) / 6
    return float(np.median(np.sqrt(padded.dot(errors, errors))))
