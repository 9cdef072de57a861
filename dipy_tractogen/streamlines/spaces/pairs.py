"""Pairs of near streamlines of two sets, and the transform that brings them together.

Each streamline of either set is paired with the nearest one of the other, and the
transform that brings all pairs together is solved for, in turn :footcite:p:`Besl1992`.
A pair counts the less, the farther its streamlines are apart :footcite:p:`Black1996`,
so that streamlines that have no counterpart hardly count. Pairs of both sets are
needed: those of one alone would shrink or stretch it.

References
----------
.. footbibliography::
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Distances from which on pairs count little, one after the other (mm).
COARSE_TO_FINE_MM = (20.0, 14.0, 10.0, 7.0, 5.0)
FINE_MM = (5.0, 4.0, 3.0, 2.5, 2.0)

_NB_REPEATS = 4
# Variance along an axis that is little, as a share of the largest.
_THIN = 0.003


class Pairs(NamedTuple):
    """Each streamline of two sets with the nearest one of the other.

    ``moving`` and ``static`` (q,) are their rows, first one pair for each moving
    streamline, then one for each static one; ``distance`` (q,) the root of the mean
    squared distance of their points, in mm; ``reversed`` (q,) whether they run against
    each other.
    """

    moving: np.ndarray
    static: np.ndarray
    distance: np.ndarray
    reversed: np.ndarray


def nearest_pairs(moving: np.ndarray, static: np.ndarray) -> Pairs:
    """Pair each streamline of (m, p, 3) and (s, p, 3), in mm, with the nearest."""
    centre = static.reshape(-1, 3).mean(axis=0)
    # Small numbers: squares of large ones would cancel in float32.
    moving, static = (
        (each - centre).astype(np.float32).reshape(len(each), -1)
        for each in (moving, static)
    )
    nb_points = static.shape[1] // 3
    backwards = static.reshape(-1, nb_points, 3)[:, ::-1].reshape(static.shape)
    forth, back = moving @ static.T, moving @ backwards.T
    against = back > forth
    squares = (moving**2).sum(axis=1)[:, None] + (static**2).sum(axis=1)
    squares -= 2 * np.maximum(forth, back, out=forth)
    of_moving, of_static = squares.argmin(axis=1), squares.argmin(axis=0)
    rows = np.concatenate([np.arange(len(moving)), of_static])
    columns = np.concatenate([of_moving, np.arange(len(static))])
    mean_squares = np.maximum(squares[rows, columns], 0) / nb_points
    return Pairs(rows, columns, np.sqrt(mean_squares), against[rows, columns])


def bring_together(
    moving: np.ndarray,
    static: np.ndarray,
    start: np.ndarray,
    kind: str,
    distances_mm: tuple[float, ...],
) -> np.ndarray:
    """Return the matrix (4, 4) that brings pairs of streamlines together.

    Streamlines (m, p, 3) and (s, p, 3) are in mm; `start` (4, 4) is where it begins,
    `kind` ``"rigid"`` or ``"affine"``, `distances_mm` as `COARSE_TO_FINE_MM`.
    """
    solve = {"rigid": _rigid, "affine": _affine}[kind]
    matrix, nb_points = start, moving.shape[1]
    for scale in distances_mm:
        for _ in range(_NB_REPEATS):
            pairs = nearest_pairs(moved(moving, matrix), static)
            weights = 1 / (1 + (pairs.distance / scale) ** 2) ** 2
            weights[: len(moving)] /= len(moving)
            weights[len(moving) :] /= len(static)
            goals = static[pairs.static].astype(np.float64)
            goals[pairs.reversed] = goals[pairs.reversed, ::-1]
            matrix = solve(
                moving[pairs.moving].reshape(-1, 3).astype(np.float64),
                goals.reshape(-1, 3),
                np.repeat(weights / weights.sum() / nb_points, nb_points)[:, None],
            )
    return matrix


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return points (..., 3) after a matrix (4, 4)."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _rigid(points: np.ndarray, goals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the rotation and translation of least weighted squares (Kabsch 1976)."""
    from_centre, to_centre = (weights * points).sum(0), (weights * goals).sum(0)
    product = (weights * (goals - to_centre)).T @ (points - from_centre)
    return _about(_rotation(product), from_centre, to_centre)


def _affine(points: np.ndarray, goals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the affine matrix that gives points the mean and covariance of the goals.

    Of those, it is the one that brings them together best. That of least squares would
    shrink what moves, since the nearest streamline is rather one within a bundle than
    one at its edge; here both sets are treated alike. Along an axis in which there is
    little, as across a flat phantom, sizes stay as they are.
    """
    from_centre, to_centre = (weights * points).sum(0), (weights * goals).sum(0)
    points, goals = points - from_centre, goals - to_centre
    product = (weights * goals).T @ points
    before, after = ((weights * each).T @ each for each in (points, goals))
    little = _THIN * np.linalg.norm(before, 2) * np.eye(3)
    narrow, _ = _roots(before + little)
    other_narrow, wide = _roots(after + little)
    product = product + little @ _rotation(product)
    rotation = _rotation(other_narrow @ product @ narrow)
    return _about(wide @ rotation @ narrow, from_centre, to_centre)


def _roots(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverse of the square root of a covariance, and the square root."""
    values, vectors = np.linalg.eigh(covariance)
    sizes = np.sqrt(values)
    return (vectors / sizes) @ vectors.T, (vectors * sizes) @ vectors.T


def _rotation(product: np.ndarray) -> np.ndarray:
    """Return the rotation that is nearest to a matrix (3, 3)."""
    left, _, right = np.linalg.svd(product)
    return left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right


def _about(linear, from_centre, to_centre) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = to_centre - linear @ from_centre
    return matrix
