"""Filter of latents by their distance to those of plausible streamlines."""

from __future__ import annotations

import numpy as np
from sklearn.base import OutlierMixin

from dipy_tractogen.utils.constructors import documented

from .neighbours import NONE, NearestLatents, check_latents
from .thresholds import ThresholdParameters, figures


@documented(ThresholdParameters, raises=False)
class LatentFilter(OutlierMixin, NearestLatents):
    """Detector of latents that are not those of plausible streamlines.

    Latents are plausible if they are near those of a plausible streamline
    :footcite:p:`Legarreta2021`. The threshold of each bundle is fitted to examples of
    both kinds, or, with `kept_share`, to plausible ones alone.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    reference_, bundles_, thresholds_, held_out_relative_, held_out_nearest_
        As of `NearestLatents`.
    offset_ : float
        Score at the thresholds.

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

    offset_ = -1.0

    def fit(self, z, y=None, bundles=None, groups=None) -> LatentFilter:
        """Fit the thresholds.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents with meaningful Euclidean distances (see `LatentMetric`).
        y : ndarray of shape (n,), bool, optional
            Whether each is plausible; by default all are, which needs `kept_share`.
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
            If an array does not fit, a parameter is out of its range, fewer than two
            are plausible, or all are and there is no `kept_share`.
        """
        z = check_latents(z)
        plausible = np.ones(len(z), bool) if y is None else np.asarray(y)
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

    def score_samples(self, z) -> np.ndarray:
        """Return the score of latents (n, d): the larger, the more plausible.

        It is the negative of the distance over the threshold, of shape (n,).
        """
        return -self.relative_distances(z)

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
        return self.score_samples(z) - self.offset_

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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.kept_share is None
        return tags
