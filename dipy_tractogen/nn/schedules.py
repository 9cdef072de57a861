"""Weights that change in the course of a training."""

from __future__ import annotations

import keras

SCHEDULES = ("constant", "linear", "cyclical", "decreasing")
"""How beta changes during a training."""


def scheduled_weight(
    spent: float, schedule: str, start: float, end: float, ramp: float, cycles: int
) -> float:
    """Give a weight at some time of a training.

    Parameters
    ----------
    spent : float
        Share of the training that is behind, from 0 to 1.
    schedule : {"constant", "linear", "cyclical", "decreasing"}
        ``"linear"`` and ``"decreasing"`` go from `start` to `end` once and stay there,
        ``"cyclical"`` does so again and again :footcite:p:`Fu2019`.
    start, end : float
        First and last weight.
    ramp : float
        Share of the training, or of each cycle, that the way from `start` to `end`
        takes.
    cycles : int
        Number of cycles of ``"cyclical"``.

    Returns
    -------
    float
        The weight; `end` at the end of every schedule.

    References
    ----------
    .. footbibliography::
    """
    if schedule == "constant" or spent >= 1:
        return end
    position = spent * cycles % 1 if schedule == "cyclical" else spent
    return start + (end - start) * min(position / ramp, 1)


class BetaSchedule(keras.callbacks.Callback):
    """Set the weight of a model's KL divergence, and log it.

    Parameters
    ----------
    budget : Budget
        Says how much of the training is behind.
    """

    def __init__(self, budget):
        super().__init__()
        self.budget = budget

    def on_train_begin(self, logs=None):
        """Set the first weight; a training that was resumed is further on."""
        self._set()

    def on_train_batch_end(self, batch, logs=None):
        """Set the weight of the next steps."""
        self._set()

    def on_epoch_end(self, epoch, logs=None):
        """Add the weight to the history."""
        logs["beta"] = float(self.model.beta_now)

    def _set(self) -> None:
        self.model.beta_now.assign(self.model.beta_at(self.budget.spent))
