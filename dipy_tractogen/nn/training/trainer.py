"""The optimisation of a model's weights, with all that follows and guards it."""

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
from .checkpoint import Checkpoint
from .dataset import OrientedBundles
from .history import EventFiles, HistoryRows, StepProgress
from .options import DEFAULT_STEPS, TrainingOptions

logger = logging.getLogger("dipy_tractogen")

_MAX_ROUNDS = 400
# Of longer calls and rounds: each call has its learning rate and weight of the KL, and
# a few rounds show whether the error still falls.
_FEWEST_CALLS, _FEWEST_ROUNDS = 40, 10
# Held-out streamlines of a look at their loss: more would cost more than the steps.
_MOST_HELD_OUT = 10000
# Changes where a state would be read as another one.
_LAYOUT = 2
# What may give other weights in another version.
_SOFTWARE = ("dipy_tractogen", "keras", *backend.BACKENDS)


class Optimisation:
    """The optimisation of a model's weights, with all that follows and guards it.

    Parameters
    ----------
    model : StreamlineModel
        The model, standardised.
    bundles : OrientedBundles
        The training streamlines, and what the model reads of them.
    held_inputs : dict of str to ndarray of shape (m, ...), or None
        What it reads of streamlines that are held out.
    options : TrainingOptions
        Options of the training, complete.
    began : float
        When the work on the training began, by ``time.perf_counter``.
    """

    def __init__(
        self,
        model,
        bundles: OrientedBundles,
        held_inputs: dict | None,
        options: TrainingOptions,
        began: float,
    ):
        self.model = model
        self.bundles = bundles
        self.options = options
        nb_streamlines = len(bundles.labels)
        self.batch_size = min(options.batch_size, nb_streamlines)
        max_steps, steps_per_round, steps_per_call = plan_steps(
            options, model.backbone, nb_streamlines, self.batch_size
        )
        # A training that is gone on with keeps its own, on another device too.
        self.plan = {"per_round": steps_per_round, "per_call": steps_per_call}
        self.network = model.network
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
        self.rows = HistoryRows()
        self.divergence = StopOnDivergence()
        self.keep_best = None
        self.checkpoint: Checkpoint | None = None
        self.held = None
        self.finished = False
        self._progress: StepProgress | None = None
        self._event_files: EventFiles | None = None
        if held_inputs is not None:
            rng = np.random.default_rng(options.seed)
            shown = rng.permutation(len(held_inputs["features"]))[:_MOST_HELD_OUT]
            self.held = self._training.held_out(
                {name: each[shown] for name, each in held_inputs.items()}
            )
            self.keep_best = KeepBest(
                self.budget, options.patience, self.network.settled_after
            )

    def follow(self, history_file, tensorboard_dir, show_progress: bool) -> None:
        """Say where the course of the training is shown.

        Parameters
        ----------
        history_file : str or Path, optional
            CSV file.
        tensorboard_dir : str or Path, optional
            Folder for event files.
        show_progress : bool
            Whether to show a progress bar.
        """
        self.rows.path = history_file
        if tensorboard_dir:
            self._event_files = EventFiles(tensorboard_dir)
        self._progress = StepProgress(self.budget, show_progress)

    @property
    def failure_of_events(self) -> str:
        """What is said of event files that could not be written; empty if all were."""
        return self._event_files.failure if self._event_files else ""

    def keep(self, folder: str | Path, data: dict, *, resume: bool) -> None:
        """Keep the state in a folder, or go on from the state that is there.

        Parameters
        ----------
        folder : str or Path
            The folder.
        data : dict
            What tells the data from others.
        resume : bool
            Go on.

        Raises
        ------
        ValueError
            If the state does not fit, or is there and not asked for.
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
        self.checkpoint = Checkpoint(
            folder,
            settings,
            budget=self.budget,
            rows=self.rows,
            keep_best=self.keep_best,
            plan=self.plan,
        )
        if resume and self.checkpoint.path.exists():
            self.finished = self.checkpoint.restore(self.network)
            logger.info("Going on after step %d", self.budget.steps)
        elif resume:
            logger.info("%s holds no training: starting one", folder)
        elif self.checkpoint.is_unfinished():
            raise ValueError(
                f"{folder} holds an unfinished training: resume it, or remove it."
            )

    def run(self) -> bool:
        """Make the steps.

        Returns
        -------
        bool
            Whether it was interrupted, after which the best weights are back.

        Raises
        ------
        TrainingDivergedError
            If the loss is not finite.
        KeyboardInterrupt
            If it was interrupted before the first look at the held-out loss.
        """
        if self.finished:
            self.rows.on_train_begin()
            return False
        try:
            self._fit()
        except KeyboardInterrupt:
            self._end_interrupted()
            return True
        self.divergence.check()
        if self.checkpoint:
            self.checkpoint.write(finished=True)
        return False

    @property
    def kept_step(self) -> int:
        """Step whose weights the model has at the end: the best, or else the last."""
        if self.keep_best is None or self.keep_best.weights is None:
            return self.budget.steps
        return self.keep_best.best_step

    def history(self) -> keras.callbacks.History:
        """Return the whole history as Keras does.

        Returns
        -------
        keras.callbacks.History
            With the values of each quantity in ``history``.
        """
        history = keras.callbacks.History()
        history.set_model(self.network)
        rows = self.rows.rows
        history.history = {name: [row[name] for row in rows] for name in rows[0]}
        return history

    def _fit(self) -> None:
        # Those that add to the logs come before those that keep them.
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
        self._training.steps_per_call = self.plan["per_call"]
        try:
            self.network.fit(
                self._batches(),
                epochs=2**31 - 1,
                steps_per_epoch=self._training.keras_steps(self.plan["per_round"]),
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


def plan_steps(
    options: TrainingOptions, backbone, nb_streamlines: int, batch_size: int
):
    """Plan the optimisation steps.

    A call is not interrupted, so the steps are rounded up to whole calls; those of a
    short training are made one by one, without compilation. Where calls and rounds are
    longer (`pace`) the steps are as many, in 40 calls and 10 rounds or more.

    Parameters
    ----------
    options : TrainingOptions
        Options of the training.
    backbone : SpectralBackbone or ConvBackbone
        How many steps its calls and rounds have.
    nb_streamlines : int
        Training streamlines.
    batch_size : int
        Streamlines in a step.

    Returns
    -------
    max_steps : int or None
        All steps; None where only time limits them.
    steps_per_round : int
        Steps between two looks at the held-out loss.
    steps_per_call : int
        Steps compiled into one call, or 1.
    """
    per_call, per_round = backbone.steps_per_call, backbone.steps_per_round
    longer_call, longer_round = backend.current().pace()
    if options.epochs is not None:
        steps = max(1, math.ceil(options.epochs * nb_streamlines / batch_size))
    elif options.max_minutes is None:
        steps = DEFAULT_STEPS
    else:
        return None, longer_round * per_round, longer_call * per_call
    if steps < backbone.steps_worth_compiling:
        return steps, min(per_round, steps), 1
    calls = math.ceil(steps / per_call)
    steps = calls * per_call
    # The steps, and what happens between them, are those of a processor.
    longer_calls = range(1, longer_call + 1)
    fitting = [n for n in longer_calls if not calls % n and calls // n >= _FEWEST_CALLS]
    per_call *= max(fitting, default=1)
    calls = steps // per_call
    calls_per_round = max(per_round // per_call, calls // _FEWEST_ROUNDS, 1)
    calls_per_round = min(longer_round * per_round // per_call, calls_per_round)
    if options.max_minutes is None:
        calls_per_round = max(calls_per_round, math.ceil(calls / _MAX_ROUNDS))
    return steps, calls_per_round * per_call, per_call
