"""Density of latents without what differs between the subjects of a training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..density import ConditionalDensity
from ..latents import LatentPosteriors
from .moments import free_columns
from .variation import SubjectVariation

if TYPE_CHECKING:
    from ..samplers.base import LatentSampler

# Width of kernels over that of the density of the training. Offsets are known by a few
# streamlines each: without them, latents of many subjects scatter by their errors, as
# they do in kernels.
_NARROWER = 0.7


def within_subjects(density: ConditionalDensity) -> ConditionalDensity:
    """Return a density of streamlines as those of one subject scatter.

    In that of the training, streamlines scatter within subjects and subjects about each
    other. Scaled to the scatter of one subject it would keep the tails of both, where a
    bundle of a subject ends. Kernels of a `ManifoldSampler` have 0.7 of its width.

    Parameters
    ----------
    density : ConditionalDensity
        Density of a training.

    Returns
    -------
    ConditionalDensity
        Without the offsets of subjects, made once; the density itself where these are
        not known: in models of earlier versions and shared ones, and without subjects.
    """
    variation = density.subjects
    if variation is None or variation.offsets is None or variation.offset_of is None:
        return density
    with density._lock:
        if density._within_subjects is None:
            made = ConditionalDensity(
                density.conditions,
                _without_offsets(density, variation),
                _narrower(density._sampler or density._made()),
                density.seed,
                curved=density.curved,
            )
            made.subjects = replace(variation, offsets=None, offset_of=None)
            density._within_subjects = made
    return density._within_subjects


def _without_offsets(
    density: ConditionalDensity, variation: SubjectVariation
) -> LatentPosteriors:
    """Return the posteriors of a density without the offsets of their subjects."""
    known = density.posteriors
    rows = np.flatnonzero(variation.offset_of >= 0)
    offsets = variation.offsets[variation.offset_of[rows]]
    computed = np.flatnonzero(free_columns(density.conditions, 0))
    means, numbers = known.means.copy(), known.numbers.copy()
    numbers[np.ix_(rows, computed)] -= offsets[:, : len(computed)]
    means[np.ix_(rows, np.flatnonzero(known.active))] -= offsets[:, len(computed) :]
    low, high = known.low.copy(), known.high.copy()
    starts = np.searchsorted(known.stratum_of, np.arange(len(known.strata)))
    for limit, extreme in ((low, np.minimum), (high, np.maximum)):
        before, after = (
            extreme.reduceat(each[:, computed], starts)
            for each in (known.numbers, numbers)
        )
        # Streamlines that are not stored may lie beyond those that are.
        limit[:, computed] = after + extreme(limit[:, computed] - before, 0)
    return replace(known, means=means, numbers=numbers, low=low, high=high)


def _narrower(sampler: LatentSampler) -> LatentSampler:
    """Return a sampler that is not fitted; a `ManifoldSampler` has narrower kernels."""
    # Here, because a model is loaded without scikit-learn.
    from ..samplers.manifold import ManifoldSampler

    # The `clone` of scikit-learn would copy the model that `PriorSampler` draws from.
    made = type(sampler)(**sampler.get_params(deep=False))
    if isinstance(made, ManifoldSampler):
        made.width *= _NARROWER
    return made
