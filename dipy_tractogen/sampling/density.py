"""Density of latents and conditions together, and draws from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions

from .asked import Asked
from .mixture import LatentMixture

# Draws anew of what left its range, and draws that measure how much does.
_ROUNDS = 20
_NB_PROBES = 1024
_SLACK = 1e-5
# Numbers that are not asked may leave the range of the training by a tenth of it: a
# sharp cut at both ends would weaken what one number says of another.
_MARGIN = 0.1
_ARRAYS = ("cells", "counts", "low", "high")


class ConditionalDensity:
    """Density of latents and continuous conditions, by category.

    For each combination of categories that the training has, a mixture of Gaussians
    describes the standardised numbers and the latents together. What is asked of the
    numbers is a condition on the mixture; what is not, is drawn with the latents.

    Parameters
    ----------
    conditions : Conditions
        What is known of the streamlines.
    seed : int, optional
        Seed of the fit.
    max_components : int, optional
        Most components of a mixture (`LatentMixture`).

    Attributes
    ----------
    cells : ndarray of shape (m, nb_categorical), int32
        The combinations of categories, as codes, in order.
    counts : ndarray of shape (m,), int64
        Training streamlines of each.
    low, high : ndarray of shape (m, nb_continuous)
        Ranges of the standardised numbers in each.
    mixture : LatentMixture
        A mixture for each, over the numbers and the latents.
    """

    def __init__(self, conditions: Conditions, seed: int = 0, max_components: int = 16):
        self.conditions = conditions
        self.mixture = LatentMixture(max_components, seed=seed)
        self.cells = np.zeros((0, len(conditions.categorical)), dtype=np.int32)
        self.counts = np.zeros(0, dtype=np.int64)
        self.low = self.high = np.zeros((0, len(conditions.continuous)))

    def fit(
        self,
        z: np.ndarray,
        codes: np.ndarray,
        numbers: np.ndarray,
        *,
        rows: np.ndarray | None = None,
        active: np.ndarray | None = None,
    ) -> ConditionalDensity:
        """Fit a mixture for each combination of categories.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.
        codes : ndarray of shape (m, nb_categorical)
            Categories of the training streamlines.
        numbers : ndarray of shape (m, nb_continuous)
            Their standardised numbers.
        rows : ndarray of shape (n,), optional
            The streamline that each latent is of; one latent each by default.
        active : ndarray of shape (d,), bool, optional
            Latent dimensions that say something of a streamline; all by default.

        Returns
        -------
        ConditionalDensity
            Itself.

        Raises
        ------
        ValueError
            If a latent is not finite, or a combination has none.
        """
        rows = np.arange(len(codes)) if rows is None else rows
        active = np.ones(z.shape[1], bool) if active is None else np.asarray(active)
        self.cells, members, self.counts = np.unique(
            codes, axis=0, return_inverse=True, return_counts=True
        )
        members = members.reshape(-1)
        by_cell = [numbers[members == cell] for cell in range(len(self.cells))]
        self.low = np.stack([part.min(axis=0) for part in by_cell])
        self.high = np.stack([part.max(axis=0) for part in by_cell])
        self.mixture.fit(
            np.concatenate([numbers[rows], z], axis=1),
            members[rows],
            [self.name(cell) for cell in range(len(self.cells))],
            active=np.concatenate([np.ones(numbers.shape[1], bool), active]),
        )
        return self

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

    def weights(self, asked: Asked) -> np.ndarray:
        """Give the share of each combination of categories in what is asked for.

        Parameters
        ----------
        asked : Asked
            What is asked.

        Returns
        -------
        ndarray of shape (m,)
            Shares of the training streamlines, given what is asked; they add up to
            one.

        Raises
        ------
        ValueError
            If no training streamline has the categories that are asked for.
        """
        accepted = asked.accepts(self.cells)
        if not accepted.any():
            raise ValueError(
                "No training streamline has all the categories that are asked for: "
                "leave some of them out."
            )
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

    def sample(
        self, nb_samples: int, cell: int, asked: Asked, seed
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw numbers and latents of one combination of categories.

        Parameters
        ----------
        nb_samples : int
            Number of draws.
        cell : int
            The combination, an index into `cells`.
        asked : Asked
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
        nb_numbers = self.low.shape[1]
        limits = self._limits(cell, asked)
        # Asked exactly, or the same for all of the training.
        fixed = np.flatnonzero(limits[0] == limits[1])
        known = np.tile(limits[0][fixed], (nb_samples, 1))
        drawn = self.mixture.sample(nb_samples, cell, rng, (fixed, known))
        wrong = _outside(drawn[:, :nb_numbers], limits)
        for _ in range(_ROUNDS):
            if not len(wrong):
                break
            again = self.mixture.sample(len(wrong), cell, rng, (fixed, known[wrong]))
            drawn[wrong] = again
            wrong = wrong[_outside(again[:, :nb_numbers], limits)]
        if len(wrong):
            # Hardly any density in the range: numbers from the whole range, evenly.
            numbers = rng.uniform(*limits, size=(len(wrong), nb_numbers))
            columns = np.arange(nb_numbers)
            drawn[wrong] = self.mixture.sample(
                len(wrong), cell, rng, (columns, numbers)
            )
        return drawn[:, :nb_numbers], drawn[:, nb_numbers:]

    def _limits(self, cell: int, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
        """Ranges of the numbers: what is asked, or else about what training had."""
        margin = _MARGIN * (self.high[cell] - self.low[cell])
        zero = np.array(
            [-one.mean / one.deviation for one in self.conditions.continuous]
        )
        # What was never negative does not become so.
        floor = np.where(self.low[cell] >= zero, zero, -np.inf)
        free = np.isnan(asked.ranges[:, 0])
        low = np.maximum(self.low[cell] - margin, floor)
        low = np.where(free, low, asked.ranges[:, 0])
        high = np.where(free, self.high[cell] + margin, asked.ranges[:, 1])
        return low, high

    def _log_mass(self, cell: int, asked: Asked) -> float:
        """Logarithm of the density of what is asked within a combination."""
        low, high = self.low[cell], self.high[cell]
        margin = 1e-6 + 0.02 * (high - low)
        out = (asked.ranges[:, 0] > high + margin) | (asked.ranges[:, 1] < low - margin)
        if out.any():
            return -np.inf
        exact = asked.exact
        value = asked.ranges[exact, 0][None]
        mass = float(self.mixture.log_density(cell, exact, value)[0])
        if len(asked.bounded):
            known = np.repeat(value, _NB_PROBES, axis=0)
            probes = self.mixture.sample(_NB_PROBES, cell, 0, (exact, known))
            inside = np.ones(_NB_PROBES, dtype=bool)
            for column in asked.bounded:
                least, most = asked.ranges[column]
                inside &= (probes[:, column] >= least) & (probes[:, column] <= most)
            # Half a probe where there is none, so that a narrow range has a share.
            mass += np.log(max(inside.mean(), 0.5 / _NB_PROBES))
        return mass

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Give what was fitted as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            Those of the mixture, and ``cells``, ``counts``, ``low`` and ``high``.
        """
        own = {name: getattr(self, name) for name in _ARRAYS}
        return {**own, **self.mixture.to_arrays()}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], conditions: Conditions
    ) -> ConditionalDensity:
        """Make a fitted density again from `to_arrays`.

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
        """
        density = cls(conditions)
        for name in _ARRAYS:
            setattr(density, name, arrays[name])
        names = [density.name(cell) for cell in range(len(density.cells))]
        density.mixture = LatentMixture.from_arrays(dict(arrays), names)
        return density


def _outside(numbers: np.ndarray, limits: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Rows with a number out of its range, but for rounding."""
    low, high = limits[0] - _SLACK, limits[1] + _SLACK
    return np.flatnonzero(((numbers < low) | (numbers > high)).any(axis=1))
