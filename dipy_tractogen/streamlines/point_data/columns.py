"""Values of points beside their coordinates: resampled, and filled where missing.

A missing value is NaN.
"""

from __future__ import annotations

import numpy as np

from ..array_sequence import ranks

_TINY = 1e-12


def resample_values(
    points: np.ndarray,
    values: np.ndarray,
    counts: np.ndarray,
    new_counts: int | np.ndarray,
) -> np.ndarray:
    """Interpolate values at equal arc lengths, where `respace` has its points.

    Parameters
    ----------
    points : ndarray of shape (N, 3)
        Points of streamlines, one after the other, in mm.
    values : ndarray of shape (N, v)
        Values of the points, NaN where they are missing.
    counts : ndarray of shape (n,)
        Number of points of each streamline, two at least.
    new_counts : int or ndarray of shape (n,)
        Number of points of each in the result, two at least.

    Returns
    -------
    ndarray of shape (M, v), float32
        Values of all M new points, one streamline after the other. They are linear
        between two points, and missing where one of these is.
    """
    counts = np.asarray(counts, dtype=np.intp)
    if not len(counts):
        return np.zeros((0, values.shape[1]), dtype=np.float32)
    new_counts = np.broadcast_to(np.asarray(new_counts, dtype=np.intp), counts.shape)
    # Places of the given points, in steps of the new ones.
    along = places_along(points, counts, new_counts - 1)
    first = np.cumsum(new_counts) - new_counts
    cells = np.ceil(along).astype(np.intp) + np.repeat(first, counts)
    # How many given points do not lie behind each new one.
    before = np.cumsum(np.bincount(cells, minlength=int(new_counts.sum()))) - 1
    before = np.minimum(before, np.repeat(np.cumsum(counts) - 2, new_counts))
    gaps = np.maximum(along[before + 1] - along[before], _TINY)
    share = np.clip((ranks(new_counts) - along[before]) / gaps, 0, 1)
    share = share.astype(np.float32)[:, None]
    low, high = values[before], values[before + 1]
    found = low + share * (high - low)
    if np.isnan(found).any():
        # A point that lies on another does not need the next.
        found = np.where(share == 0, low, np.where(share == 1, high, found))
    return found.astype(np.float32)


def places_along(
    points: np.ndarray, counts: np.ndarray, end: float | np.ndarray
) -> np.ndarray:
    """Return how far along its streamline each point is, (N,), from 0 to `end` (n,).

    Streamlines have points (N, 3) in mm, `counts` (n,) each, one after the other;
    distances are arc lengths.
    """
    steps = np.diff(points, axis=0)
    along = np.zeros(len(points))
    np.cumsum(np.sqrt(np.einsum("ij,ij->i", steps, steps)), out=along[1:])
    last = np.cumsum(counts) - 1
    starts = along[last - counts + 1]
    factors = end / np.maximum(along[last] - starts, _TINY)
    along -= np.repeat(starts, counts)
    along *= np.repeat(factors, counts)
    along[last] = end
    return np.minimum(along, np.repeat(np.broadcast_to(end, len(counts)), counts))


def fill_missing(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return values (N, v) in which those between known ones are interpolated.

    Streamlines have `counts` (n,) points, one after the other. Before the first known
    value of a streamline, and after its last, that one is repeated; a streamline
    without any keeps NaN.
    """
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    counts = np.asarray(counts, dtype=np.intp)
    starts = np.cumsum(counts) - counts
    first, last = (np.repeat(each, counts) for each in (starts, starts + counts - 1))
    filled = np.where(missing, np.nan, values).astype(np.float32)
    for column in np.flatnonzero(missing.any(axis=0)):
        filled[:, column] = _filled(filled[:, column], first, last)
    return filled


def _filled(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    places = np.arange(len(values))
    known = np.isfinite(values)
    before = np.maximum.accumulate(np.where(known, places, -1))
    after = np.where(known, places, len(values))
    after = np.minimum.accumulate(after[::-1])[::-1]
    is_before, is_after = before >= first, after <= last
    low = np.where(is_before, before, np.where(is_after, after, places))
    high = np.where(is_after, after, low)
    share = (places - low) / np.maximum(high - low, 1)
    share = np.where(is_before, share, 0)
    return values[low] + share * (values[high] - values[low])
