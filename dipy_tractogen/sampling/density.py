"""Density of latents and conditions together, and draws from it."""

from __future__ import annotations

from collections.abc import Mapping
import threading

import numpy as np
from scipy.special import logsumexp

from dipy_tractogen.streamlines.conditions import COMPUTED, Conditions
from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.schema import SchemaError

from .condition_request import ConditionRequest
from .latents import POSTERIOR_ARRAYS, LatentPosteriors
from .samplers.base import LatentSampler
from .samplers.registry import DEFAULT_SAMPLER, make_sampler

# Draws anew of what left its range.
_ROUNDS = 20
_SLACK = 1e-5
# Numbers that are not asked may leave the range of the training by a tenth of it: a
# sharp cut at both ends would weaken what one number says of another.
_MARGIN = 0.1
# Positive ones do not fall below this share of their least: a streamline of a tenth of
# the shortest length is none.
_LEAST = 0.9

DENSITY_ARRAYS = {**POSTERIOR_ARRAYS, "seed": Array("iu", (), 0, 2**63 - 1)}
"""Arrays of a `ConditionalDensity` in a file."""


class ConditionalDensity:
    """Density of latents and continuous conditions, by category.

    For each combination of categories that the training has, a sampler describes the
    standardised numbers and the latents together. What is asked of the numbers is a
    condition on them; what is not, is drawn with the latents.

    Parameters
    ----------
    conditions : Conditions
        What is known of the streamlines.
    bank : LatentPosteriors
        Latents of streamlines.
    sampler : LatentSampler, optional
        The sampler, not fitted; the default one without it.
    seed : int, optional
        Seed of the fit.

    Attributes
    ----------
    cells : ndarray of shape (m, nb_categorical), int32
        The combinations of categories, as codes, in order.
    counts : ndarray of shape (m,)
        Training streamlines of each.
    low, high : ndarray of shape (m, nb_continuous)
        Ranges of the standardised numbers in each.
    """

    def __init__(
        self,
        conditions: Conditions,
        bank: LatentPosteriors,
        sampler: LatentSampler | None = None,
        seed: int = 0,
    ):
        self.conditions = conditions
        self.bank = bank
        self.seed = seed
        self.cells, self.counts = bank.cells, bank.counts
        self.low, self.high = bank.low, bank.high
        self._sampler = sampler or make_sampler(DEFAULT_SAMPLER, seed=seed)
        self._described = bank.active | (not self._sampler.of_active_only)
        self._is_fitted = False
        # Streamlines are drawn in threads.
        self._lock = threading.Lock()
        self._others: dict[str, ConditionalDensity] = {}

    @property
    def sampler(self) -> LatentSampler:
        """The sampler, fitted when it is first needed."""
        with self._lock:
            if not self._is_fitted:
                bank = self.bank
                self._sampler.fit(
                    bank.means[:, self._described],
                    np.column_stack([bank.cell_of, bank.numbers]),
                    deviations=bank.deviations[:, self._described],
                    weights=bank.shares,
                )
                self._is_fitted = True
        return self._sampler

    def by(self, sampler: str | LatentSampler | None) -> ConditionalDensity:
        """Return the density of the same latents by another sampler.

        Parameters
        ----------
        sampler : str, LatentSampler or None
            Name of a sampler (`SAMPLERS`), or one that is not fitted yet; the default
            one without it.

        Returns
        -------
        ConditionalDensity
            With the same latents; the same object for the same name.

        Raises
        ------
        ValueError
            If there is no sampler of that name.
        """
        if sampler is None:
            return self
        if isinstance(sampler, LatentSampler):
            return ConditionalDensity(self.conditions, self.bank, sampler, self.seed)
        if sampler not in self._others:
            made = make_sampler(sampler, seed=self.seed)
            self._others[sampler] = self.by(made)
        return self._others[sampler]

    def name(self, cell: int) -> str:
        """Name a combination of categories.

        Parameters
        ----------
        cell : int
            Its index.

        Returns
        -------
        str
            The names of its categories.
        """
        pairs = zip(self.conditions.categorical, self.cells[cell])
        return ", ".join(one.categories[code] for one, code in pairs)

    def weights(self, asked: ConditionRequest) -> np.ndarray:
        """Return the share of each combination of categories in what is asked for.

        Parameters
        ----------
        asked : ConditionRequest
            What is asked.

        Returns
        -------
        ndarray of shape (m,)
            Shares of the training streamlines, given what is asked; they add up to
            one.

        Raises
        ------
        ValueError
            If no streamline has the categories that are asked for, or numbers near to
            those.
        """
        accepted = asked.accepts(self.cells)
        if not accepted.any():
            raise ValueError(
                "No streamline of the training, or of the seeds where there are some, "
                "has all the categories that are asked for: leave some of them out."
            )
        accepted &= self._in_reach(asked, accepted)
        asked.warn_outside(
            self.low[accepted].min(axis=0), self.high[accepted].max(axis=0)
        )
        share = np.where(accepted, self.counts, 0).astype(float)
        if len(asked.exact) or len(asked.bounded):
            mass = np.array(
                [
                    self._log_mass(cell, asked) if used else -np.inf
                    for cell, used in enumerate(accepted)
                ]
            )
            # Out of the range of all, they share as they do without.
            if np.isfinite(mass).any():
                share = share * np.exp(mass - mass.max())
        asked.warn_left_out(self.cells[share > 0])
        return share / share.sum()

    def _in_reach(self, asked: ConditionRequest, accepted: np.ndarray) -> np.ndarray:
        """Return which combinations have numbers that are near to what is asked."""
        bundles = self.cells[:, 0]
        reached = np.zeros(len(bundles), dtype=bool)
        ranges, names = [], []
        numbers = self.conditions.continuous
        of_points = np.array([one.name in COMPUTED for one in numbers], dtype=bool)
        for bundle in np.unique(bundles[accepted]):
            rows = accepted & (bundles == bundle)
            # What is not measured along points is of subjects, who may be few.
            own = (self.low[rows].min(axis=0), self.high[rows].max(axis=0))
            all_of = (self.low[accepted].min(axis=0), self.high[accepted].max(axis=0))
            limits = [np.where(of_points, *pair) for pair in zip(own, all_of)]
            reached[rows] = asked.reached(*limits).all()
            ranges.append(limits)
            names.append(self.conditions.categorical[0].categories[bundle])
        if not reached.any():
            asked.refuse(*np.stack(ranges, axis=1), names)
        return reached

    def sample(
        self, nb_samples: int, cell: int, asked: ConditionRequest, seed
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw numbers and latents of one combination of categories.

        Parameters
        ----------
        nb_samples : int
            Number of draws.
        cell : int
            The combination, an index into `cells`.
        asked : ConditionRequest
            What is asked of the numbers. Those that are free stay in the range that
            the combination had in training, or leave it by a tenth at most.
        seed : int, sequence of int or numpy.random.Generator
            Fixes the draw.

        Returns
        -------
        numbers : ndarray of shape (nb_samples, nb_continuous)
            Standardised numbers.
        z : ndarray of shape (nb_samples, d), float32
            Latents.
        """
        rng = np.random.default_rng(seed)
        limits = self._limits(cell, asked)
        # ConditionRequest exactly, or the same for all of the training.
        fixed = limits[0] == limits[1]
        known = np.concatenate([[cell], np.where(fixed, limits[0], np.nan)])
        numbers, z = self._draw(nb_samples, known, rng)
        wrong = _outside(numbers, limits)
        for _ in range(_ROUNDS):
            if not len(wrong):
                break
            numbers[wrong], z[wrong] = self._draw(len(wrong), known, rng)
            wrong = wrong[_outside(numbers[wrong], limits)]
        if len(wrong):
            # Hardly any density in the range: numbers from the whole range, evenly.
            evenly = rng.uniform(*limits, size=(len(wrong), len(fixed)))
            known = np.column_stack([np.full(len(wrong), cell), evenly])
            numbers[wrong], z[wrong] = self._draw(len(wrong), known, rng)
        return numbers, z

    def _draw(self, nb_samples: int, known: np.ndarray, rng):
        """Draw numbers, and latents of all dimensions."""
        drawn, completed = self.sampler.sample(nb_samples, known, rng)
        z = rng.standard_normal((nb_samples, len(self._described)), dtype=np.float32)
        z[:, self._described] = drawn
        return completed[:, 1:], z

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what the density is made of as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            Those of the latents, and ``seed``.
        """
        return {**self.bank.to_arrays(), "seed": np.array(self.seed)}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], conditions: Conditions
    ) -> ConditionalDensity:
        """Make a density again from `to_arrays`, with the default sampler.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `to_arrays` gave them.
        conditions : Conditions
            What is known of the streamlines.

        Returns
        -------
        ConditionalDensity
            Ready to sample.

        Raises
        ------
        ValueError
            If the arrays do not fit together, or do not fit the conditions.
        """
        sizes = {"k": len(conditions.categorical), "q": len(conditions.continuous)}
        check_arrays(arrays, DENSITY_ARRAYS, sizes)
        bank = LatentPosteriors.from_arrays(arrays)
        for one, column in zip(conditions.categorical, bank.cells.T):
            if column.max() >= len(one.categories):
                raise SchemaError(
                    "cells",
                    f"up to {column.max()} for {one.name}",
                    f"codes of its {len(one.categories)} categories",
                )
        return cls(conditions, bank, seed=int(arrays["seed"]))

    def _limits(
        self, cell: int, asked: ConditionRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ranges of the numbers: what is asked, or else about what training had."""
        margin = _MARGIN * (self.high[cell] - self.low[cell])
        zero = np.array(
            [-one.mean / one.deviation for one in self.conditions.continuous]
        )
        # What was never negative does not become so, nor much nearer to nothing.
        nearest = zero + _LEAST * (self.low[cell] - zero)
        floor = np.where(self.low[cell] >= zero, nearest, -np.inf)
        free = np.isnan(asked.ranges[:, 0])
        low = np.maximum(self.low[cell] - margin, floor)
        low = np.where(free, low, asked.ranges[:, 0])
        high = np.where(free, self.high[cell] + margin, asked.ranges[:, 1])
        return low, high

    def _log_mass(self, cell: int, asked: ConditionRequest) -> float:
        """Logarithm of the density of what is asked within a combination."""
        low, high = self.low[cell], self.high[cell]
        margin = 1e-6 + 0.02 * (high - low)
        out = (asked.ranges[:, 0] > high + margin) | (asked.ranges[:, 1] < low - margin)
        if out.any():
            return -np.inf
        numbers = self.bank.numbers[self.bank.cell_of == cell]
        shares = self.bank.shares[self.bank.cell_of == cell]
        logs = np.log(shares / shares.sum())
        for column in asked.bounded:
            least, most = asked.ranges[column]
            inside = (numbers[:, column] >= least) & (numbers[:, column] <= most)
            # Half a streamline where there is none, so that a narrow range has a share.
            logs = np.where(inside, logs, logs + np.log(0.5 / len(numbers)))
        width = len(numbers) ** (-1 / (4 + len(asked.exact)))
        for column in asked.exact:
            deviation = width * numbers[:, column].std() + margin[column]
            away = (numbers[:, column] - asked.ranges[column, 0]) / deviation
            logs = logs - 0.5 * away**2 - np.log(deviation)
        return float(logsumexp(logs))


def _outside(numbers: np.ndarray, limits: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Rows with a number out of its range, but for rounding."""
    low, high = limits[0] - _SLACK, limits[1] + _SLACK
    return np.flatnonzero(((numbers < low) | (numbers > high)).any(axis=1))
