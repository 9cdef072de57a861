"""Training of a model: from points and bundles to weights and their record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
import logging
from pathlib import Path
import time

import keras
from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import format_count, listed

from .. import backend
from ..backend import processes
from .dataset import TrainingData, TrainingSet
from .history import describe_shortness
from .latent_summary import measure_held_out, record_of
from .options import TrainingOptions
from .trainer import Trainer

logger = logging.getLogger("dipy_tractogen")


@backend.keras_defaults()
def fit(
    model,
    points: np.ndarray | ArraySequence,
    labels: np.ndarray | None = None,
    bundle_names: Sequence[str] | None = None,
    *,
    values: Mapping[str, np.ndarray] | None = None,
    units: Mapping[str, str] | None = None,
    subjects: np.ndarray | None = None,
    held_out: np.ndarray | ArraySequence | None = None,
    held_out_labels: np.ndarray | None = None,
    held_out_values: Mapping[str, np.ndarray] | None = None,
    data_per_point: Mapping[str, np.ndarray] | None = None,
    held_out_data_per_point: Mapping[str, np.ndarray] | None = None,
    history_file: str | Path | None = None,
    checkpoint_dir: str | Path | None = None,
    resume: bool = False,
    tensorboard_dir: str | Path | None = None,
    show_progress: bool = False,
    **options,
) -> keras.callbacks.History:
    """Train the model, then fit the density of its latents and conditions.

    Bundle and length are conditions of every model, `values` adds others. The
    direction in which a streamline is stored does not matter: within a bundle
    all are made to run the same way. A trained model is trained further, from its
    weights and its standardisation.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3), ArraySequence or BundleSet
        Training streamlines in RASMM mm, or another input of `as_streamlines`. Those of
        a sequence are resampled, a block at a time: a million need not be in memory at
        once. A BundleSet brings its labels, names, values, units and data_per_point.
    labels : ndarray of shape (n,), optional
        Bundle of each, an index into `bundle_names`; one bundle without it.
    bundle_names : sequence of str, optional
        Names of the bundles; ``bundle_0`` and so on without it.
    values : mapping of str to ndarray of shape (n,), optional
        Further conditions of each, by name: text for categories such as a
        diagnosis, numbers such as an age. Of ``curvature`` and ``tortuosity`` None
        may be given: they are computed.
    units : mapping of str to str, optional
        Units of the numbers.
    subjects : ndarray of shape (n,), optional
        Subject of each, a name or a number. How subjects differ is then estimated
        beside the density, for `subject_of` and `draw_subject`.
    held_out : ndarray of shape (m, nb_points, 3), ArraySequence or BundleSet, optional
        Streamlines that are not trained on: the weights with their best loss are
        kept, and the training stops when it no longer gets better.
    held_out_labels : ndarray of shape (m,), optional
        Bundle of each.
    held_out_values : mapping of str to ndarray of shape (m,), optional
        Further conditions of each, as `values`.
    data_per_point : mapping of str to ndarray, optional
        Values along the streamlines that the model learns, its `profiles`, by name: a
        number for each point, in the order of the points, such as an array of shape
        (n, nb_points). Those that are missing are NaN, and have no part in the loss.
    held_out_data_per_point : mapping of str to ndarray, optional
        Those of the held-out streamlines.
    history_file : str or Path, optional
        CSV file that a row is written to at each validation; it may exist only with
        `resume`.
    checkpoint_dir : str or Path, optional
        Folder where the state of the training is written now and then, from which
        it goes on when it was broken off.
    resume : bool, optional
        Go on from the state in `checkpoint_dir`, with the same data and options;
        the result is that of a training in one go. Starts where there is none.
    tensorboard_dir : str or Path, optional
        Folder for event files that TensorBoard shows.
    show_progress : bool, optional
        Whether to show a progress bar.
    **options
        Those of `TrainingOptions`: ``epochs``, ``max_minutes``, ``batch_size``,
        ``learning_rate``, ``weight_decay``, ``clip_norm``, ``patience``, ``seed``,
        ``balanced``.

    Returns
    -------
    keras.callbacks.History
        History of the training.

    Raises
    ------
    FileExistsError
        If `history_file` exists and `resume` is False.
    ValueError
        If an array or an option is impossible, the loss diverges, or
        `checkpoint_dir` holds another training.
    MemoryError
        If a step needs more memory than there is.
    KeyboardInterrupt
        When it is interrupted. The model then has its best weights so far, and a
        record, and can be used.
    """
    data = TrainingData(
        points, labels, bundle_names, values, units, subjects, data_per_point
    )
    if data_per_point and not model.profiles:
        raise ValueError(
            f"data_per_point has {listed(data_per_point)}, and the model was made "
            "without profiles: make one with profiles=[...], or leave it out."
        )
    held = None
    if held_out is not None:
        held = TrainingData(
            held_out,
            held_out_labels,
            data.bundle_names,
            held_out_values,
            data_per_point=held_out_data_per_point,
        )
    options = TrainingOptions(**{"seed": model.seed, **options})
    reading = model.record.data.get("seconds_to_read", 0.0)
    began = time.perf_counter() - reading
    if resume and not checkpoint_dir:
        raise ValueError("resume=True needs the checkpoint_dir of a training.")
    if processes.index():
        # The first process writes.
        history_file = checkpoint_dir = tensorboard_dir = None
        resume = show_progress = False
    options = _complete(options, model, len(data.points))
    bundles = TrainingSet(model, data, checkpoint_dir)
    held = bundles.held_out(held) if held is not None and len(held.points) else None
    from_scratch = model.is_fresh
    if from_scratch:
        model.network.standardise.adapt(bundles.inputs["features"])
    batch = min(options.batch_size, len(data.points))
    with backend.memory_error(
        f"a step on {batch} streamlines needs more than there is (give a smaller "
        "batch_size)"
    ):
        trainer = Trainer(model, bundles, held and held.inputs, options, began)
        trainer.follow(history_file, tensorboard_dir, show_progress)
        digest = bundles.digest + (held.digest if held else "")
        if checkpoint_dir:
            known = {one.name: one.describe() for one in bundles.conditions}
            settings = {"conditions": known, "data": digest}
            trainer.keep(checkpoint_dir, settings, resume=resume)
        if history_file and Path(history_file).exists() and not resume:
            raise FileExistsError(
                f"history_file='{history_file}' exists: give another name, or remove "
                "it."
            )
        trainer.broadcast_state(digest)
        stages = _StageTimes(began, reading)
        interrupted = trainer.run()
    stages.end_steps(trainer)
    # A model's file would hold the moments of the optimiser, twice its weights.
    model.network.compile(optimizer=None)
    _fill_record(trainer, held, stages, interrupted)
    if interrupted:
        raise KeyboardInterrupt
    shortness = describe_shortness(trainer.rows.rows, from_scratch=from_scratch)
    if shortness:
        logger.warning("%s", shortness)
    return trainer.history()


def _complete(options: TrainingOptions, model, nb_streamlines: int) -> TrainingOptions:
    """Return the options with a batch size and a learning rate, and log them."""
    logger.info("Preparing %s", format_count(nb_streamlines, "streamline"))
    counted = nb_streamlines if model.larger_batches else 0
    options = options.for_backbone(model.backbone, counted)
    if options.batch_size > model.backbone.batch_size:
        logger.info(
            "Steps of %s, at a learning rate of %.2g",
            format_count(options.batch_size, "streamline"),
            options.learning_rate,
        )
    return options


def _fill_record(trainer: Trainer, held, stages, interrupted: bool) -> None:
    """Describe data, latents and the training in the record of its model."""
    logger.info("Fitting the density of the latents, and the texture")
    record = record_of(trainer.model, trainer.bundles, trainer.options.seed)
    stages.end("density and texture")
    if held is not None:
        count = format_count(len(held.points), "held-out streamline")
        logger.info("Measuring the error of %s", count)
        errors = measure_held_out(trainer.model, held)
        record.held_out_mm, record.held_out_profiles = errors
        stages.end("held-out error")
    record.parameters = {
        **asdict(trainer.options),
        "interrupted": interrupted,
        "kept_step": trainer.kept_step,
        "seconds_to_first_step": trainer.first_step.seconds,
        "seconds": stages.seconds,
    }
    if trainer.failure_of_events:
        record.parameters["event_files"] = trainer.failure_of_events
    record.history = trainer.rows.rows
    trainer.model.record = record


class _StageTimes:
    """Seconds of each stage of a training that `began`, with the `reading` before."""

    def __init__(self, began: float, reading: float):
        self.seconds: dict[str, float] = {}
        self._reading = reading
        self._last = began

    def end_steps(self, trainer) -> None:
        """Note the seconds of the stages until the end of the steps.

        The first call with steps includes their compilation; between the steps there
        are validations, the first of which includes its compilation, and checkpoints.
        """
        now = time.perf_counter()
        whole = now - self._last
        first = trainer.first_step.seconds or 0.0
        steps = trainer.budget.seconds_here
        self._last = now
        self.seconds = {
            "reading": self._reading,
            "preparing and compiling": max(first - self._reading, 0.0),
            "steps": steps,
            "validation and checkpoints": max(
                whole - max(first, self._reading) - steps, 0.0
            ),
        }
        self._round_off()

    def end(self, stage: str) -> None:
        """Note the seconds since the last stage under a name."""
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now
        self._round_off()

    def _round_off(self) -> None:
        self.seconds = {name: round(each, 2) for name, each in self.seconds.items()}
