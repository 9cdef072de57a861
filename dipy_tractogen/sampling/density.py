"""Joint density of latents and conditions, and draws from it."""

from __future__ import annotations

from collections.abc import Mapping
import threading
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from dipy_tractogen.streamlines.conditions import COMPUTED, Conditions
from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.moved import RenamedAttribute
from dipy_tractogen.utils.schema import SchemaError

from .condition_request import ConditionRequest
from .latents import POSTERIOR_ARRAYS, LatentPosteriors

if TYPE_CHECKING:
    from .samplers.base import LatentSampler
    from .subject.variation import SubjectVariation

# Rounds in which draws outside their range are repeated.
_ROUNDS = 20
_SLACK = 1e-5
# Numbers that are not requested may leave the range of training by a tenth of it: a
# sharp cut at both ends would weaken the correlations between numbers.
_MARGIN = 0.1
# Positive ones do not fall below this share of their smallest: a streamline of a tenth
# of the shortest length is none.
_SMALLEST_SHARE = 0.9

DENSITY_ARRAYS = {**POSTERIOR_ARRAYS, "seed": Array("iu", (), 0, 2**63 - 1)}
"""Arrays of a `ConditionalDensity` in a file."""


class ConditionalDensity:
    """Density of latents and continuous conditions, given categories.

    For each stratum, a combination of categories in the training, a sampler describes
    the joint distribution of standardised numbers and latents. Requested numbers are
    conditions of this distribution; other numbers are drawn with the latents.

    Parameters
    ----------
    conditions : Conditions
        Conditions of the model.
    posteriors : LatentPosteriors
        Posteriors of streamlines.
    sampler : LatentSampler, optional
        The sampler, not fitted; the default one without it.
    seed : int, optional
        Seed of the fit.
    curved : bool, optional
        Whether latents may follow numbers in a curve; see `ManifoldSampler`.

    Attributes
    ----------
    strata : ndarray of shape (m, nb_categorical), int32
        Codes of the categories of each stratum, in order.
    counts : ndarray of shape (m,)
        Number of training streamlines of each.
    low, high : ndarray of shape (m, nb_continuous)
        Ranges of the standardised numbers in each.
    subjects : SubjectVariation or None
        How the subjects of the training differ, where they were known.
    """

    def __init__(
        self,
        conditions: Conditions,
        posteriors: LatentPosteriors,
        sampler: LatentSampler | None = None,
        seed: int = 0,
        *,
        curved: bool = False,
    ):
        self.conditions = conditions
        self.posteriors = posteriors
        self.seed = seed
        self.curved = curved
        self.strata, self.counts = posteriors.strata, posteriors.counts
        self.low, self.high = posteriors.low, posteriors.high
        self._sampler = sampler
        # Columns of the latents that the sampler is fitted to; None before.
        self._columns: np.ndarray | None = None
        # Streamlines are drawn in threads.
        self._lock = threading.Lock()
        self._others: dict[str, ConditionalDensity] = {}
        self._within_subjects: ConditionalDensity | None = None
        self.subjects: SubjectVariation | None = None

    @property
    def sampler(self) -> LatentSampler:
        """The sampler, fitted when it is first needed."""
        with self._lock:
            if self._columns is None:
                if self._sampler is None:
                    self._sampler = self._made()
                known = self.posteriors
                columns = known.active | (not self._sampler.of_active_only)
                self._sampler.fit(
                    known.means[:, columns],
                    np.column_stack([known.stratum_of, known.numbers]),
                    deviations=known.deviations[:, columns],
                    weights=known.weights,
                )
                self._columns = columns
        return self._sampler

    @property
    def fitted_columns(self) -> np.ndarray:
        """Which latents (d,) the sampler is fitted to; others are standard normal."""
        self.sampler  # noqa: B018
        return self._columns

    def with_sampler(self, sampler: str | LatentSampler | None) -> ConditionalDensity:
        """Return the density of the same latents with another sampler.

        Parameters
        ----------
        sampler : str, LatentSampler or None
            Name of a sampler (`SAMPLERS`), or one that is not fitted yet; None for this
            density.

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
        if hasattr(sampler, "fit"):
            given = self.conditions, self.posteriors, sampler, self.seed
            made = ConditionalDensity(*given, curved=self.curved)
            made.subjects = self.subjects
            return made
        if sampler not in self._others:
            self._others[sampler] = self.with_sampler(self._made(sampler))
        return self._others[sampler]

    def _made(self, name: str | None = None) -> LatentSampler:
        # Here, because a model is loaded without scikit-learn.
        from .samplers import DEFAULT_SAMPLER, make_sampler

        made = make_sampler(name or DEFAULT_SAMPLER, seed=self.seed)
        bends = self.curved and "curved" in made.get_params()
        return made.set_params(curved=True) if bends else made

    def name(self, stratum: int) -> str:
        """Return the names of the categories of a stratum, an index into `strata`."""
        pairs = zip(self.conditions.categorical, self.strata[stratum])
        return ", ".join(one.categories[code] for one, code in pairs)

    def weights(self, request: ConditionRequest) -> np.ndarray:
        """Return the proportions of the strata, given what is requested.

        Parameters
        ----------
        request : ConditionRequest
            Requested conditions.

        Returns
        -------
        ndarray of shape (m,)
            Proportions, which add up to one: those of the training streamlines that
            have what is requested.

        Raises
        ------
        ValueError
            If no streamline has the requested categories, or numbers near to those.
        """
        matched = request.matches(self.strata)
        if not matched.any():
            raise ValueError(
                "No streamline of the training, or of the seeds if some are given, has "
                "all requested categories: leave some of them out."
            )
        matched &= self._within_reach(request, matched)
        request.warn_extrapolation(
            self.low[matched].min(axis=0), self.high[matched].max(axis=0)
        )
        weights = np.where(matched, self.counts, 0).astype(float)
        if len(request.exact) or len(request.bounded):
            logs = np.full(len(matched), -np.inf)
            for stratum in np.flatnonzero(matched):
                logs[stratum] = self._log_mass(stratum, request)
            # Where all are out of range, the proportions are those without numbers.
            if np.isfinite(logs).any():
                weights = weights * np.exp(logs - logs.max())
        request.warn_missing(self.strata[weights > 0])
        return weights / weights.sum()

    def _within_reach(
        self, request: ConditionRequest, matched: np.ndarray
    ) -> np.ndarray:
        """Return which matched strata have numbers near those requested."""
        bundles = self.strata[:, 0]
        reached = np.zeros(len(bundles), dtype=bool)
        ranges, names = [], []
        numbers = self.conditions.continuous
        computed = np.array([one.name in COMPUTED for one in numbers], dtype=bool)
        for bundle in np.unique(bundles[matched]):
            rows = matched & (bundles == bundle)
            # Numbers of subjects are compared with all bundles: subjects may be few.
            own = (self.low[rows].min(axis=0), self.high[rows].max(axis=0))
            of_all = (self.low[matched].min(axis=0), self.high[matched].max(axis=0))
            limits = [np.where(computed, *pair) for pair in zip(own, of_all)]
            reached[rows] = request.within_reach(*limits).all()
            ranges.append(limits)
            names.append(self.conditions.categorical[0].categories[bundle])
        if not reached.any():
            request.raise_out_of_reach(*np.stack(ranges, axis=1), names)
        return reached

    def sample(
        self, nb_samples: int, stratum: int, request: ConditionRequest, seed
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw numbers and latents of one stratum.

        Parameters
        ----------
        nb_samples : int
            Number of draws.
        stratum : int
            An index into `strata`.
        request : ConditionRequest
            Requested numbers. Others stay in the range that the stratum had in
            training, or leave it by a tenth at most.
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
        limits = self._limits(stratum, request)
        # One requested number, or one number in all of the training.
        fixed = limits[0] == limits[1]
        known = np.concatenate([[stratum], np.where(fixed, limits[0], np.nan)])
        numbers, z = self._draw(nb_samples, known, rng)
        outside = _rows_outside(numbers, limits)
        for _ in range(_ROUNDS):
            if not len(outside):
                break
            numbers[outside], z[outside] = self._draw(len(outside), known, rng)
            outside = outside[_rows_outside(numbers[outside], limits)]
        if len(outside):
            # The density in the range is almost zero: draw numbers uniformly.
            uniform = rng.uniform(*limits, size=(len(outside), len(fixed)))
            known = np.column_stack([np.full(len(outside), stratum), uniform])
            numbers[outside], z[outside] = self._draw(len(outside), known, rng)
        return numbers, z

    def _draw(self, nb_samples: int, known: np.ndarray, rng):
        """Draw numbers, and latents of all dimensions."""
        drawn, completed = self.sampler.sample(nb_samples, known, rng)
        z = rng.standard_normal((nb_samples, len(self._columns)), dtype=np.float32)
        z[:, self._columns] = drawn
        return completed[:, 1:], z

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the posteriors, and ``seed``, for a model's file."""
        return {**self.posteriors.to_arrays(), "seed": np.array(self.seed)}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], conditions: Conditions
    ) -> ConditionalDensity:
        """Create a density from the arrays of `to_arrays`, with the default sampler.

        Raises
        ------
        ValueError
            If the arrays do not fit together, or do not fit the conditions.
        """
        sizes = {"k": len(conditions.categorical), "q": len(conditions.continuous)}
        check_arrays(arrays, DENSITY_ARRAYS, sizes)
        posteriors = LatentPosteriors.from_arrays(arrays)
        cls._check_categories(posteriors.strata, conditions)
        return cls(conditions, posteriors, seed=int(arrays["seed"]))

    @staticmethod
    def _check_categories(strata: np.ndarray, conditions: Conditions) -> None:
        """Raise a ValueError if strata have codes that no category has."""
        for one, column in zip(conditions.categorical, strata.T):
            if column.max() >= len(one.categories):
                found = f"up to {column.max()} for {one.name}"
                known = f"codes of its {len(one.categories)} categories"
                raise SchemaError("cells", found, known)

    def _limits(
        self, stratum: int, request: ConditionRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ranges of the numbers: those requested, or about those of training."""
        low, high = self.low[stratum], self.high[stratum]
        margin = _MARGIN * (high - low)
        continuous = self.conditions.continuous
        zero = np.array([-one.mean / one.deviation for one in continuous])
        # Numbers that were never negative stay positive, and well above zero.
        smallest = zero + _SMALLEST_SHARE * (low - zero)
        floor = np.where(low >= zero, smallest, -np.inf)
        free = np.isnan(request.ranges[:, 0])
        return (
            np.where(free, np.maximum(low - margin, floor), request.ranges[:, 0]),
            np.where(free, high + margin, request.ranges[:, 1]),
        )

    def _log_mass(self, stratum: int, request: ConditionRequest) -> float:
        """Return the logarithm of the density of the request within a stratum."""
        low, high = self.low[stratum], self.high[stratum]
        margin = 1e-6 + 0.02 * (high - low)
        first, last = request.ranges.T
        if ((first > high + margin) | (last < low - margin)).any():
            return -np.inf
        own = self.posteriors.stratum_of == stratum
        numbers, weights = self.posteriors.numbers[own], self.posteriors.weights[own]
        logs = np.log(weights / weights.sum())
        for column in request.bounded:
            values = numbers[:, column]
            inside = (values >= first[column]) & (values <= last[column])
            # Others count as half a streamline in all, so that no range has zero mass.
            logs = np.where(inside, logs, logs + np.log(0.5 / len(numbers)))
        width = len(numbers) ** (-1 / (4 + len(request.exact)))
        for column in request.exact:
            deviation = width * numbers[:, column].std() + margin[column]
            distances = (numbers[:, column] - first[column]) / deviation
            logs = logs - 0.5 * distances**2 - np.log(deviation)
        return float(logsumexp(logs))

    cells = RenamedAttribute("strata")
    bank = RenamedAttribute("posteriors")
    by = RenamedAttribute("with_sampler")


def _rows_outside(numbers: np.ndarray, limits: tuple) -> np.ndarray:
    """Return rows with a number outside its range, but for rounding."""
    low, high = limits[0] - _SLACK, limits[1] + _SLACK
    return np.flatnonzero(((numbers < low) | (numbers > high)).any(axis=1))
