"""What a model expects of a stratum, given the numbers of a subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..samplers.gaussian_mixture import ConditionalGaussianMixture

# Added to variances, as a share of each.
_FLOOR = 1e-6
_TINY = 1e-12


@dataclass
class Baseline:
    """Mean and covariance of the columns that differ within a subject.

    Given the g other columns of a stratum, such as an age, the mean of the w columns is
    linear in them.

    Attributes
    ----------
    free : ndarray of shape (w + g,), bool
        Which columns differ within a subject.
    mean : ndarray of shape (w + g,)
        Mean of all columns.
    slopes : ndarray of shape (w, g)
        Changes of the columns with the given ones.
    covariance : ndarray of shape (w, w)
        Covariance of the columns, given the others.
    """

    free: np.ndarray
    mean: np.ndarray
    slopes: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, mixture: ConditionalGaussianMixture, free: np.ndarray) -> Baseline:
        """Compute the baseline of a mixture of w + g columns."""
        mean, covariance = mixture.moments()
        cross = covariance[np.ix_(free, ~free)]
        slopes = cross @ np.linalg.pinv(covariance[np.ix_(~free, ~free)])
        within = covariance[np.ix_(free, free)] - slopes @ cross.T
        return cls(free, mean, slopes, with_floor(within))

    def affine(self, shift: np.ndarray, covariance: np.ndarray) -> tuple:
        """Return the map that moves and scales the columns about their mean.

        Parameters
        ----------
        shift : ndarray of shape (w,)
            Displacement of the mean.
        covariance : ndarray of shape (w, w)
            Covariance that they get.

        Returns
        -------
        matrix : ndarray of shape (w + g, w + g)
            Matrix of the map; given columns stay as they are.
        offset : ndarray of shape (w + g,)
            What is added then.
        """
        free = self.free
        scale = covariance_map(self.covariance, covariance)
        rest = scale - np.eye(len(scale))
        matrix, offset = np.eye(len(free)), np.zeros(len(free))
        matrix[np.ix_(free, free)] = scale
        matrix[np.ix_(free, ~free)] = -rest @ self.slopes
        centre = self.mean[free] - self.slopes @ self.mean[~free]
        offset[free] = shift - rest @ centre
        return matrix, offset


def covariance_map(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the matrix that changes a covariance (w, w) to another one.

    Of all it is the one nearest to the identity where the first covariance is white.
    """
    factor = np.linalg.cholesky(before)
    half = np.linalg.solve(factor, after)
    values, axes = np.linalg.eigh(np.linalg.solve(factor, half.T))
    root = axes * np.sqrt(np.maximum(values, 0)) @ axes.T
    return np.linalg.solve(factor.T, (factor @ root).T).T


def with_floor(covariance: np.ndarray) -> np.ndarray:
    """Return a covariance (w, w) with a little more on its diagonal."""
    diagonal = np.diagonal(covariance)
    return covariance + np.diag(_FLOOR * np.maximum(diagonal, 0) + _TINY)
