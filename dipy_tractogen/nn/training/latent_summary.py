"""Record of a trained model's data and latents."""

from __future__ import annotations

import logging

import numpy as np

from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.latents import LatentPosteriors, stored_rows
from dipy_tractogen.sampling.stratified import stratified_sample
from dipy_tractogen.sampling.subject.estimate import (
    estimate_variation,
    subject_offsets,
)
from dipy_tractogen.sampling.subject.moments import free_columns
from dipy_tractogen.sampling.subject.variation import SubjectVariation
from dipy_tractogen.sampling.texture.profile_curves import NB_ORDERS
from dipy_tractogen.sampling.texture.residual_matching import NB_COEFFICIENTS
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.conditions import COMPUTED
from dipy_tractogen.streamlines.resampled import BLOCK
from dipy_tractogen.utils.versions import current_versions

from ..archive.record import TrainingRecord
from .dataset import HeldOutSet, TrainingData, TrainingSet

logger = logging.getLogger("dipy_tractogen")

# Streamlines of a bundle, and in all, that are decoded to fit the texture.
_MOST_DECODED = 1000
_MOST_DECODED_IN_ALL = 28000
# As much for models with values along the streamlines, whose profiles are regressed on
# conditions: an effect of patients is that of half of these.
_MOST_REGRESSED = 10_000
_MOST_REGRESSED_IN_ALL = 50_000
# Draws of latents for each of these, of models with values along the streamlines.
_NB_DRAWS = 4
# Streamlines on which the error of the features alone is measured.
_MOST_TRUNCATED = 50000


def describe(model, data: TrainingData, *, seed: int = 0) -> None:
    """Fit the density of the latents of streamlines to a model that has its weights.

    `StreamlineModel.fit` does so itself; imported weights need it before streamlines
    can be generated. It fills the model's record.
    """
    model.record = record_of(model, TrainingSet(model, data), seed)


def record_of(model, bundles: TrainingSet, seed: int) -> TrainingRecord:
    """Return the record of a trained model, without parameters and history."""
    reference = model.record.reference or bundles.covering_grid()
    record = TrainingRecord(
        bundle_names=list(bundles.names),
        bundle_counts=bundles.counts.tolist(),
        length_ranges=bundles.length_ranges(),
        directions=bundles.directions.tolist(),
        conditions=bundles.conditions.to_plain(),
        reference=reference,
        data={**model.record.data, "digest": bundles.digest},
        profiles=model.record.profiles,
        versions=current_versions(),
    )
    _describe_latents(model, bundles, seed, record)
    record.truncation_mm = _truncation(model, bundles, seed)
    return record


