"""Training of a model: from points and bundles to weights and their record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from .description import OrientedBundles, digest, measure_held_out, record_of
from .optimisation import Optimisation
from .options import TrainingOptions


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
    checkpoint_dir: str | Path | None = None,
    resume: bool = False,
    tensorboard_dir: str | Path | None = None,
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
    checkpoint_dir : str or Path, optional
        Folder that keeps the state of the training.
    resume : bool, optional
        Go on from the state that is there.
    tensorboard_dir : str or Path, optional
        Folder for event files.
    show_progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    keras.callbacks.History
        History of the training.

    Raises
    ------
    ValueError
        If an array has another shape or holds values that are not finite, the loss
        becomes infinite or NaN (`TrainingDivergedError`), or there is a state that
        does not fit, or that was not asked for.
    MemoryError
        If a step needs more memory than there is.
    KeyboardInterrupt
        After an interrupt, once the best weights are back and the record is filled.
    """
    if resume and not checkpoint_dir:
        raise ValueError("resume=True needs the checkpoint_dir of a training.")
    options = options.for_backbone(model.backbone)
    bundles = OrientedBundles(model, points, labels, bundle_names)
    held_features = None
    if held_out is not None and len(held_out):
        held_features = bundles.features_of(held_out, held_out_labels)
    if model.is_fresh:
        model.adapt(bundles.features)
    optimisation = Optimisation(model, bundles.features, held_features, options)
    optimisation.follow(history_file, tensorboard_dir, show_progress)
    if checkpoint_dir:
        given = digest(points, labels, held_out, held_out_labels)
        optimisation.keep(checkpoint_dir, {"data": given}, resume=resume)
    try:
        interrupted = optimisation.run()
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            f"a step on {optimisation.batch_size} streamlines needs more than there is "
            "(give a smaller batch_size)"
        ) from error
    record = record_of(model, bundles, options.seed)
    record.parameters = {**asdict(options), "interrupted": interrupted}
    record.history = optimisation.rows.rows
    if held_features is not None:
        record.held_out_mm = measure_held_out(model, held_out)
    model.record = record
    if interrupted:
        raise KeyboardInterrupt
    return optimisation.history()
