"""Sampler with the same Gaussian kernel at each latent."""

from __future__ import annotations

import numpy as np

from .base import LatentSampler, posterior_draws, variance_floor
from .gaussian_mixture import ConditionalGaussianMixture

_BANDWIDTHS = np.geomspace(0.05, 1.5, 12)
_NB_FOLDS = 5
# Number of latents in the choice of the bandwidth.
_MOST_COMPARED = 1000


class KernelSampler(LatentSampler):
    r"""Kernel density with the covariance of the whole stratum.

    The kernel's covariance is :math:`h^2` times that of the latents of the stratum, one
    draw from the posterior of each streamline.

    Parameters
    ----------
    bandwidth : {"cross_validation", "silverman"} or float, optional
        The number :math:`h`, or how it is chosen: by the likelihood of held-out
        latents, or by Silverman's rule for normal distributions
        :footcite:p:`Silverman1986`.
    seed : int, optional
        Seed of the draws and of the folds.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, *, bandwidth="cross_validation", seed: int = 0):
        super().__init__(seed=seed)
        self.bandwidth = bandwidth

    def _check_parameters(self) -> None:
        known = self.bandwidth in ("cross_validation", "silverman")
        is_number = isinstance(self.bandwidth, (int, float)) and self.bandwidth > 0
        if not (known or is_number):
            raise ValueError(
                f"bandwidth={self.bandwidth!r}: give cross_validation, silverman or a "
                "positive number."
            )

    def fit_stratum(self, x, deviations, weights, rng) -> ConditionalGaussianMixture:
        """Choose the kernel; see `LatentSampler.fit_stratum`."""
        z = posterior_draws(x, deviations, np.full(len(x), 1 / len(x)), rng, most=1)
        nb_dims = z.shape[1]
        covariance = variance_floor(z) * np.eye(nb_dims)
        if len(z) > 1:
            covariance += np.cov(z, rowvar=False).reshape(nb_dims, nb_dims)
        factor = np.linalg.cholesky(covariance)
        white = np.linalg.solve(factor, (z - z.mean(axis=0)).T).T
        width = self._choose_bandwidth(white, rng)
        return ConditionalGaussianMixture(z, width * factor[None], weights)

    def _choose_bandwidth(self, white: np.ndarray, rng: np.random.Generator) -> float:
        nb_latents, nb_dims = white.shape
        silverman = (nb_latents * (nb_dims + 2) / 4) ** (-1 / (nb_dims + 4))
        if not isinstance(self.bandwidth, str):
            return float(self.bandwidth)
        if self.bandwidth == "silverman" or nb_latents < 2 * _NB_FOLDS:
            return float(silverman)
        from sklearn.model_selection import GridSearchCV
        from sklearn.neighbors import KernelDensity

        some = rng.permutation(nb_latents)[:_MOST_COMPARED]
        search = GridSearchCV(
            KernelDensity(), {"bandwidth": _BANDWIDTHS}, cv=_NB_FOLDS, refit=False
        )
        return float(search.fit(white[some]).best_params_["bandwidth"])
