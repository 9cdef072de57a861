"""Training of a model: from points and bundles to weights and their record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
import hashlib
import logging
import math
from pathlib import Path

import keras
import numpy as np

from dipy_tractogen.sampling.mixture import LatentMixture
from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.orientation import bundle_directions, orient
from dipy_tractogen.streamlines.reference import Reference

from .callbacks import Budget, KeepBest, ProgressBar, StopOnDivergence
from .checks import check_bundles
from .options import TrainingOptions
from .pipeline import held_out_batches, training_batches
from .record import TrainingRecord, current_versions

logger = logging.getLogger("dipy_tractogen")

_DEFAULT_STEPS = 6000
# Steps compiled into one call, and calls between two looks at the held-out loss.
_STEPS_PER_CALL = 50
_CALLS_PER_ROUND = 2
_MAX_ROUNDS = 400
# Held-out streamlines of a look at their loss: more would cost more than the steps.
_MOST_HELD_OUT = 10000
# XLA takes seconds to compile, which a short training does not win back.
_STEPS_WORTH_COMPILING = 500
# Latents that a bundle's density is fitted to: draws from each posterior, in all.
_MOST_DRAWS = 8
_ENOUGH_LATENTS = 2000
_MOST_LATENTS = 20000


def fit_model(
    model,
    points: np.ndarray,
    labels: np.ndarray | None,
    bundle_names: Sequence[str] | None,
    *,
    held_out: np.ndarray | None,
    held_out_labels: np.ndarray | None,
    options: TrainingOptions,
    history_file: str | Path | None = None,
    show_progress: bool = False,
) -> keras.callbacks.History:
    """Train a model and fill its record.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    points : ndarray of shape (n, nb_points, 3)
        Training streamlines in RASMM mm, in either direction.
    labels : ndarray of shape (n,), optional
        Bundle of each, an index into `bundle_names`; one bundle without it.
    bundle_names : sequence of str, optional
        Names of the bundles; ``bundle_0`` and so on without it.
    held_out : ndarray of shape (m, nb_points, 3), optional
        Streamlines for early stopping and for the point error.
    held_out_labels : ndarray of shape (m,), optional
        Bundle of each.
    options : TrainingOptions
        Options of the training.
    history_file : str or Path, optional
        CSV file that a row is written to at each look at the held-out loss.
    show_progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    keras.callbacks.History
        History of the training.

    Raises
    ------
    ValueError
        If an array has another shape or holds values that are not finite, or the
        loss becomes infinite or NaN (`TrainingDivergedError`).
    """
    labels, names = check_bundles(points, labels, bundle_names, model.nb_points)
    counts = np.bincount(labels, minlength=len(names))
    if not counts.all():
        raise ValueError(
            f"bundle_names hold {names[int(np.argmin(counts))]}, which has no training "
            "streamline: leave it out."
        )
    directions = bundle_directions(points, labels, len(names))
    features = model.backbone.analyse(orient(points, labels, directions))
    held_features = None
    if held_out is not None and len(held_out):
        if held_out_labels is None and len(names) > 1:
            raise ValueError(
                "held_out_labels is missing: give the bundle of each held-out "
                "streamline, as labels do for points."
            )
        held_labels, _ = check_bundles(
            held_out, held_out_labels, names, model.nb_points
        )
        held_features = model.backbone.analyse(
            orient(held_out, held_labels, directions)
        )
    history = _optimise(
        model, features, held_features, options, history_file, show_progress
    )
    record = TrainingRecord(
        bundle_names=list(names),
        bundle_counts=counts.tolist(),
        length_ranges=_length_ranges(points, labels, len(names)),
        directions=directions.tolist(),
        reference=model.record.reference or Reference.covering(points).to_dict(),
        parameters=asdict(options),
        data={**model.record.data, "digest": _digest(points)},
        history=_rows(history),
        versions=current_versions(),
    )
    _describe_latents(model, features, labels, names, options.seed, record)
    _measure_errors(model, points, held_out, record)
    model.record = record
    return history


def _optimise(model, features, held_features, options, history_file, show_progress):
    """Compile the model and run the optimisation."""
    batch_size = min(options.batch_size, len(features))
    max_steps, steps_per_round, steps_per_call = _plan(
        options, len(features), batch_size
    )
    if not model.record.history:
        model.adapt(features)
    model.compile(
        optimizer=keras.optimizers.Adam(
            options.learning_rate, global_clipnorm=options.clip_norm
        ),
        jit_compile=steps_per_call > 1,
        steps_per_execution=steps_per_call,
    )
    budget = Budget(
        options.learning_rate,
        max_steps=max_steps,
        max_seconds=options.max_minutes and 60 * options.max_minutes,
    )
    divergence = StopOnDivergence()
    callbacks = [budget, *model.scheduled_callbacks(budget), divergence]
    if history_file:
        callbacks.append(keras.callbacks.CSVLogger(history_file))
    if show_progress:
        callbacks.append(ProgressBar(budget))
    held = None
    if held_features is not None:
        shown = np.random.default_rng(options.seed).permutation(len(held_features))
        held = held_out_batches(held_features[shown[:_MOST_HELD_OUT]], batch_size)
        callbacks.append(KeepBest(budget, options.patience))
        # Compiles what looks at held-out streamlines before the clock runs.
        model.evaluate(held, verbose=0)
    history = keras.Model.fit(
        model,
        training_batches(features, batch_size, options.seed),
        epochs=2**31 - 1,
        steps_per_epoch=steps_per_round,
        validation_data=held,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    divergence.check()
    return history


def _plan(options: TrainingOptions, nb_streamlines: int, batch_size: int):
    """Give all steps, None where only time limits them, those of a round, of a call.

    A call is not interrupted, so the steps are rounded up to whole calls; those of a
    short training are made one by one, without compilation.
    """
    smallest = _STEPS_PER_CALL * _CALLS_PER_ROUND
    if options.epochs is not None:
        steps = max(1, math.ceil(options.epochs * nb_streamlines / batch_size))
    elif options.max_minutes is None:
        steps = _DEFAULT_STEPS
    else:
        return None, smallest, _STEPS_PER_CALL
    if steps < _STEPS_WORTH_COMPILING:
        return steps, min(smallest, steps), 1
    calls = math.ceil(steps / _STEPS_PER_CALL)
    calls_per_round = _CALLS_PER_ROUND
    if options.max_minutes is None:
        calls_per_round = max(calls_per_round, math.ceil(calls / _MAX_ROUNDS))
    return calls * _STEPS_PER_CALL, calls_per_round * _STEPS_PER_CALL, _STEPS_PER_CALL


def _rows(history: keras.callbacks.History) -> list[dict]:
    columns = history.history
    return [
        dict(zip(columns, (float(value) for value in row)))
        for row in zip(*columns.values())
    ]


def _digest(points: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(points).data).hexdigest()


def _length_ranges(points, labels, nb_bundles: int) -> list[list[float]]:
    size = lengths(points)
    by_bundle = [size[labels == label] for label in range(nb_bundles)]
    return [[float(part.min()), float(part.max())] for part in by_bundle]


def _describe_latents(model, features, labels, names, seed, record) -> None:
    """Fit the density of the latents and count the active ones."""
    z_mean, deviation = model.posterior_of(features)
    active = model.active_dimensions(z_mean)
    record.active_units = int(active.sum())
    if not active.any():
        logger.warning(
            "The posterior has collapsed: no latent says anything of a streamline; "
            "train longer, or give a smaller beta or sigma_mm."
        )
    rows = _draws(labels, len(names), np.random.default_rng(seed))
    noise = np.random.default_rng(seed).standard_normal((len(rows), model.latent_dim))
    z = z_mean[rows] + deviation[rows] * noise
    record.density = LatentMixture(seed=seed).fit(z, labels[rows], names, active=active)


def _draws(labels, nb_bundles: int, rng: np.random.Generator) -> np.ndarray:
    """Choose the streamlines whose posteriors the density is fitted to.

    The density is that of all posteriors together, so a small bundle gives several
    draws of each; a large one gives a part of its streamlines.
    """
    rows = []
    for label in range(nb_bundles):
        members = rng.permutation(np.flatnonzero(labels == label))
        repeats = min(_MOST_DRAWS, -(-_ENOUGH_LATENTS // max(len(members), 1)))
        rows.append(np.tile(members[:_MOST_LATENTS], repeats))
    return np.concatenate(rows)


def _measure_errors(model, points, held_out, record) -> None:
    """Point errors in mm: of held-out streamlines, and of the features alone."""
    record.truncation_mm = float(np.mean(model.truncation_error(points)))
    if held_out is None or not len(held_out):
        return
    error = np.linalg.norm(model.reconstruct(held_out) - held_out, axis=-1)
    error = error.mean(axis=1)
    record.held_out_mm = {
        "mean": float(error.mean()),
        "percentile_95": float(np.percentile(error, 95)),
    }
