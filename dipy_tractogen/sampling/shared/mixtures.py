"""Gaussian mixtures of groups, none of whose components is of a few streamlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays, with_prefix
from dipy_tractogen.utils.schema import SchemaError

from ..samplers.gaussian_mixture import ConditionalGaussianMixture
from .shrunk_mixture import FEWEST, fit_shrunk_mixture

# Added to each variance, as a share of that of the group.
_FLOOR = 1e-3
_TINY = 1e-6
_LARGEST = 1e12

MIXTURE_ARRAYS = {
    "centres": Array("f", ("c", "w"), -_LARGEST, _LARGEST),
    "factors": Array("f", ("c", "w", "w"), -_LARGEST, _LARGEST),
    "parts": Array("f", ("c",), 1e-30, 1),
    "group_of": Array("iu", ("c",), 0, 2**31 - 1),
}
"""Arrays of `GroupMixtures` in a file: c components of w columns."""


@dataclass
class GroupMixtures:
    """A Gaussian mixture with full covariances for each of several groups.

    Attributes
    ----------
    centres : ndarray of shape (c, w), float32
        Means of the components.
    factors : ndarray of shape (c, w, w), float32
        Lower Cholesky factors of their covariances.
    parts : ndarray of shape (c,), float32
        Their weights, which add up to one in each group.
    group_of : ndarray of shape (c,), int32
        Group of each, ascending.
    """

    centres: np.ndarray
    factors: np.ndarray
    parts: np.ndarray
    group_of: np.ndarray

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        groups: np.ndarray,
        *,
        deviations: np.ndarray | None = None,
        seed: int = 0,
    ) -> GroupMixtures:
        """Fit the mixtures of the groups that have 20 streamlines or more.

        Numbers of components are 1, 2, 4 and so on while the Bayesian information
        criterion improves and each component stands for 20 streamlines or more.

        Parameters
        ----------
        x : ndarray of shape (n, w)
            Numbers of each streamline.
        groups : ndarray of shape (n,)
            Group of each, a whole number.
        deviations : ndarray of shape (n, w), optional
            Standard deviations of the numbers where they are means of posteriors.
        seed : int, optional
            Seed of the fit.

        Returns
        -------
        GroupMixtures
            The mixtures, without the groups that are too small.

        Raises
        ------
        ValueError
            If all groups are too small.
        """
        known, counts = np.unique(groups, return_counts=True)
        known = known[counts >= FEWEST]
        if not len(known):
            raise ValueError(
                f"No bundle has {FEWEST} streamlines, or none in the same categories: "
                "a density of fewer would describe single streamlines."
            )
        drawn = []
        for group in known:
            rows = np.flatnonzero(groups == group)
            spread = None if deviations is None else deviations[rows]
            rng = np.random.default_rng((seed, int(group)))
            drawn.append(_standardised(x[rows], spread, rng))
        prior = sum(one.T @ one / len(one) for one, *_ in drawn) / len(drawn)
        prior += _FLOOR * np.eye(len(prior))
        fits = []
        for one, mean, scale, repeats in drawn:
            means, factors, parts = fit_shrunk_mixture(one, prior, repeats, seed)
            fits.append((means * scale + mean, factors * scale[:, None], parts))
        sizes = [len(one[2]) for one in fits]
        centres, factors, parts = (np.concatenate(each) for each in zip(*fits))
        return cls(
            centres.astype(np.float32),
            factors.astype(np.float32),
            parts.astype(np.float32),
            np.repeat(known, sizes).astype(np.int32),
        )

    @property
    def groups(self) -> np.ndarray:
        """Groups that have a mixture, ascending."""
        return np.unique(self.group_of)

    def mixture(self, group: int) -> ConditionalGaussianMixture:
        """Return the mixture of a group."""
        own = self.group_of == group
        parts = self.parts[own].astype(float)
        return ConditionalGaussianMixture(
            self.centres[own].astype(float),
            self.factors[own].astype(float),
            parts / parts.sum(),
        )

    def draw(self, sizes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw numbers (n, w), and groups (n,), as many of each group as `sizes` say.

        Sizes are in the order of `groups`.
        """
        drawn = [
            self.mixture(group).draw(
                int(size),
                [],
                np.zeros((int(size), 0)),
                np.random.default_rng((seed, k)),
            )
            for k, (group, size) in enumerate(zip(self.groups, sizes))
        ]
        return np.concatenate(drawn), np.repeat(self.groups, sizes)

    def to_arrays(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Return the attributes as arrays whose names begin with a prefix."""
        return {prefix + name: getattr(self, name) for name in MIXTURE_ARRAYS}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], prefix: str = ""
    ) -> GroupMixtures:
        """Create mixtures from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        sizes = check_arrays(arrays, with_prefix(prefix, MIXTURE_ARRAYS))
        given = {name: np.asarray(arrays[prefix + name]) for name in MIXTURE_ARRAYS}
        if not sizes[prefix + "c"] or (np.diff(given["group_of"]) < 0).any():
            raise SchemaError(
                prefix + "group_of", "empty, or not in order", "ascending groups"
            )
        diagonals = np.diagonal(given["factors"], axis1=1, axis2=2)
        if (diagonals <= 0).any():
            raise SchemaError(
                prefix + "factors", "not positive on the diagonal", "Cholesky factors"
            )
        return cls(**given)


def _standardised(x, deviations, rng) -> tuple:
    """Return draws (n, w) of each streamline of a mean of 0 and a variance of 1.

    With their mean, their deviation, and the number of draws of a streamline.
    """
    from ..samplers.base import posterior_draws

    drawn = x
    if deviations is not None:
        drawn = posterior_draws(x, deviations, np.full(len(x), 1 / len(x)), rng)
    # Columns have different units.
    mean, scale = drawn.mean(axis=0), drawn.std(axis=0) + _TINY
    return (drawn - mean) / scale, mean, scale, len(drawn) // len(x)
