"""Callbacks of a training: budget, learning rate, best weights, divergence."""

from __future__ import annotations

import logging
import math
import time

import keras

from .. import backend
from ..backend import processes

logger = logging.getLogger("dipy_tractogen")


class TrainingDivergedError(ValueError):
    """The loss is no longer a finite number."""


class Budget(keras.callbacks.Callback):
    """Spend a budget of steps or seconds, with a cosine-decayed learning rate.

    The learning rate falls with the share of the budget that is spent, to `final_share`
    of it, so it reaches its end whichever limit is met first. The clock starts after
    the first steps, which include compilation. `steps` and `seconds` are spent so far;
    `seconds_here` in this process only, as a resumed training has some from before.
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        max_steps: int | None,
        max_seconds: float | None,
        final_share: float = 0.01,
    ):
        super().__init__()
        self.initial_rate = learning_rate
        self.max_steps = max_steps or math.inf
        self.max_seconds = max_seconds or math.inf
        self.final_share = final_share
        self.steps = 0
        self.seconds = self.seconds_here = 0.0
        self._is_compiled = False
        self._mark: float | None = None

    @property
    def spent(self) -> float:
        """Share of the budget that is spent, from 0 to 1."""
        share = max(self.steps / self.max_steps, self.seconds / self.max_seconds)
        return min(share, 1.0)

    def on_epoch_begin(self, epoch, logs=None):
        """Run the clock only while steps are made, not during validation."""
        if self._is_compiled:
            self._mark = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Count, set the learning rate, stop when the budget is spent."""
        # On JAX, Keras updates all variables when a callback uses its model; so this
        # one is the first of a training.
        self.steps = int(self.model.optimizer.iterations)
        now = time.perf_counter()
        if self._mark is not None:
            passed = now - self._mark
            if self.max_seconds < math.inf:
                # All processes use the clock of the first one.
                passed = processes.broadcast(passed)
            self.seconds += passed
            self.seconds_here += passed
        self._mark = now
        self._is_compiled = True
        cosine = (1 + math.cos(math.pi * self.spent)) / 2
        share = self.final_share + (1 - self.final_share) * cosine
        self.model.optimizer.learning_rate = self.initial_rate * share
        if self.spent >= 1:
            self.model.stop_training = True

    def get_state(self) -> dict:
        """Return the steps and seconds spent, as plain values."""
        return {"steps": self.steps, "seconds": self.seconds}

    def set_state(self, state: dict) -> None:
        """Restore a state of `get_state`."""
        self.steps, self.seconds = state["steps"], state["seconds"]

    def on_epoch_end(self, epoch, logs=None):
        """Add the steps, the time and the learning rate to the history."""
        logs["step"] = self.steps
        logs["seconds"] = round(self.seconds, 3)
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class FirstStep(keras.callbacks.Callback):
    """Log and keep the seconds from `began` to the end of the first call with steps."""

    def __init__(self, began: float):
        super().__init__()
        self.began = began
        self.seconds: float | None = None

    def on_train_batch_end(self, batch, logs=None):
        """Note the time, once."""
        if self.seconds is None:
            self.seconds = round(time.perf_counter() - self.began, 3)
            logger.info("First training step after %.1f s", self.seconds)


class KeepBest(keras.callbacks.Callback):
    """Keep the weights with the best held-out loss; stop when it no longer falls.

    It stops after `patience` without a better loss. `patience` and `settled_after` are
    shares of the budget; before `settled_after`, weights give way to any later ones,
    because the loss of the model still changes.
    """

    def __init__(self, budget: Budget, patience: float, settled_after: float = 0.0):
        super().__init__()
        self.budget = budget
        self.patience = patience
        self.settled_after = settled_after
        self.best_step = 0
        self._best_loss = math.inf
        self._best_spent = 0.0
        self.weights: list | None = None

    def on_epoch_end(self, epoch, logs=None):
        """Compare the held-out loss with the best so far."""
        if logs["val_loss"] < self._best_loss or self._best_spent < self.settled_after:
            self._best_loss = logs["val_loss"]
            self._best_spent = self.budget.spent
            self.best_step = self.budget.steps
            self.weights = backend.current().weights_of(self.model)
        elif self.budget.spent - self._best_spent > self.patience:
            self.model.stop_training = True

    def get_state(self) -> dict:
        """Return the best loss so far, and when it was, as plain values."""
        return {
            "loss": self._best_loss,
            "spent": self._best_spent,
            "step": self.best_step,
        }

    def set_state(self, state: dict, weights: list | None) -> None:
        """Restore a state of `get_state`, and its weights."""
        self._best_loss, self._best_spent = state["loss"], state["spent"]
        self.best_step, self.weights = state["step"], weights

    def on_train_end(self, logs=None):
        """Restore the best weights."""
        if self.weights is not None:
            self.model.set_weights(self.weights)


class StopOnDivergence(keras.callbacks.Callback):
    """Stop a training whose loss is not finite."""

    def __init__(self):
        super().__init__()
        self._found = ""

    def on_train_batch_end(self, batch, logs=None):
        """Check the running mean of the loss, which stays NaN after a NaN."""
        if not math.isfinite(logs["loss"]):
            step = int(self.model.optimizer.iterations)
            self._found = f"The loss became {logs['loss']} at step {step}"
            self.model.stop_training = True

    def check(self) -> None:
        """Raise TrainingDivergedError if the loss was not finite."""
        if self._found:
            raise TrainingDivergedError(
                f"{self._found}: give a smaller learning_rate, a larger sigma_mm or a "
                "smaller beta."
            )
