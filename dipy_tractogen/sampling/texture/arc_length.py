"""Equal steps along streamlines that keep their length."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import CHUNK, lengths, resample

# Smallest length in divisions.
_SHORTEST_MM = 1e-3
# Resampling gives points at equal distances along the line. Where the line has corners,
# steps still differ, and those streamlines are resampled again.
_LARGEST_RATIO = 1.05
_MOST_ROUNDS = 8


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
        factors = lengths(points[part]) / sizes
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
    return even, np.maximum(sizes, _SHORTEST_MM)


def _scaled(points: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Scale each streamline about its centroid, in place."""
    shift = (1 - factors)[:, None] * _centroids(points)
    points *= factors[:, None, None]
    # An axis at a time: loops over three numbers are slow.
    for axis, along in enumerate(shift.T):
        points[..., axis] += along[:, None]
    return points


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
