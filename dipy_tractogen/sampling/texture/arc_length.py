"""Residuals added to streamlines so that their arc length becomes the one asked for."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import CHUNK, lengths, resample

from .endpoints import fade

RESIDUAL_FACTORS = (0.8, 1.25)
"""Smallest and largest factor of a residual that corrects a length."""

STRETCH = 1.05
"""Largest factor, and inverse of the smallest, of a streamline about its centroid."""

SHORTEST_MM = 1e-3
"""Smallest length: lengths are divided by, and their logarithms taken."""

_NB_NEWTON_STEPS = 3
# Points are equally spaced along the line before them. Where that has corners, steps
# differ, and are made again, the few that need it.
_LARGEST_RATIO = 1.05
_MOST_ROUNDS = 8
_TINY = 1e-12
_ENDS = [0, -1]


def arc_lengths(points: np.ndarray) -> np.ndarray:
    """Compute lengths that can be divided by.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in mm.

    Returns
    -------
    ndarray of shape (n,), float64
        Lengths in mm, a thousandth of a millimetre at least.
    """
    return np.maximum(lengths(points), SHORTEST_MM)


def add_with_length(
    means: np.ndarray,
    residuals: np.ndarray,
    target_lengths: np.ndarray,
    moves: np.ndarray,
    *,
    exact: bool,
) -> np.ndarray:
    """Add residuals, scaled so that the arc lengths become the targets.

    Each residual gets a factor within `RESIDUAL_FACTORS`. Points are then laid at equal
    steps, and what is missing is made up by a scaling about the centroid, at most by
    `STRETCH`, and so is what the corners lose that equal steps cut. Ends are moved
    before, and again when the factors are known.

    Parameters
    ----------
    means, residuals : ndarray of shape (n, nb_points, 3), float32
        Smooth streamlines, and what is added to them, in mm.
    target_lengths : ndarray of shape (n,)
        Lengths in mm.
    moves : ndarray of shape (n, 2, 3), float32
        What first and last points are moved by, in mm; where they are, factors leave
        them there, or nearly so. Zero leaves an end free.
    exact : bool
        Whether ends are let go where the length is not reached otherwise.

    Returns
    -------
    ndarray of shape (n, nb_points, 3), float32
        Points in mm, of the asked length where the factors reach so far.
    """
    weights = fade(means.shape[1])
    ends = means[:, _ENDS] + residuals[:, _ENDS] + moves
    is_moved = moves.any(axis=2, keepdims=True)
    points = np.matmul(weights, moves)
    points += means
    factors, sizes = residual_factors(points, residuals, target_lengths)
    points += residuals * factors[:, None, None]
    # The stretch to come displaces the ends again, so that they are moved first.
    centroids = _centroids(points)[:, None]
    wanted = (ends - centroids) / _stretches(target_lengths, sizes)[:, None, None]
    again = is_moved * (wanted + centroids - points[:, _ENDS])
    points += np.matmul(weights, again)
    pinned = arc_lengths(points)
    if exact:
        lost = np.abs(np.log(target_lengths / pinned)) > np.log(STRETCH)
        points[lost] -= np.matmul(weights, again[lost])
        pinned[lost] = sizes[lost]
    even, even_sizes = equal_steps(points, points.shape[1])
    # What corners lose is made up for beside the stretch, and as that only in part
    # where it is much: such streamlines are too rough to be blown up.
    stretch = _stretches(target_lengths, pinned) * _stretches(pinned, even_sizes)
    return _scaled(even, stretch)


def with_equal_steps(points: np.ndarray, nb_points: int | None = None) -> np.ndarray:
    """Give streamlines points at equal steps, and the lengths that they had.

    The new points cut the corners of the old line, for which the streamline is scaled
    about its centroid: by some ten thousandths where its points are dense.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Points in mm.
    nb_points : int, optional
        Number of points of each streamline, by default those that it has.

    Returns
    -------
    ndarray of shape (n, nb_points, 3), float32
        Points in mm, see `equal_steps`.
    """
    nb_points = points.shape[1] if nb_points is None else nb_points
    even = np.empty((len(points), nb_points, 3), dtype=np.float32)
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        even[part], sizes = equal_steps(points[part], nb_points)
        factors = arc_lengths(points[part]) / sizes
        _scaled(even[part], factors.astype(np.float32))
    return even


def equal_steps(points: np.ndarray, nb_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Resample streamlines until their steps are equal.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Points in mm.
    nb_points : int
        Number of points of each streamline.

    Returns
    -------
    even : ndarray of shape (n, nb_points, 3), float32
        Points in mm, with the same ends. The steps of a streamline differ by 5 % at
        most, but for the sharpest corners.
    sizes : ndarray of shape (n,)
        Their lengths in mm, a little less than those of the points given.
    """
    even = resample(points, nb_points)
    sizes, rows = np.zeros(len(even)), np.arange(len(even))
    for again in range(_MOST_ROUNDS):
        if again:
            even[rows] = resample(even[rows], nb_points)
        steps = np.diff(even[rows] if again else even, axis=1)
        squares = _dot(steps, steps)
        sizes[rows] = np.sqrt(squares).sum(axis=1)
        rows = rows[squares.max(axis=1) > _LARGEST_RATIO**2 * squares.min(axis=1)]
        if not len(rows):
            break
    return even, np.maximum(sizes, SHORTEST_MM)


