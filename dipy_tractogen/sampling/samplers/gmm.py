"""Sampler with a Gaussian mixture for each stratum."""

from __future__ import annotations

import warnings

import numpy as np

from dipy_tractogen.utils.messages import check_choice

from .base import LatentSampler, posterior_draws, variance_floor
from .gaussian_mixture import ConditionalGaussianMixture

# Latents for each dimension of a component that a full covariance needs.
_LATENTS_PER_DIMENSION = 3
CRITERIA = ("bic", "aic")
"""Information criteria by which the number of components is chosen."""


class MixtureSampler(LatentSampler):
    """Gaussian mixtures with full covariances.

    A standard normal prior covers latents that no bundle uses; a density fitted to the
    latents of the training streamlines does not :footcite:p:`Ghosh2020`. Mixtures are
    fitted to several draws from the posterior of each streamline.

    Parameters
    ----------
    max_components : int, optional
        Numbers of components are 1, 2, 4 and so on up to this number, while the
        criterion improves; fewer where a stratum has few latents.
    criterion : {"bic", "aic"}, optional
        Bayesian or Akaike's information criterion; the latter takes more components.
    seed : int, optional
        Seed of the fit.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self, *, max_components: int = 16, criterion: str = "bic", seed: int = 0
    ):
        super().__init__(seed=seed)
        self.max_components = max_components
        self.criterion = criterion

    def _check_parameters(self) -> None:
        if self.max_components < 1:
            raise ValueError(f"max_components={self.max_components}: give 1 or more.")
        check_choice("criterion", self.criterion, CRITERIA)

    def fit_stratum(self, x, deviations, weights, rng) -> ConditionalGaussianMixture:
        """Fit a mixture; see `LatentSampler.fit_stratum`."""
        z = posterior_draws(x, deviations, weights, rng)
        nb_dims = z.shape[1]
        floor = variance_floor(z)
        if len(z) < 2 or nb_dims == 0:
            return ConditionalGaussianMixture(
                z[:1], np.sqrt(floor) * np.eye(nb_dims)[None], np.ones(1)
            )
        most = max(1, len(z) // (_LATENTS_PER_DIMENSION * nb_dims))
        best = fit_mixture(
            z,
            most=min(self.max_components, most),
            floor=floor,
            criterion=self.criterion,
            seed=self.seed,
        )
        factors = np.linalg.cholesky(best.covariances_)
        return ConditionalGaussianMixture(best.means_, factors, best.weights_)


def fit_mixture(
    z: np.ndarray,
    *,
    most: int,
    floor: float,
    criterion: str = "bic",
    smallest: float = 0.0,
    seed: int = 0,
):
    """Return the scikit-learn mixture of numbers (n, d) that a criterion chooses.

    Numbers of components are 1, 2, 4 and so on up to `most`, while the criterion
    improves and no component has a weight below `smallest`; `floor` is added to the
    diagonal of the covariances.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    best, lowest = None, np.inf
    for power in range(max(1, most).bit_length()):
        mixture = GaussianMixture(2**power, reg_covar=floor, random_state=seed)
        with warnings.catch_warnings():
            # A fit that has not quite converged may still be the best.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = getattr(mixture.fit(z), criterion)(z)
        too_small = best is not None and mixture.weights_.min() < smallest
        if found > lowest or too_small:
            break
        best, lowest = mixture, found
    return best
