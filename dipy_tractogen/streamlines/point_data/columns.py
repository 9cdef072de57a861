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
    return between(values, *places_between(points, counts, new_counts))


def places_between(
    points: np.ndarray, counts: np.ndarray, new_counts: int | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the given point before each new one (M,), and the share (M,) of the next.

    Arguments are those of `resample_values`.
    """
    counts = np.asarray(counts, dtype=np.intp)
    if not len(counts):
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.float32)
    new_counts = np.broadcast_to(np.asarray(new_counts, dtype=np.intp), counts.shape)
    # Places of the given points, in steps of the new ones.
    along = places_along(points, counts, new_counts - 1)
    first = np.cumsum(new_counts) - new_counts
    cells = np.ceil(along).astype(np.intp) + np.repeat(first, counts)
    # How many given points do not lie behind each new one.
    before = np.cumsum(np.bincount(cells, minlength=int(new_counts.sum()))) - 1
    before = np.minimum(before, np.repeat(np.cumsum(counts) - 2, new_counts))
    places = np.take(along, before)
    gaps = np.maximum(np.take(along, before + 1) - places, _TINY)
    share = np.clip((ranks(new_counts) - places) / gaps, 0, 1)
    return before, share.astype(np.float32)


def between(values: np.ndarray, before: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return values (M, v), float32, between those of points (N, v)."""
    found = np.empty((len(before), values.shape[1]), dtype=np.float32)
    after = before + 1
    # A column at a time: rows of a few numbers are slow.
    for at, column in enumerate(np.ascontiguousarray(values.T)):
        low, high = np.take(column, before), np.take(column, after)
        own = low + share * (high - low)
        if np.isnan(own).any():
            # A point that lies on another does not need the next.
            own = np.where(share == 0, low, np.where(share == 1, high, own))
        found[:, at] = own
    return found


def places_along(
    points: np.ndarray, counts: np.ndarray, end: float | np.ndarray
) -> np.ndarray:
    """Return how far along its streamline each point is, (N,), from 0 to `end` (n,).

    Streamlines have points (N, 3) in mm, `counts` (n,) each, one after the other;
    distances are arc lengths.
    """
    steps = np.diff(points, axis=0)
    steps *= steps
    squares = steps[:, 0] + steps[:, 1]
    squares += steps[:, 2]
    along = np.zeros(len(points))
    np.cumsum(np.sqrt(squares), out=along[1:])
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