def _scaled(points: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Scale each streamline about its centroid, in place."""
    shift = (1 - factors)[:, None] * _centroids(points)
    points *= factors[:, None, None]
    # An axis at a time: loops over three numbers are slow.
    for axis, along in enumerate(shift.T):
        points[..., axis] += along[:, None]
    return points


def residual_factors(
    means: np.ndarray, residuals: np.ndarray, target_lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve for the factor of each residual that gives the length.

    The length is a convex function of the factor, so Newton's steps from the largest
    factor come down to the largest solution and never beyond it.

    Parameters
    ----------
    means, residuals : ndarray of shape (n, nb_points, 3), float32
        Smooth streamlines, and what is added to them, in mm.
    target_lengths : ndarray of shape (n,)
        Lengths in mm.

    Returns
    -------
    factors : ndarray of shape (n,), float32
        The nearest of `RESIDUAL_FACTORS` where there is no solution between.
    sizes : ndarray of shape (n,)
        Lengths that they give, in mm.
    """
    low, high = RESIDUAL_FACTORS
    along, across = np.diff(means, axis=1), np.diff(residuals, axis=1)
    # The squared size of a step is a polynomial of the factor.
    constant, linear = _dot(along, along), _dot(along, across)
    square = _dot(across, across)
    factors = np.full((len(means), 1), high, dtype=np.float32)
    for step in range(_NB_NEWTON_STEPS + 1):
        slope = square * factors
        slope += linear
        size = slope + linear
        size *= factors
        size += constant
        np.sqrt(np.maximum(size, _TINY, out=size), out=size)
        sizes = size.sum(axis=1)
        if step < _NB_NEWTON_STEPS:
            growth = np.maximum(np.divide(slope, size, out=slope).sum(axis=1), _TINY)
            factors -= ((sizes - target_lengths) / growth)[:, None].astype(np.float32)
            np.clip(factors, low, high, out=factors)
    return factors[:, 0], np.maximum(sizes, SHORTEST_MM)


def _stretches(target_lengths: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Factor of each streamline about its centroid."""
    return np.clip(target_lengths / sizes, 1 / STRETCH, STRETCH).astype(np.float32)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Products of vectors (n, p, 3), whole rows at a time."""
    products = first * second
    total = products[..., 0] + products[..., 1]
    total += products[..., 2]
    return total


def _centroids(points: np.ndarray) -> np.ndarray:
    """Mean point of each streamline, as a product with one row of weights."""
    nb_points = points.shape[1]
    weights = np.full((1, nb_points), 1 / nb_points, dtype=np.float32)
    return np.matmul(weights, points)[:, 0]
