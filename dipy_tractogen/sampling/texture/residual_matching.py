"""Choice of streamlines that are like others in length and in shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from dipy_tractogen.streamlines.geometry import cosine_basis

# Coefficients an axis, and how many principal components of them tell like shapes.
_NB_COEFFICIENTS = 6
_NB_COMPONENTS = 4
# Deviation of the noise that makes the nearest one a draw, in deviations of a bundle.
_SPREAD = 0.25
# One that is not more than so much farther than the nearest does as well, and is found
# faster.
_SLACK = 1.0
_TINY = 1e-6


class Descriptors(NamedTuple):
    """What streamlines are compared by.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        Bundle of each.
    sizes : ndarray of shape (n, s)
        Logarithms of lengths or of their ratios.
    shapes : ndarray of shape (n, c)
        From `coarse_shapes`.
    """

    labels: np.ndarray
    sizes: np.ndarray
    shapes: np.ndarray


def coarse_shapes(points: np.ndarray) -> np.ndarray:
    """Describe where streamlines are and how they bend, in the large.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in mm, each streamline in the direction of its bundle.

    Returns
    -------
    ndarray of shape (n, c), float32
        First cosine coefficients, in mm for each point.
    """
    nb_points = points.shape[1]
    basis = cosine_basis(nb_points, min(_NB_COEFFICIENTS, nb_points))
    coefficients = np.matmul(basis / np.float32(np.sqrt(nb_points)), points)
    return coefficients.reshape(len(points), 3 * len(basis)).astype(np.float32)


class ResidualMatcher:
    """Streamlines of which those that are like others are drawn.

    Parameters
    ----------
    known : Descriptors
        Those to choose from.
    weights : sequence of float
        How much each of the s sizes counts, against one for a component of the shape.
    """

    def __init__(self, known: Descriptors, weights: Sequence[float]):
        self._bundles = {
            int(label): _BundleOfKnown(known, label, weights)
            for label in np.unique(known.labels)
        }

    def draw(self, asked: Descriptors, seed) -> np.ndarray:
        """Draw for each streamline one of the same bundle that is like it.

        It is the nearest, or one not much farther, to a point drawn about the
        streamline's own sizes and the principal components of its shape, in deviations
        of the bundle.

        Parameters
        ----------
        asked : Descriptors
            Those to be like; their bundles are known.
        seed : int, sequence of int or numpy.random.Generator
            Fixes the draw.

        Returns
        -------
        ndarray of shape (n,), int
            Index into those to choose from, for each that is asked.
        """
        rng = np.random.default_rng(seed)
        chosen = np.zeros(len(asked.labels), dtype=np.intp)
        for label in np.unique(asked.labels):
            seekers = np.flatnonzero(asked.labels == label)
            chosen[seekers] = self._bundles[int(label)].draw(
                asked.sizes[seekers], asked.shapes[seekers], rng
            )
        return chosen


class _BundleOfKnown:
    """What is searched of one bundle, made once for all that is drawn."""

    def __init__(self, known: Descriptors, label: int, weights: Sequence[float]):
        self._members = np.flatnonzero(known.labels == label)
        shapes = known.shapes[self._members]
        self._axes, self._centre = _principal_axes(shapes)
        components = (shapes - self._centre) @ self._axes
        ours = np.column_stack([known.sizes[self._members], components])
        self._scale = np.array([*weights, *np.ones(self._axes.shape[1])])
        self._scale /= ours.std(axis=0) + _TINY
        self._tree = cKDTree(ours * self._scale)

    def draw(
        self, sizes: np.ndarray, shapes: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        components = (shapes - self._centre) @ self._axes
        theirs = np.column_stack([sizes, components])
        noise = _SPREAD * rng.standard_normal(theirs.shape)
        _, nearest = self._tree.query(theirs * self._scale + noise, eps=_SLACK)
        return self._members[nearest]


def _principal_axes(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes of shapes, as columns, and their centre."""
    centre = shapes.mean(axis=0)
    _, _, axes = np.linalg.svd(shapes - centre, full_matrices=False)
    return axes[:_NB_COMPONENTS].T, centre