def measure_held_out(
    model, held_out: HeldOutSet
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return ``mean`` and ``percentile_95`` of the errors of held-out streamlines.

    The first are those of points in mm, the second those of the values along the
    streamlines by name, each in its own unit; a value that none has is left out.
    """
    errors: list[np.ndarray] = []
    of_values: dict[str, list] = {name: [] for name in model.profiles}
    for rows, columns in held_out.points.blocks():
        values = {name: each[rows] for name, each in held_out.values.items()}
        made = model.encode_and_decode(columns, values)
        error = made["points"] - columns[..., :3]
        errors.append(np.linalg.norm(error, axis=-1).mean(axis=1))
        for name, each in of_values.items():
            each.append(made["value_errors"][name])
    found = {name: np.concatenate(each) for name, each in of_values.items()}
    found = {name: each[np.isfinite(each)] for name, each in found.items()}
    return _summary(np.concatenate(errors)), {
        name: _summary(each) for name, each in found.items() if len(each)
    }


def _summary(errors: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(errors.mean()),
        "percentile_95": float(np.percentile(errors, 95)),
    }


def _truncation(model, bundles: TrainingSet, seed: int) -> float:
    """Measure the point error of the features alone, in mm."""
    rows = np.random.default_rng(seed).permutation(len(bundles.labels))
    rows = np.sort(rows[:_MOST_TRUNCATED])
    errors = [
        model.coder.truncation_error(bundles.points(rows[start : start + BLOCK]))
        for start in range(0, len(rows), BLOCK)
    ]
    return float(np.mean(np.concatenate(errors)))


def _describe_latents(model, bundles, seed: int, record: TrainingRecord) -> None:
    """Fit density and texture, and count the active latents."""
    z_mean, deviation = model.coder.posterior(bundles.inputs)
    active = model.active_dimensions(z_mean)
    record.active_units = int(active.sum())
    if not active.any():
        logger.warning(
            "The posterior has collapsed: no latent says anything of a streamline; "
            "train longer, or give a smaller beta or sigma_mm."
        )
    conditions = bundles.conditions
    posteriors = LatentPosteriors.of(
        z_mean,
        deviation,
        conditions.codes(bundles.values),
        conditions.standardised(bundles.values),
        active=active,
        seed=seed,
    )
    # Lines over age, as of the shape, would cut the curves of FA and its like.
    record.density = ConditionalDensity(
        conditions, posteriors, seed=seed, curved=bool(model.profiles)
    )
    if bundles.subjects is not None:
        record.density.subjects = _variation(
            bundles, z_mean[:, active], deviation[:, active], seed
        )
    _describe_texture(model, bundles, seed, record, z_mean, deviation)


def _variation(bundles, means, deviations, seed: int) -> SubjectVariation | None:
    """Estimate how the subjects of the training differ, by active latents (n, a)."""
    conditions = bundles.conditions
    codes = conditions.codes(bundles.values)
    numbers = conditions.standardised(bundles.values)
    free = free_columns(conditions, 0)
    none = np.zeros((len(means), int(free.sum())))
    x = np.column_stack([numbers[:, free], means])
    variation = estimate_variation(
        x,
        np.column_stack([none, deviations**2]),
        codes[:, 0],
        bundles.subjects,
        conditions.given_matrix(codes, numbers),
        seed,
    )
    if variation is None:
        logger.info("Too few subjects to estimate how subjects differ")
        return None
    logger.info("Estimated how %d subjects differ", variation.counts.max())
    _, stratum_of = np.unique(codes, axis=0, return_inverse=True)
    stratum_of = stratum_of.reshape(-1)
    groups = codes[:, 0], stratum_of, bundles.subjects
    offsets, offset_of = subject_offsets(variation, x, *groups, numbers[:, ~free])
    return variation.with_offsets(offsets, offset_of[stored_rows(stratum_of, seed)])


def _describe_texture(model, bundles, seed, record, z_mean, deviation) -> None:
    """Fit the texture to the residuals of one draw of the latents of each."""
    rng = np.random.default_rng(seed)
    limits = _MOST_DECODED, _MOST_DECODED_IN_ALL
    if model.profiles:
        limits = _MOST_REGRESSED, _MOST_REGRESSED_IN_ALL
    rows = _stratified_rows(bundles.labels, rng, *limits)
    z = z_mean[rows] + deviation[rows] * rng.standard_normal(z_mean[rows].shape)
    matrix = None
    if model.conditions_in_networks:
        matrix = bundles.inputs["conditions"][rows]
    decoded = model.coder.decode_channels(z.astype(np.float32), matrix)
    conditions = bundles.conditions
    values = {name: np.asarray(each)[rows] for name, each in bundles.values.items()}
    codes, numbers = conditions.codes(values), conditions.standardised(values)
    of_profiles = {}
    if model.profiles:
        of_profiles = {
            "values": bundles.channels_of_values(rows),
            "drawn": _drawn_coefficients(model, record.density, codes, numbers, seed),
        }
    record.texture = Texture().fit(
        bundles.streamlines(rows),
        decoded,
        bundles.labels[rows],
        conditions=conditions.given_matrix(codes, numbers),
        **of_profiles,
        seed=seed,
    )


def _drawn_coefficients(model, density, codes, numbers, seed: int) -> np.ndarray:
    """Return cosine coefficients (d, n, k, 3 + v) of latents drawn for conditions.

    They are for streamlines (n,) of categories `codes` and standardised `numbers`;
    those that follow from the points are drawn as well.
    """
    both = np.concatenate([density.strata, codes])
    _, found = np.unique(both, axis=0, return_inverse=True)
    found = found.reshape(-1)
    strata = np.argsort(found[: len(density.strata)])[found[len(density.strata) :]]
    computed = [one.name in COMPUTED for one in density.conditions.continuous]
    nb_orders = max(min(NB_ORDERS, model.nb_points), NB_COEFFICIENTS)
    given = np.column_stack([strata, np.where(computed, np.nan, numbers)])
    rng, made = np.random.default_rng(seed), []
    for _ in range(_NB_DRAWS):
        z = rng.standard_normal((len(given), model.latent_dim), dtype=np.float32)
        drawn = density.sampler.sample(len(given), given, rng)
        z[:, density.fitted_columns], completed = drawn
        matrix = None
        if model.conditions_in_networks:
            matrix = density.conditions.matrix(codes, completed[:, 1:])
        made.append(model.coder.decode_coefficients(z, matrix, nb_orders))
    return np.stack(made)


def _stratified_rows(
    labels: np.ndarray, rng: np.random.Generator, most: int, most_in_all: int
) -> np.ndarray:
    """Choose streamlines of each bundle, as many as the texture keeps or more."""
    limits = {"most": most, "most_in_all": most_in_all}
    return np.sort(stratified_sample(labels, rng, **limits))
