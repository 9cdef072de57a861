"""How the subjects of a training differ from each other, as a model stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.schema import SchemaError

from .effect import BundleEffect, SubjectEffect
from .prior import SubjectPrior

_LARGEST = 1e6
# Singular values of factors of correlations, which `with_floor` keeps above 1e-3.
_SMALLEST_SCALED = 1e-4
# A prior never counts as more, or fewer, streamlines.
_STRENGTHS = (5.0, 1e4)

VARIATION_ARRAYS = {
    "bundles": Array("iu", ("b",), 0, 2**31 - 1),
    "counts": Array("iu", ("b",), 2, 2**31 - 1),
    "within": Array("f", ("b", "w", "w"), -_LARGEST, _LARGEST),
    "loadings": Array("f", ("r", "b", 2, "w"), -_LARGEST, _LARGEST),
    "rest": Array("f", ("b", 2), 1e-12, _LARGEST),
    # Files of earlier versions and shared models do not have them.
    "offsets": Array("f", ("e", "w"), -_LARGEST, _LARGEST, needed=False),
    "offset_of": Array("i", ("n",), -1, 2**31 - 1, needed=False),
}
"""Arrays of a `SubjectVariation` in a file."""


@dataclass
class SubjectVariation:
    """Distribution of subjects' means and spreads, in the bundles of a model.

    In each of b bundles, the mean of a subject differs from what the model expects by a
    normal vector, and the logarithms of its deviations by another one, both relative to
    the streamlines of a subject. Parts of them are common to all bundles, so that a
    subject may have a larger brain.

    Attributes
    ----------
    bundles : ndarray of shape (b,), int32
        Codes of the bundles, ascending.
    counts : ndarray of shape (b,), int32
        Number of subjects who have each.
    within : ndarray of shape (b, w, w), float32
        Lower Cholesky factor of the covariance within a subject, of the numbers
        computed from points and the active latents.
    loadings : ndarray of shape (r, b, 2, w), float32
        What one of r independent standard normal scores adds to means and logarithms
        of deviations, in units of `within`.
    rest : ndarray of shape (b, 2), float32
        Variance of each column that is of a bundle alone.
    offsets : ndarray of shape (e, w), float32, optional
        What the means of training subjects differ by; see `subject_offsets`.
    offset_of : ndarray of shape (n,), int32, optional
        The offset of each streamline that the density has posteriors of; -1 without.
    """

    bundles: np.ndarray
    counts: np.ndarray
    within: np.ndarray
    loadings: np.ndarray
    rest: np.ndarray
    offsets: np.ndarray | None = None
    offset_of: np.ndarray | None = None

    def prior(self, bundle: int) -> SubjectPrior | None:
        """Return the prior of a bundle; None if too few subjects have it."""
        rows = np.flatnonzero(self.bundles == bundle)
        if not len(rows):
            return None
        row = int(rows[0])
        factor = self.within[row].astype(float)
        means, spreads = self.loadings[:, row].transpose(1, 0, 2).astype(float)
        between = means.T @ means + self.rest[row, 0] * np.eye(len(factor))
        variance = (spreads**2).sum() / len(factor) + self.rest[row, 1]
        return SubjectPrior(
            factor @ factor.T,
            factor @ between @ factor.T,
            # That of the logarithm of a deviation is 1 / (2 n) for n streamlines.
            float(np.clip(1 / (2 * variance), *_STRENGTHS)),
            factor,
        )

    def draw(self, seed=0) -> SubjectEffect:
        """Draw a subject.

        Parameters
        ----------
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.

        Returns
        -------
        SubjectEffect
            Means and covariances of its bundles.
        """
        rng = np.random.default_rng(seed)
        scores = rng.standard_normal(len(self.loadings))
        drawn = np.tensordot(scores, self.loadings, axes=1)
        noise = rng.standard_normal(drawn.shape)
        drawn = drawn + np.sqrt(self.rest)[:, :, None] * noise
        variances = (self.loadings**2).sum(axis=0)[:, 1] + self.rest[:, 1, None]
        effects = {}
        for row, bundle in enumerate(self.bundles):
            factor = self.within[row].astype(float)
            # The mean of the variances is that of the training.
            scales = np.exp(2 * (drawn[row, 1] - variances[row]))
            effects[int(bundle)] = BundleEffect(
                factor @ drawn[row, 0], factor * scales @ factor.T
            )
        return SubjectEffect(effects)

    def of_bundles(self, bundles: np.ndarray, fewest: int) -> SubjectVariation | None:
        """Return that of some bundles that enough subjects have; None if none is left.

        It has no offsets, which are of single subjects.

        Parameters
        ----------
        bundles : ndarray of int
            Codes of bundles.
        fewest : int
            Fewest subjects of a bundle.
        """
        kept = np.isin(self.bundles, bundles) & (self.counts >= fewest)
        if not kept.any():
            return None
        of_bundles = ("bundles", "counts", "within", "rest")
        own = {name: getattr(self, name)[kept] for name in of_bundles}
        own["loadings"] = self.loadings[:, kept]
        return replace(self, offsets=None, offset_of=None, **own)

    def with_offsets(
        self, offsets: np.ndarray, offset_of: np.ndarray
    ) -> SubjectVariation:
        """Return it with those of the offsets (e, w) that streamlines (n,) have."""
        used, places = np.unique(offset_of, return_inverse=True)
        none = int(len(used) > 0 and used[0] < 0)
        return replace(
            self,
            offsets=offsets[used[none:]],
            offset_of=(places.reshape(-1) - none).astype(np.int32),
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as named arrays, for a model's file."""
        arrays = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: each for name, each in arrays.items() if each is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> SubjectVariation:
        """Create it from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        check_arrays(arrays, VARIATION_ARRAYS)
        offsets = arrays.get("offsets", ())
        if np.max(arrays.get("offset_of", -1), initial=-1) >= len(offsets):
            raise SchemaError("offset_of", "in part beyond offsets", "their indices")
        names = [each.name for each in fields(cls) if each.name in arrays]
        made = cls(**{name: np.asarray(arrays[name]) for name in names})
        if not len(made.bundles) or (np.diff(made.bundles.astype(int)) <= 0).any():
            raise SchemaError("bundles", "empty, or not in order", "ascending bundles")
        if (np.diagonal(made.within, axis1=1, axis2=2) <= 0).any():
            raise SchemaError(
                "within", "not positive on the diagonal", "Cholesky factors"
            )
        rows = made.within.astype(float)
        rows /= np.linalg.norm(rows, axis=2, keepdims=True)
        if (np.linalg.svd(rows, compute_uv=False) < _SMALLEST_SCALED).any():
            raise SchemaError("within", "in part singular", "Cholesky factors")
        return made
