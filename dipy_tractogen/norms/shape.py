"""Shape of a bundle in few numbers that do not grow with its number of streamlines."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import arc_lengths, mean_curvature

MEASURES = {"length": "mm", "volume": "mm3", "spread": "mm", "curvature": "1/mm"}
"""Measures of the shape of a bundle, with their units."""

_NB_DRAWS = 100
_LEAST = 1e-6


def shape_measures(points: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of the measures of a bundle, and their covariance.

    Length and curvature are means over streamlines. The spread is the root mean square
    distance of nodes from the mean streamline. The volume is the length times the mean
    cross-section, which is that of an ellipse with the variances that nodes have across
    the bundle; unlike a number of voxels it does not grow with that of streamlines.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Three streamlines or more in one direction, in mm.
    seed : int, optional
        Seed of the bootstrap.

    Returns
    -------
    measures : ndarray of shape (4,)
        Natural logarithms, in the order of `MEASURES`.
    covariance : ndarray of shape (4, 4)
        That of a bundle of one streamline: the covariance over bootstrap draws of
        streamlines, times their number.
    """
    nb_streamlines = len(points)
    rng = np.random.default_rng(seed)
    shares = np.full(nb_streamlines, 1 / nb_streamlines)
    drawn = rng.multinomial(nb_streamlines, shares, _NB_DRAWS) / nb_streamlines
    each = np.stack([arc_lengths(points), mean_curvature(points)], axis=1)
    found = _measured(points, each, np.concatenate([shares[None], drawn]))
    return found[0], nb_streamlines * np.cov(found[1:].T)


def _measured(points, each, weights) -> np.ndarray:
    """Return log measures (m, 4) of bundles with weights (m, n) of streamlines."""
    nb_streamlines, nb_points = points.shape[:2]
    usual = points.astype(float).mean(axis=0)
    away = (points - usual).reshape(nb_streamlines, -1)
    products = np.einsum("npi,npj->npij", *2 * (away.reshape(points.shape),))
    shift = (weights @ away).reshape(-1, nb_points, 3)
    covariance = (weights @ products.reshape(nb_streamlines, -1)).reshape(
        -1, nb_points, 3, 3
    )
    covariance -= shift[..., :, None] * shift[..., None, :]
    covariance *= nb_streamlines / (nb_streamlines - 1)
    spread = np.sqrt(np.trace(covariance, axis1=-2, axis2=-1).mean(axis=1))
    steps = np.gradient(usual + shift, axis=1)
    tangents = steps / np.maximum(np.linalg.norm(steps, axis=-1), _LEAST)[..., None]
    # Across a direction, the determinant is what the adjugate has along it.
    across = np.einsum("mpi,mpij,mpj->mp", tangents, _adjugate(covariance), tangents)
    # The square root of a determinant of two normal numbers is too small by this.
    area = 4 * np.pi * np.sqrt(np.maximum(across, 0)).mean(axis=1)
    area *= (nb_streamlines - 1) / (nb_streamlines - 2)
    length, curvature = (weights @ each).T
    measures = np.stack([length, length * area, spread, curvature], axis=1)
    return np.log(np.maximum(measures, _LEAST))


def _adjugate(matrices: np.ndarray) -> np.ndarray:
    """Return the adjugates of symmetric matrices (..., 3, 3)."""
    rows = [matrices[..., i, :] for i in range(3)]
    crossed = [np.cross(rows[i - 2], rows[i - 1]) for i in range(3)]
    return np.stack(crossed, axis=-2)
