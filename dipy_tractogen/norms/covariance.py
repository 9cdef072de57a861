"""Covariance between subjects, shrunk towards that of independent components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import multigammaln

# Logarithm of the degrees of freedom of the prior, beyond the fewest.
_FREEDOM = (0.0, 7.0)
_FLOOR = 1e-8


@dataclass
class Wishart:
    """Inverse Wishart distribution of a covariance :footcite:p:`Gelman2013`.

    Attributes
    ----------
    total : ndarray of shape (k, k)
        Its scale.
    freedom : float
        Its degrees of freedom.

    References
    ----------
    .. footbibliography::
    """

    total: np.ndarray
    freedom: float

    @property
    def covariance(self) -> np.ndarray:
        """Inverse (k, k) of the expected precision."""
        return self.total / self.freedom

    @property
    def scale(self) -> np.ndarray:
        """Scale (k, k) of the t distribution of another draw."""
        return self.total / (self.freedom - len(self.total) + 1)


class ShrunkCovariance:
    """Posterior of a covariance whose prior is learned with it.

    The prior has independent components; its variances and its weight maximise the
    marginal likelihood.

    Parameters
    ----------
    nb_components : int
        Number of components k.
    """

    def __init__(self, nb_components: int):
        self._variances = np.ones(nb_components)
        self._log_freedom = 1.0

    def update(self, scatter: np.ndarray, nb_subjects: int) -> Wishart:
        """Return the posterior given the sum of products (k, k) of subjects.

        The prior is made more likely, by a step.
        """
        found = minimize_scalar(
            lambda log: -self._evidence(log, scatter, nb_subjects),
            bounds=_FREEDOM,
            method="bounded",
            options={"xatol": 0.05},
        )
        self._log_freedom = float(found.x)
        posterior = self._posterior(self._log_freedom, scatter, nb_subjects)
        precision = posterior.freedom * np.diag(np.linalg.inv(posterior.total))
        self._variances = np.maximum(1 / precision, _FLOOR)
        return self._posterior(self._log_freedom, scatter, nb_subjects)

    def _before(self, log_freedom: float) -> float:
        return len(self._variances) + 1 + np.exp(log_freedom)

    def _posterior(self, log_freedom, scatter, nb_subjects) -> Wishart:
        before = self._before(log_freedom)
        total = scatter + np.diag(before * self._variances)
        return Wishart((total + total.T) / 2, before + nb_subjects)

    def _evidence(self, log_freedom, scatter, nb_subjects) -> float:
        """Return the log marginal likelihood, up to a constant."""
        before, nb_components = self._before(log_freedom), len(scatter)
        after = self._posterior(log_freedom, scatter, nb_subjects)
        return (
            before / 2 * np.log(before * self._variances).sum()
            - after.freedom / 2 * np.linalg.slogdet(after.total)[1]
            + multigammaln(after.freedom / 2, nb_components)
            - multigammaln(before / 2, nb_components)
        )
