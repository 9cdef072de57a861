"""Moments of numbers and latents, summed block by block."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.conditions import COMPUTED, Conditions


class StratumMoments:
    """Numbers, means and covariances of vectors (w,) in each of m strata.

    Vectors are added a block at a time, and are not kept.

    Parameters
    ----------
    nb_strata : int
        Number of strata m.
    width : int
        Columns w of a vector.

    Attributes
    ----------
    counts : ndarray of shape (m,)
        Number of vectors of each stratum.
    """

    def __init__(self, nb_strata: int, width: int):
        self.counts = np.zeros(nb_strata)
        self._sums = np.zeros((nb_strata, width))
        self._squares = np.zeros((nb_strata, width, width))

    def add(
        self, x: np.ndarray, stratum_of: np.ndarray, variances: np.ndarray | float = 0.0
    ) -> None:
        """Add vectors (n, w) of strata (n,), with variances (n, w) of their own."""
        variances = np.broadcast_to(variances, x.shape)
        for stratum in np.unique(stratum_of):
            rows = stratum_of == stratum
            own = x[rows].astype(float)
            self.counts[stratum] += len(own)
            self._sums[stratum] += own.sum(axis=0)
            self._squares[stratum] += own.T @ own
            self._squares[stratum] += np.diag(variances[rows].sum(axis=0))

    @property
    def means(self) -> np.ndarray:
        """Means (m, w); zero in a stratum without vectors."""
        return self._sums / np.maximum(self.counts, 1)[:, None]

    def scatters(self) -> np.ndarray:
        """Return sums (m, w, w) of products of differences from the means."""
        means = self.means
        products = means[:, :, None] * means[:, None]
        return self._squares - self.counts[:, None, None] * products


def free_columns(conditions: Conditions, nb_latents: int) -> np.ndarray:
    """Return which columns (q + a,) of numbers and latents differ within a subject.

    An age or another number of the subject does not; those computed from points do, and
    so do the `nb_latents` a latents.
    """
    computed = [one.name in COMPUTED for one in conditions.continuous]
    return np.concatenate([computed, np.ones(nb_latents)]).astype(bool)
