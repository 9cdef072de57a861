"""Sharp ends without ends of training streamlines."""

from __future__ import annotations

import numpy as np

from ..texture.endpoints import Endpoints
from .mixtures import GroupMixtures

_SIDES = (0, 1)


class FittedEndpoints(Endpoints):
    """Ends whose density is a Gaussian mixture of each side of a bundle.

    A generated end is replaced by a draw from the posterior of the end without the
    error of the decoder, as those of `Endpoints` are.

    Attributes
    ----------
    mixtures : GroupMixtures
        Mixtures of the ends in mm; the group is twice the bundle, and one more for the
        last points.
    blurs : ndarray of shape (b, 2), float32
        Deviation of the error of the ends of each bundle in mm.
    effects : ndarray of shape (b, q, 2, 3), float32
        Effects of the conditions on the ends in mm.
    """

    def __init__(self, mixtures: GroupMixtures, blurs: np.ndarray, effects: np.ndarray):
        super().__init__()
        self.mixtures, self.blurs, self.effects = mixtures, blurs, effects
        self.labels = (mixtures.groups[::2] // 2).astype(np.int32)

    @classmethod
    def of(cls, ends: Endpoints, bundles: np.ndarray, seed: int) -> FittedEndpoints:
        """Fit the ends of some bundles, which have 20 or more."""
        rows = np.isin(ends.labels, bundles)
        groups = 2 * ends.labels[rows, None] + np.array(_SIDES)
        mixtures = GroupMixtures.fit(
            ends.points[rows].reshape(-1, 3), groups.ravel(), seed=seed
        )
        own = np.isin(np.unique(ends.labels), bundles)
        return cls(mixtures, ends.blurs[own], ends.effects[own])

    def _density(self, label: int, side: int) -> _EndMixture | None:
        key = (label, side)
        if key not in self._densities:
            blur = float(self.blurs[np.searchsorted(self.labels, label), side])
            mixture = self.mixtures.mixture(2 * label + side)
            self._densities[key] = _EndMixture(mixture, blur) if blur > 0 else None
        return self._densities[key]


class _EndMixture:
    """Posterior of ends, given ends with an error of a deviation in mm."""

    def __init__(self, mixture, blur: float):
        covariances = np.matmul(mixture.factors, mixture.factors.transpose(0, 2, 1))
        noisy = np.linalg.cholesky(covariances + blur**2 * np.eye(3))
        self._whitening = np.linalg.inv(noisy)
        self._logs = np.log(mixture.weights)
        self._logs -= np.log(np.diagonal(noisy, axis1=1, axis2=2)).sum(axis=1)
        self._centres = mixture.centres
        # Share of the difference from a centre that the posterior keeps.
        precision = np.matmul(self._whitening.transpose(0, 2, 1), self._whitening)
        self._gains = np.matmul(covariances, precision)
        rest = covariances - np.matmul(self._gains, covariances)
        rest = (rest + rest.transpose(0, 2, 1)) / 2
        values, axes = np.linalg.eigh(rest)
        roots = np.sqrt(np.maximum(values, 0))
        self._roots = np.einsum("kij,kj,klj->kil", axes, roots, axes)

    def draw(self, blurred: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw ends (n, 3) without the error, given those with it (n, 3)."""
        away = blurred[:, None] - self._centres
        squares = np.einsum("nki,kji->nkj", away, self._whitening) ** 2
        logs = self._logs - 0.5 * squares.sum(axis=2)
        # The argmax of logarithms with Gumbel noise is a draw from the categories.
        chosen = np.argmax(logs + rng.gumbel(size=logs.shape), axis=1)
        away = blurred - self._centres[chosen]
        noise = rng.standard_normal(blurred.shape)
        drawn = self._centres[chosen]
        drawn += np.einsum("nij,nj->ni", self._gains[chosen], away)
        return drawn + np.einsum("nij,nj->ni", self._roots[chosen], noise)
