"""Optimisation of a model's weights, with its callbacks and checkpoint."""

from __future__ import annotations

from dataclasses import asdict
import logging
import math
from pathlib import Path

import keras
import numpy as np

from dipy_tractogen.utils.versions import current_versions

from .. import backend
from ..backend import processes
from .callbacks import Budget, FirstStep, KeepBest, StopOnDivergence
from .checkpoint import Checkpoint, TrainingState
from .dataset import TrainingSet
from .history import EventFiles, HistoryTable, StepProgress
from .options import DEFAULT_STEPS, TrainingOptions

logger = logging.getLogger("dipy_tractogen")

_MAX_VALIDATIONS = 400
# On accelerators: each call has its learning rate and weight of the KL divergence, and
# a few validations show whether the error still falls.
_FEWEST_CALLS, _FEWEST_VALIDATIONS = 40, 10
# Held-out streamlines of a validation: more would take longer than the steps.
_MOST_HELD_OUT = 10000
# Version of the state's layout.
_LAYOUT = 2
# Packages of which another version may give other weights.
_SOFTWARE = ("dipy_tractogen", "keras", *backend.BACKENDS)


class Trainer:
    """Optimisation of a standardised model, with its callbacks and checkpoint.

    `bundles` are the training streamlines, `held_inputs` the inputs (m, ...) of
    held-out ones by name, or None; `options` are complete, and the work `began` at this
    ``time.perf_counter``.
    """

    def __init__(
        self,
        model,
        bundles: TrainingSet,
        held_inputs: dict | None,
        options: TrainingOptions,
        began: float,
    ):
        self.model = model
        self.network = model.network
        self.bundles = bundles
        self.options = options
        nb_streamlines = len(bundles.labels)
        self.batch_size = min(options.batch_size, nb_streamlines)
        max_steps, steps_per_validation, steps_per_call = plan_steps(
            options, model.backbone, nb_streamlines, self.batch_size
        )
        optimizer = keras.optimizers.Adam(
            float(options.learning_rate),
            weight_decay=options.weight_decay,
            global_clipnorm=options.clip_norm,
        )
        self._training = backend.current().Training(
            self.network, optimizer, self.batch_size, steps_per_call
        )
        self.budget = Budget(
            options.learning_rate,
            max_steps=max_steps,
            max_seconds=options.max_minutes and 60 * options.max_minutes,
        )
        self.first_step = FirstStep(began)
        self.rows = HistoryTable()
        self.divergence = StopOnDivergence()
        self.held = self._held_out(held_inputs)
        self.keep_best = None
        if self.held is not None:
            self.keep_best = KeepBest(
                self.budget, options.patience, self.network.settled_after
            )
        # A resumed training keeps its plan, on another device too.
        plan = {"per_round": steps_per_validation, "per_call": steps_per_call}
        self.state = TrainingState(self.budget, self.rows, self.keep_best, plan)
        self.checkpoint: Checkpoint | None = None
        self._progress: StepProgress | None = None
        self._event_files: EventFiles | None = None

    def _held_out(self, inputs: dict | None):
        """Return held-out streamlines as Keras validates on them, or None."""
        if inputs is None:
            return None
        rng = np.random.default_rng(self.options.seed)
        chosen = rng.permutation(len(inputs["features"]))[:_MOST_HELD_OUT]
        return self._training.held_out(
            {name: each[chosen] for name, each in inputs.items()}
        )

    def follow(self, history_file, tensorboard_dir, show_progress: bool) -> None:
        """Set where the training is shown: CSV file, event files, progress bar."""
        self.rows.path = history_file
        if tensorboard_dir:
            self._event_files = EventFiles(tensorboard_dir)
        self._progress = StepProgress(self.budget, show_progress)

    @property
    def failure_of_events(self) -> str:
        """Message if event files could not be written; else empty."""
        return self._event_files.failure if self._event_files else ""

    def keep(self, folder: str | Path, data: dict, *, resume: bool) -> None:
        """Keep the state in a folder, or resume from the state that is there.

        `data` identifies the data. Raises ValueError if the state does not fit, or is
        there and `resume` is False.
        """
        config = {"model": type(self.model).__name__, **self.model.get_config()}
        versions = current_versions()
        settings = {
            **config,
            "layout": _LAYOUT,
            "options": asdict(self.options),
            **data,
            "backend": backend.backend_name(),
            **{name: versions[name] for name in _SOFTWARE if name in versions},
        }
        self.checkpoint = Checkpoint(folder, settings, self.state)
        if resume and self.checkpoint.path.exists():
            self.checkpoint.restore(self.network)
            logger.info("Going on after step %d", self.budget.steps)
        elif resume:
            logger.info("%s holds no training: starting one", folder)
        elif self.checkpoint.is_unfinished():
            raise ValueError(
                f"{folder} holds an unfinished training: resume it, or remove it."
            )

    def broadcast_state(self, data: str) -> None:
        """Take the state of the first process, which has read it from a file.

        `data` identifies the data; raises ValueError if this process has read other.
        """
        if processes.count() == 1:
            return
        own = {
            "data": data,
            "state": self.state.to_plain(),
            "has_weights": self.state.best_weights is not None,
        }
        first = processes.broadcast(own)
        if first["data"] != data:
            raise ValueError(
                "Process 0 has read other streamlines, or in another order: the files "
                "are to be the same for all processes."
            )
        network, weights = self.network, None
        for variables in (network.variables, network.optimizer.variables):
            for variable, value in zip(variables, _broadcast(variables), strict=True):
                variable.assign(value)
        if first["has_weights"]:
            weights = _broadcast(self.state.best_weights or network.weights)
        self.state.restore(first["state"], weights)

    def run(self) -> bool:
        """Make the steps; return whether they were interrupted.

        The best weights are restored.

        Raises TrainingDivergedError if the loss is not finite, KeyboardInterrupt if
        interrupted before the first validation.
        """
        if self.state.is_finished:
            self.rows.on_train_begin()
            return False
        try:
            self._fit()
        except KeyboardInterrupt:
            self._end_interrupted()
            return True
        self.divergence.check()
        if self.checkpoint:
            self.state.is_finished = True
            self.checkpoint.write()
        return False

    @property
    def kept_step(self) -> int:
        """Step of the model's weights at the end: the best, or else the last."""
        if self.state.best_weights is None:
            return self.budget.steps
        return self.keep_best.best_step

    def history(self) -> keras.callbacks.History:
        """Return the whole history as Keras does."""
        history = keras.callbacks.History()
        history.set_model(self.network)
        rows = self.rows.rows
        history.history = {name: [row[name] for row in rows] for name in rows[0]}
        return history

    def _fit(self) -> None:
        # Callbacks that add to the logs come before those that store them.
        callbacks = [
            self.budget,
            self.first_step,
            *self.model.callbacks(self.budget, self.bundles.inputs),
            self.divergence,
            self.keep_best,
            self.rows,
            self.checkpoint,
            self._event_files,
            self._progress,
        ]
        self._training.steps_per_call = self.state.plan["per_call"]
        try:
            self.network.fit(
                self._batches(),
                epochs=2**31 - 1,
                steps_per_epoch=self._training.keras_steps(
                    self.state.plan["per_round"]
                ),
                validation_data=self.held,
                callbacks=[callback for callback in callbacks if callback],
                shuffle=False,
                verbose=0,
            )
        finally:
            self._training.close()
            if self._progress:
                self._progress.close()

    def _batches(self):
        return self._training.data(
            self.bundles.inputs,
            self.options.seed,
            self.budget.steps,
            balanced=self.bundles.labels if self.options.balanced else None,
        )

    def _end_interrupted(self) -> None:
        if not self.rows.rows or processes.index():
            raise KeyboardInterrupt
        if self.keep_best:
            self.keep_best.on_train_end()


