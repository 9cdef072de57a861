"""Base of the samplers: fit to latents and conditions, and draw."""

from __future__ import annotations

from joblib import Parallel, delayed
import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.moved import RenamedAttribute, warn_renamed

from .gaussian_mixture import ConditionalGaussianMixture

# Draws from each posterior that a sampler is fitted to where there are few streamlines.
_MOST_DRAWS = 8
_ENOUGH_DRAWS = 2000
_FLOOR = 1e-3
_SMALLEST_VARIANCE = 1e-6
# Latents closer than this in all dimensions, in deviations, are duplicates.
_SAME = 1e-5


class LatentSampler(BaseEstimator):
    """Base of the samplers, densities of latents with one part for each stratum.

    Samplers are estimators of scikit-learn: a constructor only stores parameters, which
    `fit` validates. A subclass implements `fit_stratum`, which describes the numbers
    (such as the length) and the latents of one stratum, a combination of categories
    such as a bundle and a sex. What it returns has a method ``draw`` as
    `ConditionalGaussianMixture` has.

    Parameters
    ----------
    seed : int, optional
        Seed of the fit.

    Attributes
    ----------
    of_active_only : bool
        Whether only the active latent dimensions are fitted; the others are standard
        normal then.
    strata_ : dict of int to object
        Result of `fit_stratum` by stratum.
    nb_numbers_ : int
        Numbers among the conditions.
    n_features_in_ : int
        Dimensions of the latents.
    """

    of_active_only = True

    def __init__(self, *, seed: int = 0):
        self.seed = seed

    def __init_subclass__(cls, **kwargs):
        """Warn of a subclass that has the method `fit_stratum` by its old name."""
        super().__init_subclass__(**kwargs)
        if "fit_cell" in vars(cls):
            warn_renamed(f"{cls.__name__}.fit_cell", "fit_stratum")
            cls.fit_stratum = cls.fit_cell

    def fit(
        self,
        z: np.ndarray,
        conditions: np.ndarray | None = None,
        *,
        deviations: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> LatentSampler:
        """Fit the latents of each stratum.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents of streamlines; with `deviations`, the means of their posteriors.
        conditions : ndarray of shape (n, 1 + q) or (n,), optional
            Stratum of each, a whole number, and its standardised numbers. One stratum
            without numbers by default.
        deviations : ndarray of shape (n, d), optional
            Standard deviations of the posteriors; none by default.
        weights : ndarray of shape (n,), optional
            Weights of the streamlines within their stratum; equal by default.

        Returns
        -------
        LatentSampler
            The sampler itself.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or the arrays do not fit together or
            hold values that are not finite.
        """
        self._check_parameters()
        z, conditions, deviations, weights = _validated(
            z, conditions, deviations, weights
        )
        self.nb_numbers_, self.n_features_in_ = conditions.shape[1] - 1, z.shape[1]
        labels = conditions[:, 0].astype(int)
        x = np.concatenate([conditions[:, 1:], z], axis=1)
        spread = np.zeros_like(x)
        spread[:, self.nb_numbers_ :] = deviations
        members = {int(one): np.flatnonzero(labels == one) for one in np.unique(labels)}
        # One thread for each stratum: its matrices are too small for several.
        with threadpool_limits(1):
            fits = Parallel(n_jobs=-1, prefer="threads")(
                delayed(self.fit_stratum)(
                    *_without_duplicates(
                        x[rows], spread[rows], weights[rows] / weights[rows].sum()
                    ),
                    np.random.default_rng((self.seed, label)),
                )
                for label, rows in members.items()
            )
        self.strata_ = dict(zip(members, fits))
        return self

    def _check_parameters(self) -> None:
        """Raise a ValueError if a parameter of the constructor is out of its range."""

    def fit_stratum(
        self,
        x: np.ndarray,
        deviations: np.ndarray,
        weights: np.ndarray,
        rng: np.random.Generator,
    ) -> ConditionalGaussianMixture:
        """Fit the numbers and latents of one stratum.

        Parameters
        ----------
        x : ndarray of shape (m, q + d)
            Numbers, and means of the latents.
        deviations : ndarray of shape (m, q + d)
            Their standard deviations; those of the numbers are zero.
        weights : ndarray of shape (m,)
            Weights that add up to one.
        rng : numpy.random.Generator
            Source of random numbers for the fit.

        Returns
        -------
        ConditionalGaussianMixture or object with its method ``draw``
            Distribution to draw from.
        """
        raise NotImplementedError

    def sample(
        self, nb_samples: int, conditions: np.ndarray | None = None, seed=0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw latents, and the numbers that are not given.

        Parameters
        ----------
        nb_samples : int
            Number of draws.
        conditions : ndarray of shape (1 + q,) or (nb_samples, 1 + q), optional
            Stratum of each draw, and its standardised numbers; NaN where a number is to
            be drawn. By default the first stratum.
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.

        Returns
        -------
        z : ndarray of shape (nb_samples, d), float32
            Latents.
        conditions : ndarray of shape (nb_samples, 1 + q)
            Those given, with the numbers that were drawn in place of NaN.

        Raises
        ------
        ValueError
            If it is not fitted, a stratum is unknown or the conditions have another
            shape.
        """
        check_is_fitted(self)
        rng = np.random.default_rng(seed)
        conditions = self._check_conditions(nb_samples, conditions)
        z = np.empty((nb_samples, self.n_features_in_), dtype=np.float32)
        # Rows of one stratum with the same numbers given are drawn together.
        kinds = np.column_stack([conditions[:, 0], np.isnan(conditions[:, 1:])])
        kinds, kind_of = np.unique(kinds, axis=0, return_inverse=True)
        for kind, (label, *free) in enumerate(kinds):
            rows = np.flatnonzero(kind_of.reshape(-1) == kind)
            columns = np.flatnonzero(~np.array(free, dtype=bool))
            values = conditions[np.ix_(rows, 1 + columns)]
            x = self.strata_[int(label)].draw(len(rows), columns, values, rng)
            conditions[rows, 1:] = x[:, : self.nb_numbers_]
            z[rows] = x[:, self.nb_numbers_ :]
        return z, conditions

    def _check_conditions(self, nb_samples: int, conditions) -> np.ndarray:
        width = 1 + self.nb_numbers_
        if conditions is None:
            conditions = np.full(width, np.nan)
            conditions[0] = min(self.strata_)
        conditions = np.asarray(conditions, dtype=float)
        if conditions.shape not in ((width,), (nb_samples, width)):
            raise ValueError(
                f"conditions have the shape {conditions.shape}: give ({width},) or "
                f"({nb_samples}, {width}), the combination and {self.nb_numbers_} "
                "numbers."
            )
        conditions = np.array(np.broadcast_to(conditions, (nb_samples, width)))
        unknown = np.setdiff1d(conditions[:, 0], list(self.strata_))
        if len(unknown):
            raise ValueError(
                f"Combination {unknown[0]:g} was not fitted; those that were are "
                f"{listed(self.strata_)}."
            )
        return conditions

    cells_ = RenamedAttribute("strata_")
    latent_dim_ = RenamedAttribute("n_features_in_")


def posterior_draws(
    x: np.ndarray,
    deviations: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator,
    most: int = _MOST_DRAWS,
) -> np.ndarray:
    """Draw from the posteriors of streamlines, up to `most` times each where few.

    The result has the shape (n, d), n a multiple of the m streamlines; arguments as of
    `LatentSampler.fit_stratum`.
    """
    repeats = min(most, -(-_ENOUGH_DRAWS // len(x)))
    rows = np.tile(np.arange(len(x)), repeats)
    if not np.allclose(weights, weights[0]):
        rows = rng.choice(len(x), size=len(rows), p=weights)
    return x[rows] + deviations[rows] * rng.standard_normal((len(rows), x.shape[1]))


def variance_floor(z: np.ndarray) -> float:
    """Return a small variance, relative to that of latents (n, d).

    It is added to the diagonal of covariances.
    """
    return _FLOOR * z.var(axis=0).sum() / max(z.shape[1], 1) + _SMALLEST_VARIANCE


def _without_duplicates(
    x: np.ndarray, deviations: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each latent once, with the weights of its duplicates added.

    Duplicates are nearest neighbours of each other, so their kernels would be points.
    """
    size = _SAME * x.std(axis=0)
    _, rows, of = np.unique(
        np.rint(x / np.where(size > 0, size, 1)),
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    if len(rows) == len(x):
        return x, deviations, weights
    return x[rows], deviations[rows], np.bincount(of.ravel(), weights)


def _validated(z, conditions, deviations, weights) -> tuple[np.ndarray, ...]:
    """Return the arguments of `LatentSampler.fit` as arrays, with their defaults."""
    if issparse(z) or np.iscomplexobj(z):
        raise ValueError(
            "Complex data not supported, nor sparse data: give z as a dense array of "
            "real numbers."
        )
    z = np.asarray(z, dtype=float)
    if z.ndim != 2 or not len(z):
        raise ValueError(
            f"z has the shape {z.shape}: give (n, d), one latent at least."
        )
    if conditions is None:
        conditions = np.zeros(len(z))
    conditions = np.asarray(conditions, dtype=float)
    if conditions.ndim == 1:
        conditions = conditions[:, None]
    if conditions.ndim != 2 or len(conditions) != len(z) or not conditions.shape[1]:
        raise ValueError(
            f"conditions have the shape {conditions.shape} for {len(z)} latents: give "
            "a row for each, the combination first."
        )
    deviations = np.zeros_like(z) if deviations is None else np.asarray(deviations)
    weights = np.ones(len(z)) if weights is None else np.asarray(weights, float)
    if deviations.shape != z.shape or weights.shape != (len(z),):
        raise ValueError(
            f"deviations of the shape {deviations.shape} and weights of the shape "
            f"{weights.shape} for latents of the shape {z.shape}: give a deviation for "
            "each number and a weight for each latent."
        )
    arrays = (z, conditions, deviations, weights)
    if not all(np.isfinite(each).all() for each in arrays):
        raise ValueError("Latents hold NaN or infinite values: train again.")
    if (deviations < 0).any() or (weights <= 0).any():
        raise ValueError("deviations are not negative, and weights are positive.")
    return arrays
