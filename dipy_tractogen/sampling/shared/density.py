"""Density of latents and conditions without posteriors of training streamlines."""

from __future__ import annotations

from collections.abc import Mapping
import logging
from typing import TYPE_CHECKING

import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.schema import SchemaError

from ..density import ConditionalDensity
from ..latents import MOST_IN_ALL, MOST_PER_STRATUM, POSTERIOR_ARRAYS, LatentPosteriors
from .mixtures import MIXTURE_ARRAYS, GroupMixtures

if TYPE_CHECKING:
    from ..samplers.base import LatentSampler

logger = logging.getLogger("dipy_tractogen")

# Ranges of numbers are percentiles: the smallest number is that of one streamline.
_PERCENTILES = (1, 99)
# Components of a stratum.
_MOST_COMPONENTS = 16
_NAME = "gmm"

FITTED_DENSITY_ARRAYS = {
    **MIXTURE_ARRAYS,
    **{n: POSTERIOR_ARRAYS[n] for n in ("active", "cells", "counts", "low", "high")},
    "seed": Array("iu", (), 0, 2**63 - 1),
}
"""Arrays of a `FittedDensity` in a file: a group is an index into the m strata."""


class FittedDensity(ConditionalDensity):
    """Density of latents and conditions by a Gaussian mixture for each stratum.

    It takes the place of the posteriors of single training streamlines in a model that
    is given away. `posteriors` are draws from the mixtures.

    Parameters
    ----------
    conditions : Conditions
        Conditions of the model.
    mixtures : GroupMixtures
        Mixture of the standardised numbers and the active latents of each stratum.
    active : ndarray of shape (d,), bool
        Active dimensions; the others are standard normal.
    strata : ndarray of shape (m, nb_categorical), int32
        Codes of the categories of each stratum, in order.
    counts : ndarray of shape (m,)
        Number of training streamlines of each.
    low, high : ndarray of shape (m, nb_continuous)
        Percentiles 1 and 99 of the numbers in each.
    seed : int, optional
        Seed of the draws.
    """

    def __init__(
        self,
        conditions: Conditions,
        mixtures: GroupMixtures,
        active: np.ndarray,
        strata: np.ndarray,
        counts: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        seed: int = 0,
    ):
        self.mixtures = mixtures
        known = {"active": active, "strata": strata, "counts": counts}
        posteriors = _drawn(mixtures, seed, **known, low=low, high=high)
        super().__init__(conditions, posteriors, seed=seed)

    @classmethod
    def of(
        cls, density: ConditionalDensity, bundles: np.ndarray, seed: int = 0
    ) -> FittedDensity:
        """Fit the strata of some bundles that have 20 streamlines or more.

        Parameters
        ----------
        density : ConditionalDensity
            Density with posteriors of training streamlines.
        bundles : ndarray of int
            Bundles whose strata are kept.
        seed : int, optional
            Seed of fit and draws.

        Returns
        -------
        FittedDensity
            The fitted density, of fewer strata where some are too small.

        Raises
        ------
        ValueError
            If all strata are too small.
        """
        known = density.posteriors
        rows = np.isin(known.strata[known.stratum_of, 0], bundles)
        numbers = known.numbers[rows]
        means, spread = (
            each[rows][:, known.active] for each in (known.means, known.deviations)
        )
        groups = known.stratum_of[rows]
        mixtures = GroupMixtures.fit(
            np.column_stack([numbers, means]),
            groups,
            deviations=np.column_stack([np.zeros_like(numbers), spread]),
            seed=seed,
        )
        kept = mixtures.groups
        ranges = [
            np.percentile(numbers[groups == one], _PERCENTILES, axis=0) for one in kept
        ]
        low, high = np.stack(ranges, axis=1)
        mixtures.group_of = np.searchsorted(kept, mixtures.group_of).astype(np.int32)
        return cls(
            density.conditions,
            mixtures,
            known.active,
            known.strata[kept],
            known.counts[kept],
            low,
            high,
            seed,
        )

    @property
    def sampler(self) -> LatentSampler:
        """Sampler of the mixtures."""
        with self._lock:
            if self._columns is None:
                from ..samplers.gmm import MixtureSampler

                self._sampler = MixtureSampler(seed=self.seed)
                groups = self.mixtures.groups
                self._sampler.strata_ = {
                    int(one): self.mixtures.mixture(one) for one in groups
                }
                self._sampler.nb_numbers_ = self.low.shape[1]
                self._sampler.n_features_in_ = int(self.posteriors.active.sum())
                self._columns = self.posteriors.active
        return self._sampler

    def with_sampler(self, sampler: str | LatentSampler | None) -> ConditionalDensity:
        """Return the density itself for its mixtures, which are its default.

        Raises ValueError for the name of another sampler that needs posteriors. One
        that is not fitted is fitted to draws from the mixtures.
        """
        from ..samplers import DEFAULT_SAMPLER

        if hasattr(sampler, "fit"):
            return super().with_sampler(sampler)
        if sampler == DEFAULT_SAMPLER:
            logger.info(
                "A shared model does not hold the latents of training streamlines: "
                "new ones are drawn from Gaussian mixtures"
            )
        elif sampler not in (None, _NAME):
            raise ValueError(
                f"sampler={sampler}: a shared model does not hold the latents of "
                f"training streamlines that it is fitted to; give {_NAME} or prior."
            )
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the mixtures and strata, for a model's file."""
        return {
            **self.mixtures.to_arrays(),
            "active": self.posteriors.active,
            "cells": self.strata,
            "counts": self.counts,
            "low": self.low,
            "high": self.high,
            "seed": np.array(self.seed),
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], conditions: Conditions
    ) -> FittedDensity:
        """Create a density from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together, or do not fit the conditions.
        """
        known = {"k": len(conditions.categorical), "q": len(conditions.continuous)}
        sizes = check_arrays(arrays, FITTED_DENSITY_ARRAYS, known)
        mixtures = GroupMixtures.from_arrays(arrays)
        width = sizes["q"] + int(np.sum(arrays["active"]))
        if sizes["w"] != width:
            raise SchemaError("centres", f"{sizes['w']} columns", f"{width} columns")
        if not np.array_equal(mixtures.groups, np.arange(sizes["m"])):
            raise SchemaError("group_of", "without some strata", "all of cells")
        strata = np.asarray(arrays["cells"], dtype=np.int32)
        if len(np.unique(strata, axis=0)) < len(strata):
            raise SchemaError("cells", "in part the same", "each combination once")
        cls._check_categories(strata, conditions)
        low, high = (np.asarray(arrays[name], dtype=float) for name in ("low", "high"))
        if (low > high).any():
            raise SchemaError("low", "in part above high", "ranges from low to high")
        return cls(
            conditions,
            mixtures,
            np.asarray(arrays["active"]),
            strata,
            np.asarray(arrays["counts"], dtype=float),
            low,
            high,
            int(arrays["seed"]),
        )


def _drawn(mixtures: GroupMixtures, seed: int, **known) -> LatentPosteriors:
    """Draw as many latents of each stratum as a model stores of one."""
    most = max(1, min(MOST_PER_STRATUM, MOST_IN_ALL // len(known["counts"])))
    sizes = np.clip(known["counts"], 1, most).astype(int)
    x, stratum_of = mixtures.draw(sizes, seed)
    low, high = known["low"], known["high"]
    nb_numbers, nb_latents = low.shape[1], len(known["active"])
    means = np.random.default_rng(seed).standard_normal((len(x), nb_latents))
    means[:, known["active"]] = x[:, nb_numbers:]
    return LatentPosteriors(
        means=means.astype(np.float32),
        deviations=np.zeros(means.shape, dtype=np.float32),
        stratum_of=stratum_of.astype(np.int32),
        numbers=np.clip(x[:, :nb_numbers], low[stratum_of], high[stratum_of]),
        weights=np.ones(len(x)),
        **known,
    )
