"""Prior of the mean and the covariance of a subject's bundle, and its posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Where the subjects of a training are not known, the means of subjects vary by this
# share of the variance within a bundle, so that 10 streamlines count as much as the
# model: by 2 mm where a bundle is 6 mm wide. Covariances vary as those of 40
# streamlines.
BETWEEN_SHARE = 1 / 10
STRENGTH = 40.0


@dataclass
class SubjectPrior:
    """Distribution of a subject's mean and covariance in a bundle.

    The mean is normal about that of the model; the covariance is inverse Wishart
    :footcite:p:`Gelman2013`.

    Attributes
    ----------
    within : ndarray of shape (w, w)
        Covariance of a subject's streamlines.
    between : ndarray of shape (w, w)
        Covariance of the means of subjects.
    strength : float
        How many streamlines the covariance `within` counts as.
    factor : ndarray of shape (w, w), optional
        Lower Cholesky factor of `within`, computed without it.

    References
    ----------
    .. footbibliography::
    """

    within: np.ndarray
    between: np.ndarray
    strength: float
    factor: np.ndarray | None = None

    def __post_init__(self):
        if self.factor is None:
            self.factor = np.linalg.cholesky(self.within)

    @classmethod
    def default(cls, within: np.ndarray) -> SubjectPrior:
        """Return the prior for a model that knows no subjects."""
        return cls(within, BETWEEN_SHARE * within, STRENGTH)

    def posterior(
        self, nb_streamlines: float, difference: np.ndarray, scatter: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the mean of the posterior, given streamlines of a subject.

        Parameters
        ----------
        nb_streamlines : float
            Number of streamlines.
        difference : ndarray of shape (w,)
            Their mean less that of the model.
        scatter : ndarray of shape (w, w)
            Sum of the products of their differences from their mean.

        Returns
        -------
        shift : ndarray of shape (w,)
            Difference of the subject's mean from that of the model.
        covariance : ndarray of shape (w, w)
            Covariance of the subject's streamlines.
        """
        shift = self.shifts(np.array([nb_streamlines]), difference[None])[0]
        total = self.strength * self.within + scatter
        return shift, total / (self.strength + nb_streamlines)

    def shifts(self, counts: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """Compute such shifts (s, w) of subjects by differences (s, w) of their means.

        `counts` (s,) are the numbers of their streamlines.
        """
        half = np.linalg.solve(self.factor, self.between)
        values, axes = np.linalg.eigh(np.linalg.solve(self.factor, half.T))
        values = np.maximum(values, 0)
        known = values / (values + 1 / counts[:, None])
        white = np.linalg.solve(self.factor, differences.T).T @ axes
        return (known * white) @ axes.T @ self.factor.T

    def weight(self, nb_streamlines: float) -> float:
        """Return the share of the variance between subjects that streamlines tell."""
        noisy = self.between + self.within / nb_streamlines
        known = self.between @ np.linalg.solve(noisy, self.between)
        relative = [
            np.trace(np.linalg.solve(self.within, each))
            for each in (known, self.between)
        ]
        return float(relative[0] / relative[1])
