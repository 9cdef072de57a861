"""Residuals of training streamlines with a length and shape like those of others."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .details import decoded_coefficients

NB_COEFFICIENTS = 6
"""Coefficients for each axis that are compared."""

# Principal components of the coefficients, which are compared.
_NB_COMPONENTS = 8
# Weights of the logarithms of the length and of its ratio to the decoded one; that of a
# component of the shape is one.
_WEIGHTS = (4.0, 2.0)
# Deviation of the noise by which the nearest one is random, in deviations of a bundle.
_SPREAD = 0.25
# One at up to so much more than the smallest distance is as good, and found faster.
_SLACK = 1.0
_TINY = 1e-6


def coarse_shapes(points: np.ndarray) -> np.ndarray:
    """Compute the first cosine coefficients (n, c) of streamlines (n, nb_points, 3).

    They describe place and coarse shape, in mm for each point, float32.
    """
    return shapes_of(decoded_coefficients(points, NB_COEFFICIENTS))


def shapes_of(coefficients: np.ndarray) -> np.ndarray:
    """Return such shapes (n, c) from cosine coefficients (n, k, 3) in mm."""
    first = coefficients[:, :NB_COEFFICIENTS]
    return first.reshape(len(first), 3 * NB_COEFFICIENTS)


def orders_of(shapes: np.ndarray, nb_orders: int) -> np.ndarray:
    """Return the first cosine coefficients (n, k, 3) in mm of shapes (n, c)."""
    return shapes.reshape(len(shapes), -1, 3)[:, :nb_orders]


class ResidualMatcher:
    """Draw, for streamlines, similar ones from the r that have residuals.

    Compared are bundles (r,), lengths (r,) of decoded coarse shapes and of streamlines,
    and shapes (r, c) from `coarse_shapes`.
    """

    def __init__(self, labels, decoded, lengths, shapes):
        sizes = _sizes(decoded, lengths)
        self._bundles = {
            int(label): _BundleMatcher(np.flatnonzero(labels == label), sizes, shapes)
            for label in np.unique(labels)
        }

    def draw(self, labels, decoded, lengths, shapes, seed) -> np.ndarray:
        """Draw the index (n,) of a similar streamline of the same bundle for each of n.

        A point is drawn about the streamline's lengths and the principal components of
        its shape, scaled by the deviations of the bundle; the nearest one, or one not
        much farther, is taken.
        """
        rng = np.random.default_rng(seed)
        sizes = _sizes(decoded, lengths)
        chosen = np.zeros(len(labels), dtype=np.intp)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            matcher = self._bundles[int(label)]
            chosen[rows] = matcher.draw(sizes[rows], shapes[rows], rng)
        return chosen


def _sizes(decoded: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return logarithms of lengths and of their ratios to decoded ones."""
    return np.log(np.column_stack([lengths, lengths / decoded]))


class _BundleMatcher:
    """Search tree of one bundle."""

    def __init__(self, members: np.ndarray, sizes: np.ndarray, shapes: np.ndarray):
        self._members, shapes = members, shapes[members]
        self._centre = shapes.mean(axis=0)
        _, _, axes = np.linalg.svd(shapes - self._centre, full_matrices=False)
        self._axes = axes[:_NB_COMPONENTS].T
        features = self._features(sizes[members], shapes)
        self._scale = np.array([*_WEIGHTS, *np.ones(self._axes.shape[1])])
        self._scale /= features.std(axis=0) + _TINY
        self._tree = cKDTree(features * self._scale)

    def _features(self, sizes: np.ndarray, shapes: np.ndarray) -> np.ndarray:
        return np.column_stack([sizes, (shapes - self._centre) @ self._axes])

    def draw(self, sizes, shapes, rng: np.random.Generator) -> np.ndarray:
        features = self._features(sizes, shapes)
        noise = _SPREAD * rng.standard_normal(features.shape)
        _, nearest = self._tree.query(features * self._scale + noise, eps=_SLACK)
        return self._members[nearest]
