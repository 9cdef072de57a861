"""Sampler that draws latents from the prior of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .base import LatentSampler
from .gaussian_mixture import ConditionalGaussianMixture
from .kde import KernelSampler


class PriorSampler(LatentSampler):
    """Latents from the prior; only numbers are drawn as in the training.

    A posterior matches its prior only in part, so this covers latents that no
    streamline has. It shows how far the latents of the training are from the prior.

    Parameters
    ----------
    draw : callable, optional
        Takes strata (n,), numbers (n, q) and a ``numpy.random.Generator``, and returns
        latents (n, d); standard normal ones without it.
    seed : int, optional
        Seed of the fit.
    """

    of_active_only = False

    def __init__(self, *, draw: Callable | None = None, seed: int = 0):
        super().__init__(seed=seed)
        self.draw = draw

    def fit(self, z, conditions=None, *, deviations=None, weights=None):
        """Fit the numbers of each stratum; see `LatentSampler.fit`."""
        super().fit(z, conditions, deviations=deviations, weights=weights)
        for label, stratum in self.strata_.items():
            stratum.label = label
        return self

    def fit_stratum(self, x, deviations, weights, rng) -> _Prior:
        """Fit the numbers; see `LatentSampler.fit_stratum`."""
        numbers = slice(0, self.nb_numbers_)
        density = None
        if self.nb_numbers_:
            kernels = KernelSampler(bandwidth="silverman", seed=self.seed)
            density = kernels.fit_stratum(
                x[:, numbers], deviations[:, numbers], weights, rng
            )
        return _Prior(density, self.draw, self.n_features_in_)


@dataclass
class _Prior:
    """Numbers from their density, and latents from the prior."""

    numbers: ConditionalGaussianMixture | None
    prior: Callable | None
    latent_dim: int
    label: int = 0

    def draw(self, nb_draws, columns, values, rng) -> np.ndarray:
        """Draw vectors of which some columns are given, as a mixture does."""
        numbers = np.zeros((nb_draws, 0))
        if self.numbers is not None:
            numbers = self.numbers.draw(nb_draws, columns, values, rng)
        if self.prior is None:
            z = rng.standard_normal((nb_draws, self.latent_dim))
        else:
            z = self.prior(np.full(nb_draws, self.label), numbers, rng)
        return np.concatenate([numbers, z], axis=1)
