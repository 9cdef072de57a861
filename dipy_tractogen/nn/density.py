"""Densities of latents that a trained model draws from."""

from __future__ import annotations

from collections.abc import Mapping
import functools
from typing import TYPE_CHECKING

import numpy as np

from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.latents import LatentPosteriors
from dipy_tractogen.sampling.subject.density import SubjectDensity
from dipy_tractogen.sampling.subject.effect import SubjectEffect
from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    Conditions,
    measured_values,
)

from .encoding import with_values
from .profiles import PointData, as_columns

if TYPE_CHECKING:
    from dipy_tractogen.sampling.samplers.base import LatentSampler


def seeds_of(
    model,
    streamlines,
    values: Mapping[str, np.ndarray] | None = None,
    data_per_point: PointData | None = None,
) -> LatentPosteriors:
    """Encode streamlines that others are to be generated like.

    Parameters
    ----------
    streamlines : ndarray of shape (n, p, 3) or ArraySequence
        Points in RASMM mm, such as those of a subject's own bundle or of an atlas.
    values : mapping of str to ndarray of shape (n,), optional
        Bundle and other conditions of each, by name; those computed from the
        points may be left out, and the bundle where the model has only one.
    data_per_point : mapping of str to ndarray, optional
        Values along the streamlines that the model reads, as `encode` takes them.

    Returns
    -------
    LatentPosteriors
        For `generate`; two of them are mixed by `LatentPosteriors.mixed_with`
        :footcite:p:`Legarreta2023`.

    Raises
    ------
    ValueError
        If the model is not trained, or a condition is missing or unknown, or not
        given for each streamline.

    References
    ----------
    .. footbibliography::
    """
    density = model.density_by()
    streamlines, values = with_values(model, streamlines, values, data_per_point)
    columns = as_columns(model, streamlines)
    points = columns[..., :3]
    if not len(points):
        raise ValueError("There are no streamlines to generate others like.")
    conditions = density.conditions
    values = {**measured_values(points, conditions.names), **values}
    complete_values(values, conditions, len(points))
    codes, numbers = conditions.codes(values), conditions.standardised(values)
    matrix = None
    if model.conditions_in_networks:
        matrix = conditions.matrix(codes, numbers)
    channels = model.known_profiles().channels(columns)
    encoded = model.coder.encode(channels, matrix)
    means = encoded["z_mean"]
    return LatentPosteriors.of(
        means,
        encoded.get("deviation", np.zeros_like(means)),
        codes,
        numbers,
        active=density.posteriors.active,
        seed=density.seed,
    )


def density_by(
    model,
    sampler: str | LatentSampler | ConditionalDensity | None = None,
    seeds: LatentPosteriors | None = None,
    like: SubjectEffect | None = None,
) -> ConditionalDensity:
    """Return a density of latents by a sampler.

    `sampler` is a name (`SAMPLERS`), a sampler that is not fitted yet, or a density
    that was returned before, which is returned again; `seeds`, from `seeds_of`, take
    the place of the latents of the training; `like` is a subject that the density is
    changed to. Raises ValueError if the model is not trained, or does not know one of
    them, or they do not go together.
    """
    if isinstance(sampler, ConditionalDensity):
        return sampler
    if like is not None:
        if not isinstance(like, SubjectEffect):
            raise ValueError(
                f"like is of the type {type(like).__name__}: give what subject_of or "
                "draw_subject returns."
            )
        return SubjectDensity(density_by(model, sampler, seeds), like)
    density = model.record.density
    if density is None:
        raise ValueError("The model is not trained: call fit before generate.")
    if seeds is not None:
        _check_seeds(model, seeds)
        given = density.conditions, seeds
        density = ConditionalDensity(
            *given, seed=density.seed, curved=bool(model.profiles)
        )
    if sampler == "prior":
        from dipy_tractogen.sampling.samplers.prior import PriorSampler

        draw = functools.partial(_draw_from_prior, model, density)
        sampler = PriorSampler(draw=draw)
    return density.with_sampler(sampler)


def draw_prior(
    model, codes: np.ndarray, numbers: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw latents (n, latent_dim) from the model's prior, or standard normal.

    `codes` (n, nb_categorical) and `numbers` (n, nb_continuous), standardised, are the
    conditions of each.
    """
    for term in model.network.terms:
        drawn = term.draw_prior(model.conditions, codes, numbers, rng)
        if drawn is not None:
            return drawn
    return rng.standard_normal((len(codes), model.latent_dim))


def active_dimensions(model, z_mean: np.ndarray) -> np.ndarray:
    """Return which latent dimensions vary with the streamline: (latent_dim,), bool.

    Those whose mean varies by more than `active_variance`; all where that is None.
    """
    if model.active_variance is None:
        return np.ones(z_mean.shape[1], dtype=bool)
    return z_mean.var(axis=0) > model.active_variance


def _check_seeds(model, seeds) -> None:
    """Check that the seeds are from `seeds_of`, of as many latents."""
    if not isinstance(seeds, LatentPosteriors):
        raise ValueError(
            f"seeds are of the type {type(seeds).__name__}: give what seeds_of "
            "makes of streamlines."
        )
    if seeds.means.shape[1] != model.latent_dim:
        raise ValueError(
            f"seeds have {seeds.means.shape[1]} latents, and the model "
            f"{model.latent_dim}: encode them by seeds_of of this model."
        )


def _draw_from_prior(model, density, strata, numbers, rng) -> np.ndarray:
    return draw_prior(model, density.strata[strata], numbers, rng)


def complete_values(values: dict, conditions: Conditions, nb_streamlines: int) -> None:
    """Add the bundle where there is only one.

    Raises ValueError where there is not one value of a condition for each streamline.
    """
    only = conditions[BUNDLE].categories
    if len(only) == 1:
        values.setdefault(BUNDLE, np.repeat(only, nb_streamlines))
    for name in conditions.names:
        if name in values and np.shape(values[name]) != (nb_streamlines,):
            raise ValueError(
                f"The values of {name} have the shape {np.shape(values[name])}, for "
                f"{nb_streamlines} streamlines: give one for each."
            )
