"""Residuals added to streamlines, scaled to obtain a requested arc length."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import CHUNK, lengths, resample

from .endpoints import endpoint_weights

RESIDUAL_FACTORS = (0.8, 1.25)
"""Smallest and largest factor of a residual that corrects a length."""

STRETCH = 1.05
"""Largest factor of a streamline about its centroid, and inverse of the smallest."""

SHORTEST_MM = 1e-3
"""Smallest length in divisions and logarithms."""

_NB_NEWTON_STEPS = 3
# Resampling gives points at equal distances along the line. Where the line has corners,
# steps still differ, and those streamlines are resampled again.
_LARGEST_RATIO = 1.05
_MOST_ROUNDS = 8
_TINY = 1e-12
_ENDS = [0, -1]


def arc_lengths(points: np.ndarray) -> np.ndarray:
    """Compute the lengths of streamlines (n, nb_points, 3) in mm, above zero."""
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

    Each residual gets a factor within `RESIDUAL_FACTORS`. Streamlines are then
    resampled to equal steps. Scaling about the centroid, at most by `STRETCH`, corrects
    the rest of the difference, and what resampling cuts at corners. Ends are moved
    before, and again when the factors are known.

    Means, residuals and result are float32 (n, nb_points, 3), in mm. The scaling keeps
    ends with displacements `moves` (n, 2, 3) in place, or nearly so; ends with zero are
    free. With `exact` the length has priority over displaced ends.
    """
    weights = endpoint_weights(means.shape[1])
    ends = means[:, _ENDS] + residuals[:, _ENDS] + moves
    is_moved = moves.any(axis=2, keepdims=True)
    points = np.matmul(weights, moves)
    points += means
    factors, sizes = residual_factors(points, residuals, target_lengths)
    points += residuals * factors[:, None, None]
    # The scaling below moves the ends again; this is compensated for in advance.
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
    # The length lost at corners is corrected by a factor of its own, limited in the
    # same way: streamlines that lose more are too rough to be enlarged.
    stretch = _stretches(target_lengths, pinned) * _stretches(pinned, even_sizes)
    return _scaled(even, stretch)


def with_equal_steps(points: np.ndarray, nb_points: int | None = None) -> np.ndarray:
    """Resample streamlines (n, p, 3) to equal steps, and keep their lengths.

    The new points cut corners, so each streamline is scaled about its centroid, by some
    ten thousandths where its points are dense. The result has the shape
    (n, nb_points, 3), float32, by default with as many points as before.
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
    """Resample streamlines (n, p, 3) until their steps are equal.

    Return float32 points (n, nb_points, 3), with the same ends, and lengths (n,), which
    are a little less than before. The steps of a streamline differ by 5 % at most,
    except at the sharpest corners.
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
    """Return the factor (n,) of each residual that gives the length, and the length.

    The length is a convex function of the factor, so Newton's method converges from the
    largest factor to the largest solution without overshooting. Where there is none
    between `RESIDUAL_FACTORS`, the factor is the nearest of these.
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
    """Compute the factor of each streamline about its centroid."""
    return np.clip(target_lengths / sizes, 1 / STRETCH, STRETCH).astype(np.float32)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compute dot products of vectors (n, p, 3); faster than einsum."""
    products = first * second
    total = products[..., 0] + products[..., 1]
    total += products[..., 2]
    return total


def _centroids(points: np.ndarray) -> np.ndarray:
    """Compute the mean point of each streamline, as a product with a row of weights."""
    nb_points = points.shape[1]
    weights = np.full((1, nb_points), 1 / nb_points, dtype=np.float32)
    return np.matmul(weights, points)[:, 0]
