"""Filtering by the distance of latents to those of plausible streamlines."""

from __future__ import annotations

import numpy as np

from .neighbours import NONE, NearestLatents
from .thresholds import figures


class LatentFilter(NearestLatents):
    """Tells plausible streamlines from others by their latents.

    A streamline is plausible if its latents are near those of a plausible one
    :footcite:p:`Legarreta2021`. How near is learnt of streamlines of both kinds, or of
    plausible ones alone, for each bundle where bundles are known.

    Parameters
    ----------
    criterion : {"f1", "balanced_accuracy"}, optional
        What the thresholds make as large as possible.
    kept_share : float, optional
        Learn each threshold such that this share of held-out plausible latents is
        kept, in place of the criterion.
    nb_folds : int, optional
        Number of folds; distances and figures are held-out ones.
    seed : int, optional
        Fixes the folds.

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

    def fit(self, z, plausible, bundles=None, groups=None) -> LatentFilter:
        """Learn the thresholds.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents, such that Euclidean distances mean something (`LatentMetric`).
        plausible : ndarray of shape (n,), bool
            Whether each is plausible.
        bundles : ndarray of shape (n,), int, optional
            Bundle of each plausible one, from 0; one bundle without it.
        groups : ndarray of shape (n,), int, optional
            Those of a group are in one fold, as a streamline and what was made of it.

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
        plausible = np.asarray(plausible)
        if plausible.dtype != bool:
            raise ValueError(
                f"plausible is of the type {plausible.dtype}: give True or False."
            )
        if bundles is None:
            bundles = np.zeros(len(plausible), dtype=np.int32)
        labels = np.where(plausible, bundles, NONE)
        self.classes_ = np.array([False, True])
        self._fit(z, labels, groups, lambda bundles, nearest: bundles > NONE)
        return self

    def decision_function(self, z) -> np.ndarray:
        """Say how plausible latents are.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.

        Returns
        -------
        ndarray of shape (n,)
            One minus the distance over the threshold: zero or more where plausible.
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
            Whether each is.
        """
        return self.relative_distances(z) <= 1

    def held_out_figures(self, plausible) -> dict:
        """Measure the filter on what it was fitted to, each fold by the others.

        Parameters
        ----------
        plausible : ndarray of shape (n,), bool
            As in `fit`.

        Returns
        -------
        dict
            As `figures` gives it.
        """
        relative = self.held_out_relative_
        return figures(relative, relative <= 1, plausible)
