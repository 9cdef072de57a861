"""Minimum average direct-flip distance (MDF) of streamlines."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import resample

NB_POINTS = 20
"""Number of points of a streamline in every distance of the package."""


def mdf_points(streamlines, nb_points: int = NB_POINTS) -> np.ndarray:
    """Resample streamlines to equal arc length: (n, nb_points, 3), float32."""
    return resample(streamlines, nb_points)


def mdf(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the MDF distance (n, m) in mm, float32, of all pairs of streamlines.

    The mean distance of corresponding points (n, p, 3) and (m, p, 3) at equal arc
    length, in the direction of storage that makes it smaller
    :footcite:p:`Garyfallidis2012`; `mdf_search.nearest` is for large sets.

    References
    ----------
    .. footbibliography::
    """
    points, others = validate_points(points, others)
    rows, columns = point_major(points), point_major(others)
    return np.minimum(
        direct_distance(rows, columns), direct_distance(rows, columns[::-1])
    )


def direct_distance(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the mean distance (n, m) of corresponding points in direction of storage.

    Points are (p, 3, n) and (p, 3, m), float32, as from `point_major`.
    """
    total = np.zeros((rows.shape[2], columns.shape[2]), dtype=np.float32)
    squared, step = np.empty_like(total), np.empty_like(total)
    for row, column in zip(rows, columns):
        np.subtract(row[0][:, None], column[0], out=squared)
        np.multiply(squared, squared, out=squared)
        for axis in (1, 2):
            np.subtract(row[axis][:, None], column[axis], out=step)
            np.multiply(step, step, out=step)
            squared += step
        total += np.sqrt(squared, out=squared)
    return np.divide(total, len(rows), out=total)


def point_major(points: np.ndarray) -> np.ndarray:
    """Arrange points (n, p, 3) as (p, 3, n), so that streamlines are contiguous."""
    return np.ascontiguousarray(points.transpose(1, 2, 0))


def validate_points(
    points: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both arrays as float32 if their streamlines can be compared.

    Raises ValueError if they have not as many points a streamline, or are not finite.
    """
    points = np.asarray(points, dtype=np.float32)
    others = np.asarray(others, dtype=np.float32)
    shapes = (points.shape, others.shape)
    fit = points.ndim == others.ndim == 3 and points.shape[1:] == others.shape[1:]
    if not fit or points.shape[2] != 3:
        raise ValueError(
            "Distances need arrays (n, nb_points, 3) with the same nb_points, got "
            f"{shapes[0]} and {shapes[1]}: resample both with mdf_points."
        )
    if not (np.isfinite(points).all() and np.isfinite(others).all()):
        raise ValueError(
            "Distances need finite points: drop the streamlines with NaN or infinite "
            "coordinates, as load_bundles does."
        )
    return points, others
