"""Latents of training streamlines with what is known of them, as a model keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.moved import renamed
from dipy_tractogen.utils.schema import SchemaError

from .stratified import stratified_sample

# Latents that are kept of a combination of categories, and in all.
MOST_PER_STRATUM = 2000
MOST_IN_ALL = 40000

# Beyond any latent, and within reach of single precision.
_FARTHEST = 1e6
_MOST = 1e12

POSTERIOR_ARRAYS = {
    "means": Array("f", ("n", "d"), -_FARTHEST, _FARTHEST),
    "deviations": Array("f", ("n", "d"), 0, _FARTHEST),
    "cell_of": Array("iu", ("n",), 0, "m"),
    "numbers": Array("f", ("n", "q"), -_MOST, _MOST),
    "shares": Array("f", ("n",), 1e-300, _MOST),
    "active": Array("b", ("d",)),
    "cells": Array("iu", ("m", "k"), 0, _MOST),
    "counts": Array("f", ("m",), 1e-300, _MOST),
    "low": Array("f", ("m", "q"), -_MOST, _MOST),
    "high": Array("f", ("m", "q"), -_MOST, _MOST),
}
"""Arrays of `LatentPosteriors` in a file: n latents of d dimensions, m combinations of
k categories, with q numbers."""


@dataclass
class LatentPosteriors:
    """Posteriors of streamlines, with their conditions.

    Attributes
    ----------
    means, deviations : ndarray of shape (n, d), float32
        Mean and standard deviation of the latents of each streamline.
    cell_of : ndarray of shape (n,), int32
        Combination of categories of each, an index into `cells`, ascending.
    numbers : ndarray of shape (n, q), float64
        Standardised numbers of each.
    shares : ndarray of shape (n,), float64
        Weight of each within its combination.
    active : ndarray of shape (d,), bool
        Dimensions that say something of a streamline; the others are standard normal.
    cells : ndarray of shape (m, nb_categorical), int32
        The combinations, as codes, in order.
    counts : ndarray of shape (m,), float64
        Streamlines of each combination, those that are not kept among them.
    low, high : ndarray of shape (m, q)
        Ranges of the numbers in each.
    """

    means: np.ndarray
    deviations: np.ndarray
    cell_of: np.ndarray
    numbers: np.ndarray
    shares: np.ndarray
    active: np.ndarray
    cells: np.ndarray
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
        """Keep latents of each combination of categories, 2,000 at most.

        Parameters
        ----------
        means, deviations : ndarray of shape (n, d)
            Mean and standard deviation of the latents of streamlines.
        codes : ndarray of shape (n, nb_categorical)
            Their categories.
        numbers : ndarray of shape (n, q)
            Their standardised numbers.
        active : ndarray of shape (d,), bool, optional
            Latent dimensions that say something of a streamline; all by default.
        seed : int, optional
            Seed of the choice.

        Returns
        -------
        LatentPosteriors
            The latents that are kept.

        Raises
        ------
        ValueError
            If a latent is not finite.
        """
        if not (np.isfinite(means).all() and np.isfinite(deviations).all()):
            raise ValueError("Latents hold NaN or infinite values: train again.")
        cells, cell_of, counts = np.unique(
            codes, axis=0, return_inverse=True, return_counts=True
        )
        cell_of = cell_of.reshape(-1)
        rows = stratified_sample(
            cell_of,
            np.random.default_rng(seed),
            most=MOST_PER_STRATUM,
            most_in_all=MOST_IN_ALL,
        )
        by_cell = [numbers[cell_of == cell] for cell in range(len(cells))]
        return cls(
            np.asarray(means[rows], dtype=np.float32),
            np.asarray(deviations[rows], dtype=np.float32),
            cell_of[rows].astype(np.int32),
            np.asarray(numbers[rows], dtype=float),
            np.ones(len(rows)),
            np.ones(means.shape[1], bool) if active is None else np.array(active),
            cells.astype(np.int32),
            counts.astype(float),
            np.stack([part.min(axis=0) for part in by_cell]),
            np.stack([part.max(axis=0) for part in by_cell]),
        )

    def mixed_with(self, other: LatentPosteriors, share: float) -> LatentPosteriors:
        """Join these latents with others, in stated shares.

        Parameters
        ----------
        other : LatentPosteriors
            Other latents of the same model, such as those of an atlas.
        share : float
            Share of the others in each combination that both have, and in the
            proportions of the combinations; from 0 to 1.

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
        cells = np.unique(np.concatenate([self.cells, other.cells]), axis=0)
        low = np.full((len(cells), self.low.shape[1]), np.inf)
        high, counts = -low, np.zeros(len(cells))
        cell_of, shares = [], []
        for bank, part in ((self, 1 - share), (other, share)):
            places = np.array(
                [np.flatnonzero((cells == cell).all(axis=1))[0] for cell in bank.cells]
            )
            low[places] = np.minimum(low[places], bank.low)
            high[places] = np.maximum(high[places], bank.high)
            counts[places] += part * bank.counts / bank.counts.sum()
            cell_of.append(places[bank.cell_of].astype(np.int32))
            totals = np.bincount(bank.cell_of, bank.shares)
            shares.append(part * bank.shares / totals[bank.cell_of])
        cell_of = np.concatenate(cell_of)
        order = np.argsort(cell_of, kind="stable")
        joined = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])[order]
            for name in ("means", "deviations", "numbers")
        }
        return LatentPosteriors(
            **joined,
            cell_of=cell_of[order],
            shares=np.concatenate(shares)[order],
            active=self.active,
            cells=cells,
            counts=counts,
            low=low,
            high=high,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the latents as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            One for each attribute.
        """
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LatentPosteriors:
        """Make latents again from `to_arrays`.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `to_arrays` gave them.

        Returns
        -------
        LatentPosteriors
            The latents.

        Raises
        ------
        ValueError
            If one is missing, or they do not fit together.
        """
        check_arrays(arrays, POSTERIOR_ARRAYS)
        kinds = {"means": "f4", "deviations": "f4", "cell_of": "i4", "cells": "i4"}
        bank = cls(
            **{
                each.name: np.asarray(
                    arrays[each.name],
                    dtype="?" if each.name == "active" else kinds.get(each.name, "f8"),
                )
                for each in fields(cls)
            }
        )
        if len(np.unique(bank.cell_of)) < max(len(bank.cells), 1):
            raise SchemaError(
                "cell_of", "without some of the cells", "latents of each cell"
            )
        if (np.diff(bank.cell_of) < 0).any():
            raise SchemaError("cell_of", "not in order", "ascending cells")
        if len(np.unique(bank.cells, axis=0)) < len(bank.cells):
            raise SchemaError("cells", "in part the same", "each combination once")
        if (bank.low > bank.high).any():
            raise SchemaError("low", "in part above high", "ranges from low to high")
        return bank


__getattr__ = renamed(__name__, {"LatentBank": "LatentPosteriors"})
