"""Density of latents and conditions as a subject has it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dipy_tractogen.streamlines.conditions import BUNDLE

from ..density import ConditionalDensity
from .baseline import Baseline
from .effect import SubjectEffect
from .moments import free_columns
from .within import within_subjects

if TYPE_CHECKING:
    from ..samplers.base import LatentSampler

# Samplers whose strata are Gaussian mixtures.
_ACCEPTED = "manifold, gmm or kde"


class SubjectDensity(ConditionalDensity):
    """Density of a model, moved and scaled to a subject.

    Numbers and latents of each stratum are mapped so that their mean and covariance are
    those of the subject: the shape of the density is that of the model, without the
    scatter of its subjects where that is known. Given numbers still are conditions of
    it.

    Parameters
    ----------
    density : ConditionalDensity
        Density of the model, with a sampler of Gaussian mixtures.
    effect : SubjectEffect
        What is different in the subject.

    Raises
    ------
    ValueError
        If the sampler is another one.
    """

    def __init__(self, density: ConditionalDensity, effect: SubjectEffect):
        self.base, self.effect = density, effect
        # The density whose shape the bundles of the effect have.
        self.shape = within_subjects(density)
        baselines = baselines_of(self.shape)
        self.maps = {
            stratum: baselines[stratum].affine(own.shift, own.covariance)
            for stratum, bundle in enumerate(density.strata[:, 0])
            if (own := effect.bundles.get(int(bundle))) is not None
        }
        sampler = copy.copy(self.shape.sampler)
        sampler.strata_ = {
            stratum: mixture.mapped(*self.maps[stratum])
            if stratum in self.maps
            else density.sampler.strata_[stratum]
            for stratum, mixture in sampler.strata_.items()
        }
        super().__init__(
            density.conditions, self._posteriors(), sampler, seed=density.seed
        )
        self._columns = self.shape.fitted_columns

    def _posteriors(self):
        """Return the posteriors of the base with numbers and latents of the subject."""
        known, shape = self.base.posteriors, self.shape.posteriors
        columns, nb_numbers = self.shape.fitted_columns, known.numbers.shape[1]
        means, numbers = known.means.copy(), known.numbers.copy()
        low, high = known.low.copy(), known.high.copy()
        for stratum, (matrix, offset) in self.maps.items():
            rows = np.flatnonzero(known.stratum_of == stratum)
            x = np.column_stack([shape.numbers[rows], shape.means[rows][:, columns]])
            mapped = x @ matrix.T + offset
            numbers[rows] = mapped[:, :nb_numbers]
            means[np.ix_(rows, np.flatnonzero(columns))] = mapped[:, nb_numbers:]
            before, after = x[:, :nb_numbers], mapped[:, :nb_numbers]
            scale = after.std(axis=0) / np.maximum(before.std(axis=0), 1e-12)
            for limit, of_shape in ((low, shape.low), (high, shape.high)):
                away = of_shape[stratum] - before.mean(axis=0)
                limit[stratum] = after.mean(axis=0) + scale * away
        return replace(known, means=means, numbers=numbers, low=low, high=high)

    def pairs(
        self, nb_draws: int, stratum: int, numbers: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Draw numbers and latents of the model, and the same of the subject.

        Parameters
        ----------
        nb_draws : int
            Number of draws.
        stratum : int
            A stratum that the effect changes.
        numbers : ndarray of shape (nb_continuous,)
            Given numbers, standardised; NaN where they are drawn.

        Returns
        -------
        list of two tuples
            Numbers (nb_draws, nb_continuous) and latents (nb_draws, d) of both.
        """
        known = np.concatenate([[stratum], numbers])
        rng = np.random.default_rng((self.seed, stratum))
        numbers, z = self.shape._draw(nb_draws, known, rng)
        matrix, offset = self.maps[stratum]
        columns, width = self.shape.fitted_columns, numbers.shape[1]
        x = np.column_stack([numbers, z[:, columns]]) @ matrix.T + offset
        moved = z.copy()
        moved[:, columns] = x[:, width:]
        return [(numbers, z), (x[:, :width], moved)]

    def with_sampler(self, sampler: str | LatentSampler | None) -> ConditionalDensity:
        """Return the density of the same subject with another sampler."""
        if sampler is None:
            return self
        return SubjectDensity(self.base.with_sampler(sampler), self.effect)


def baselines_of(density: ConditionalDensity) -> list[Baseline]:
    """Return what a density expects of each of its strata.

    Raises ValueError if it has a sampler without Gaussian mixtures.
    """
    # Here, because a model is loaded without scikit-learn.
    from ..samplers.gaussian_mixture import ConditionalGaussianMixture

    mixtures = [density.sampler.strata_[one] for one in range(len(density.strata))]
    others = [
        one for one in mixtures if not isinstance(one, ConditionalGaussianMixture)
    ]
    if others:
        raise ValueError(
            f"A density of {type(density.sampler).__name__} cannot be changed to that "
            f"of a subject: give the sampler {_ACCEPTED}."
        )
    free = free_columns(density.conditions, int(density.fitted_columns.sum()))
    return [Baseline.of(mixture, free) for mixture in mixtures]


def own_conditions(density: ConditionalDensity) -> dict:
    """Return the conditions that the subject of a density has, none without one."""
    known = density.effect.conditions if isinstance(density, SubjectDensity) else {}
    return {name: each for name, each in known.items() if name != BUNDLE}