def _broadcast(variables) -> list:
    """Return the values of variables of the first process."""
    return processes.broadcast_arrays([np.asarray(each) for each in variables])


def plan_steps(
    options: TrainingOptions, backbone, nb_streamlines: int, batch_size: int
):
    """Return ``max_steps``, steps per validation and per call of a training.

    A call is not interrupted, so the steps are rounded up to whole calls; those of a
    short training are made one by one, without compilation. Where calls are longer
    (`pace`) the steps are as many, in 40 calls and 10 validations or more. Without a
    limit of steps ``max_steps`` is None.
    """
    per_call, interval = backbone.steps_per_call, backbone.steps_per_validation
    longer_call, longer_interval = backend.current().pace()
    if options.epochs is not None:
        steps = max(1, math.ceil(options.epochs * nb_streamlines / batch_size))
    elif options.max_minutes is None:
        steps = DEFAULT_STEPS
    else:
        return None, longer_interval * interval, longer_call * per_call
    if steps < backbone.steps_worth_compiling:
        return steps, min(interval, steps), 1
    calls = math.ceil(steps / per_call)
    steps = calls * per_call
    # The number of steps is that of a processor.
    longer_calls = range(1, longer_call + 1)
    fitting = [n for n in longer_calls if not calls % n and calls // n >= _FEWEST_CALLS]
    per_call *= max(fitting, default=1)
    calls = steps // per_call
    calls_between = max(interval // per_call, calls // _FEWEST_VALIDATIONS, 1)
    calls_between = min(longer_interval * interval // per_call, calls_between)
    if options.max_minutes is None:
        calls_between = max(calls_between, math.ceil(calls / _MAX_VALIDATIONS))
    return steps, calls_between * per_call, per_call
