"""Filter of latents by their distance to those of plausible streamlines."""

from __future__ import annotations

import numpy as np

from .neighbours import NONE, NearestLatents
from .thresholds import figures


class LatentFilter(NearestLatents):
    """Classifier of plausible and other latents.

    Latents are plausible if they are near those of a plausible streamline
    :footcite:p:`Legarreta2021`. The threshold of each bundle is learnt from examples
    of both kinds, or, with `kept_share`, from plausible ones alone.

    Parameters
    ----------
    criterion : {"f1", "balanced_accuracy"}, optional
        Measure that the thresholds maximise.
    kept_share : float, optional
        Share of held-out plausible latents that each threshold keeps, in place of the
        criterion.
    nb_folds : int, optional
        Number of folds of the cross-validation.
    seed : int, optional
        Seed of the folds.

    Attributes
    ----------
    reference_, bundles_, thresholds_, held_out_relative_, held_out_nearest_
        As of `NearestLatents`.

    Examples
    --------
    >>> import numpy as np
    >>> from dipy_tractogen.segment.filter import LatentFilter
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(200, 3)) + 8 * (np.arange(200) < 100)[:, None]
    >>> plausible = np.arange(200) < 100
    >>> LatentFilter().fit(z, plausible).predict([[8, 8, 8], [0, 0, 0]])
    array([ True, False])

    References
    ----------
    .. footbibliography::
    """

    def fit(self, z, y, bundles=None, groups=None) -> LatentFilter:
        """Fit the thresholds.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents with meaningful Euclidean distances (see `LatentMetric`).
        y : ndarray of shape (n,), bool
            Whether each is plausible.
        bundles : ndarray of shape (n,), int, optional
            Bundle of each plausible one, from 0; by default one bundle.
        groups : ndarray of shape (n,), int, optional
            Groups that are kept in one fold, as a streamline and its copies.

        Returns
        -------
        LatentFilter
            Itself.

        Raises
        ------
        ValueError
            If an array does not fit, fewer than two are plausible, or all are and
            there is no `kept_share`.
        """
        plausible = np.asarray(y)
        if plausible.dtype != bool:
            raise ValueError(
                f"y is of the type {plausible.dtype}: give True for plausible latents "
                "and False for others."
            )
        if bundles is None:
            bundles = np.zeros(len(plausible), dtype=np.int32)
        labels = np.where(plausible, bundles, NONE)
        self.classes_ = np.array([False, True])
        self._fit(z, labels, groups, lambda bundles, nearest: bundles > NONE)
        return self

    def decision_function(self, z) -> np.ndarray:
        """Return how plausible latents are.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.

        Returns
        -------
        ndarray of shape (n,)
            One minus the distance over the threshold; not negative where plausible.
        """
        return 1 - self.relative_distances(z)

    def predict(self, z) -> np.ndarray:
        """Return whether latents are plausible.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.

        Returns
        -------
        ndarray of shape (n,), bool
            Whether each is plausible.
        """
        return self.relative_distances(z) <= 1

    def held_out_figures(self, plausible) -> dict:
        """Return `figures` of the cross-validation, for `plausible` as in `fit`."""
        relative = self.held_out_relative_
        return figures(relative, relative <= 1, plausible)
