"""Posteriors of training streamlines with their conditions, as a model stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.moved import RenamedAttribute, renamed
from dipy_tractogen.utils.schema import SchemaError

from .stratified import stratified_sample

# Largest number of latents that are stored of a stratum, and in all.
MOST_PER_STRATUM = 2000
MOST_IN_ALL = 40000

# Larger than any latent and any number, and within single precision.
_LARGEST_LATENT = 1e6
_LARGEST = 1e12

POSTERIOR_ARRAYS = {
    "means": Array("f", ("n", "d"), -_LARGEST_LATENT, _LARGEST_LATENT),
    "deviations": Array("f", ("n", "d"), 0, _LARGEST_LATENT),
    "cell_of": Array("iu", ("n",), 0, "m"),
    "numbers": Array("f", ("n", "q"), -_LARGEST, _LARGEST),
    "shares": Array("f", ("n",), 1e-300, _LARGEST),
    "active": Array("b", ("d",)),
    "cells": Array("iu", ("m", "k"), 0, _LARGEST),
    "counts": Array("f", ("m",), 1e-300, _LARGEST),
    "low": Array("f", ("m", "q"), -_LARGEST, _LARGEST),
    "high": Array("f", ("m", "q"), -_LARGEST, _LARGEST),
}
"""Arrays of `LatentPosteriors` in a file: n latents of d dimensions, m strata of k
categories, with q numbers."""

# Names in files where they differ from those of the attributes.
_FILE_NAMES = {"stratum_of": "cell_of", "weights": "shares", "strata": "cells"}


@dataclass
class LatentPosteriors:
    """Posteriors of streamlines, with their conditions.

    A stratum is a combination of categories, such as a bundle and a sex.

    Attributes
    ----------
    means, deviations : ndarray of shape (n, d), float32
        Mean and standard deviation of the latents of each streamline.
    stratum_of : ndarray of shape (n,), int32
        Stratum of each, an index into `strata`, ascending.
    numbers : ndarray of shape (n, q), float64
        Standardised numbers of each.
    weights : ndarray of shape (n,), float64
        Weight of each within its stratum.
    active : ndarray of shape (d,), bool
        Active dimensions; the others are standard normal.
    strata : ndarray of shape (m, nb_categorical), int32
        Codes of the categories of each stratum, in order.
    counts : ndarray of shape (m,), float64
        Number of streamlines of each stratum, with those that are not stored.
    low, high : ndarray of shape (m, q)
        Ranges of the numbers in each stratum.
    """

    means: np.ndarray
    deviations: np.ndarray
    stratum_of: np.ndarray
    numbers: np.ndarray
    weights: np.ndarray
    active: np.ndarray
    strata: np.ndarray
    counts: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(
        cls,
        means: np.ndarray,
        deviations: np.ndarray,
        codes: np.ndarray,
        numbers: np.ndarray,
        *,
        active: np.ndarray | None = None,
        seed: int = 0,
    ) -> LatentPosteriors:
        """Draw streamlines of each stratum to store, at most 2,000.

        Parameters
        ----------
        means, deviations : ndarray of shape (n, d)
            Mean and standard deviation of the latents of streamlines.
        codes : ndarray of shape (n, nb_categorical)
            Their categories.
        numbers : ndarray of shape (n, q)
            Their standardised numbers.
        active : ndarray of shape (d,), bool, optional
            Active latent dimensions; all by default.
        seed : int, optional
            Seed of the draw.

        Returns
        -------
        LatentPosteriors
            The posteriors that are stored.

        Raises
        ------
        ValueError
            If a latent is not finite.
        """
        if not (np.isfinite(means).all() and np.isfinite(deviations).all()):
            raise ValueError("Latents hold NaN or infinite values: train again.")
        strata, stratum_of, counts = np.unique(
            codes, axis=0, return_inverse=True, return_counts=True
        )
        stratum_of = stratum_of.reshape(-1)
        rows = stored_rows(stratum_of, seed)
        by_stratum = [numbers[stratum_of == one] for one in range(len(strata))]
        return cls(
            np.asarray(means[rows], dtype=np.float32),
            # Three digits are enough, and take half the room in a file.
            np.asarray(deviations[rows], dtype=np.float16).astype(np.float32),
            stratum_of[rows].astype(np.int32),
            np.asarray(numbers[rows], dtype=float),
            np.ones(len(rows)),
            np.ones(means.shape[1], bool) if active is None else np.array(active),
            strata.astype(np.int32),
            counts.astype(float),
            np.stack([part.min(axis=0) for part in by_stratum]),
            np.stack([part.max(axis=0) for part in by_stratum]),
        )

    def mixed_with(self, other: LatentPosteriors, share: float) -> LatentPosteriors:
        """Combine these posteriors with others, in given proportions.

        Parameters
        ----------
        other : LatentPosteriors
            Other posteriors of the same model, such as those of an atlas.
        share : float
            Share of the others, from 0 to 1: in each stratum that both have, and in
            the proportions of the strata.

        Returns
        -------
        LatentPosteriors
            Both together.

        Raises
        ------
        ValueError
            If the share is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share={share}: give a number from 0 to 1.")
        if share in (0, 1):
            return (self, other)[int(share)]
        strata = np.unique(np.concatenate([self.strata, other.strata]), axis=0)
        low = np.full((len(strata), self.low.shape[1]), np.inf)
        high, counts = -low, np.zeros(len(strata))
        stratum_of, weights = [], []
        for one, part in ((self, 1 - share), (other, share)):
            places = np.array(
                [np.flatnonzero((strata == own).all(axis=1))[0] for own in one.strata]
            )
            low[places] = np.minimum(low[places], one.low)
            high[places] = np.maximum(high[places], one.high)
            counts[places] += part * one.counts / one.counts.sum()
            stratum_of.append(places[one.stratum_of].astype(np.int32))
            totals = np.bincount(one.stratum_of, one.weights)
            weights.append(part * one.weights / totals[one.stratum_of])
        stratum_of = np.concatenate(stratum_of)
        order = np.argsort(stratum_of, kind="stable")
        joined = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])[order]
            for name in ("means", "deviations", "numbers")
        }
        return LatentPosteriors(
            **joined,
            stratum_of=stratum_of[order],
            weights=np.concatenate(weights)[order],
            active=self.active,
            strata=strata,
            counts=counts,
            low=low,
            high=high,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as named arrays, for a model's file."""
        names = (each.name for each in fields(self))
        return {_FILE_NAMES.get(name, name): getattr(self, name) for name in names}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LatentPosteriors:
        """Create posteriors from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If one is missing, or they do not fit together.
        """
        check_arrays(arrays, POSTERIOR_ARRAYS)
        types = {"means": "f4", "deviations": "f4", "cell_of": "i4", "cells": "i4"}
        types["active"] = "?"
        names = {
            each.name: _FILE_NAMES.get(each.name, each.name) for each in fields(cls)
        }
        made = cls(
            **{
                name: np.asarray(arrays[stored], dtype=types.get(stored, "f8"))
                for name, stored in names.items()
            }
        )
        if len(np.unique(made.stratum_of)) < max(len(made.strata), 1):
            raise SchemaError(
                "cell_of", "without some of the cells", "latents of each cell"
            )
        if (np.diff(made.stratum_of) < 0).any():
            raise SchemaError("cell_of", "not in order", "ascending cells")
        if len(np.unique(made.strata, axis=0)) < len(made.strata):
            raise SchemaError("cells", "in part the same", "each combination once")
        if (made.low > made.high).any():
            raise SchemaError("low", "in part above high", "ranges from low to high")
        return made

    cells = RenamedAttribute("strata")
    cell_of = RenamedAttribute("stratum_of")
    shares = RenamedAttribute("weights")


def stored_rows(stratum_of: np.ndarray, seed: int) -> np.ndarray:
    """Return the rows of streamlines of strata (n,) whose posteriors are stored."""
    rng = np.random.default_rng(seed)
    limits = {"most": MOST_PER_STRATUM, "most_in_all": MOST_IN_ALL}
    return stratified_sample(stratum_of, rng, **limits)


__getattr__ = renamed(__name__, {"LatentBank": "LatentPosteriors"})
