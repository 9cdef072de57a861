"""Nearest neighbours among latents of known bundles, with thresholds by bundle."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_array, check_is_fitted

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.constructors import documented
from dipy_tractogen.utils.schema import SchemaError

from .thresholds import ThresholdParameters, best_threshold

NONE = -1
"""Label of what belongs to no bundle."""

NEIGHBOURS_ARRAYS = {
    "reference": Array("f", ("m", "width"), -1e7, 1e7),
    "bundles": Array("iu", ("m",), 0, "nb_thresholds"),
    "thresholds": Array("f", ("nb_thresholds",), 0, 1e9),
}
"""Arrays of a fitted `NearestLatents` in a file."""

# A bundle has a threshold of its own if it has as many examples of either kind.
_FEWEST = 10


@documented(ThresholdParameters, raises=False)
class NearestLatents(ClassifierMixin, BaseEstimator):
    """Base of the estimators that compare latents with those of known bundles.

    Thresholds are fitted by cross-validation, to distances to the reference latents of
    the other folds. The ``held_out_`` attributes are predicted with the reference and
    the thresholds of the other folds.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    reference_ : ndarray of shape (m, d), float32
        Latents of known bundles.
    bundles_ : ndarray of shape (m,), int32
        Bundle of each, from 0.
    thresholds_ : ndarray of shape (nb_bundles,)
        Threshold of the distance for each bundle.
    held_out_relative_ : ndarray of shape (n,)
        Held-out distance of each fitted latent over its threshold.
    held_out_nearest_ : ndarray of shape (n,), int32
        Bundle of the nearest held-out reference.
    n_features_in_ : int
        Number of dimensions of the latents.
    """

    def __init__(
        self,
        *,
        criterion: str = "f1",
        kept_share: float | None = None,
        nb_folds: int = 5,
        seed: int = 0,
    ):
        self.criterion = criterion
        self.kept_share = kept_share
        self.nb_folds = nb_folds
        self.seed = seed

    def nearest(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distance and the bundle of the nearest reference latent.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.

        Returns
        -------
        distances : ndarray of shape (n,)
            Euclidean distances.
        bundles : ndarray of shape (n,), int32
            Bundles, from 0.

        Raises
        ------
        ValueError
            If the latents have other dimensions than the reference, or are not finite.
        """
        check_is_fitted(self, "reference_")
        z = check_latents(z, ensure_min_samples=0)
        check_dimensions(self, z)
        return _nearest(self._index, self.bundles_, z)

    def relative_distances(self, z: np.ndarray) -> np.ndarray:
        """Return distances to the nearest reference over the threshold of its bundle.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.

        Returns
        -------
        ndarray of shape (n,)
            At most one where a latent is near enough.
        """
        return self.over_thresholds(*self.nearest(z))

    def over_thresholds(self, distances: np.ndarray, bundles: np.ndarray) -> np.ndarray:
        """Divide distances by the thresholds of bundles, both from `nearest`."""
        return _over(distances, self.thresholds_[bundles])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what predictions need as arrays, for `from_arrays`."""
        check_is_fitted(self, "reference_")
        names = ("reference", "bundles", "thresholds")
        return {name: getattr(self, f"{name}_") for name in names}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> NearestLatents:
        """Make a fitted estimator of the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If they do not fit together, or hold no reference.
        """
        check_arrays(arrays, NEIGHBOURS_ARRAYS)
        if not len(arrays["reference"]):
            raise SchemaError("reference", "empty", "one latent or more")
        made = cls()
        made.thresholds_ = np.asarray(arrays["thresholds"], dtype=float)
        made._refer_to(arrays["reference"], arrays["bundles"])
        return made

    def _refer_to(self, reference, bundles) -> None:
        self.reference_ = np.asarray(reference, dtype=np.float32)
        self.bundles_ = np.asarray(bundles, dtype=np.int32)
        self.n_features_in_ = self.reference_.shape[1]
        self._index = _index_of(self.reference_)

    def _fit(self, z, bundles, groups, accepts) -> None:
        """Fit to latents and their bundles, `NONE` among them.

        `accepts` takes bundles and nearest bundles, and returns the latents to accept.
        """
        ThresholdParameters(**self.get_params())
        z, bundles = check_latents(z, ensure_min_samples=2), np.asarray(bundles)
        if bundles.shape != (len(z),) or bundles.dtype.kind not in "iu":
            raise ValueError(
                f"the labels have shape {bundles.shape} and type {bundles.dtype}, for "
                f"{len(z)} latents: give an integer for each."
            )
        known = bundles > NONE
        if known.sum() < 2:
            raise ValueError(
                f"{known.sum()} latents belong to a bundle: give two or more reference "
                "streamlines."
            )
        folds = self._folds(bundles, groups)
        distances = np.full(len(z), np.inf)
        nearest = np.full(len(z), 0, dtype=np.int32)
        for fold in range(folds.max() + 1):
            rest, own = known & (folds != fold), folds == fold
            if own.any():
                index = _index_of(z[rest])
                distances[own], nearest[own] = _nearest(index, bundles[rest], z[own])
        accepted, number = accepts(bundles, nearest), int(bundles.max()) + 1
        learnt = (distances, nearest, accepted)
        relative = np.empty(len(z))
        for fold in range(folds.max() + 1):
            rest, own = folds != fold, folds == fold
            thresholds = self._thresholds(*(part[rest] for part in learnt), number)
            relative[own] = _over(distances[own], thresholds[nearest[own]])
        self.thresholds_ = self._thresholds(*learnt, number)
        self.held_out_relative_, self.held_out_nearest_ = relative, nearest
        self._refer_to(z[known], bundles[known])

    def _folds(self, bundles: np.ndarray, groups) -> np.ndarray:
        """Return the fold of each example: bundles evenly, groups as a whole."""
        rng = np.random.default_rng(self.seed)
        if groups is None:
            groups = np.arange(len(bundles))
        groups, rows, inverse = np.unique(
            groups, return_index=True, return_inverse=True
        )
        # In the order of the bundles, those of one in a random order.
        order = np.lexsort((rng.random(len(groups)), bundles[rows]))
        fold = np.empty(len(groups), dtype=np.intp)
        fold[order] = np.arange(len(groups)) % min(self.nb_folds, len(groups))
        return fold[inverse.ravel()]

    def _thresholds(self, distances, nearest, accepted, number: int) -> np.ndarray:
        """Return a threshold for each bundle, of all where it has few examples."""
        of_all = self._threshold(distances, accepted)
        thresholds = np.full(number, of_all)
        for bundle in range(number):
            own = nearest == bundle
            right = int(accepted[own].sum())
            wrong = int(own.sum()) - right
            needed = right if self.kept_share is not None else min(right, wrong)
            if needed >= _FEWEST:
                thresholds[bundle] = self._threshold(distances[own], accepted[own])
        return thresholds

    def _threshold(self, distances, accepted) -> float:
        if self.kept_share is not None:
            # None is accepted where each is nearest to another bundle.
            right = distances[accepted] if accepted.any() else distances
            return float(np.quantile(right, self.kept_share))
        return best_threshold(distances, accepted, self.criterion)


def check_latents(z, **options) -> np.ndarray:
    """Validate latents, and return them in single precision."""
    return check_array(z, dtype=np.float32, input_name="z", **options)


def check_dimensions(estimator, z: np.ndarray) -> None:
    """Check that latents have the dimensions that an estimator was fitted to."""
    expected = estimator.n_features_in_
    if z.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {z.ndim}D array instead. Reshape your data: give "
            f"latents of shape (n, {expected})."
        )
    if z.shape[1] != expected:
        raise ValueError(
            f"X has {z.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{expected} features as input: give latents of shape (n, {expected})."
        )


def _index_of(reference: np.ndarray) -> NearestNeighbors:
    # Coordinates in mm have few dimensions that matter, where a tree is the faster.
    return NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(reference)


def _nearest(index, bundles, z) -> tuple[np.ndarray, np.ndarray]:
    if not len(z):
        return np.zeros(0), np.zeros(0, dtype=np.int32)
    distances, found = index.kneighbors(z)
    return distances[:, 0].astype(float), bundles[found[:, 0]].astype(np.int32)


def _over(distances: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Divide distances by thresholds, which may be zero where there are copies."""
    return distances / np.maximum(thresholds, np.finfo(np.float32).tiny)
