"""Weights that change in the course of a training."""

from __future__ import annotations

from collections.abc import Callable
import math

import keras


def scheduled_weight(
    spent: float, schedule: str, start: float, end: float, ramp: float, cycles: int
) -> float:
    """Return a weight at some time of a training.

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


def fading_weight(
    spent: float, schedule: str, start: float, end: float, length: float, slope: float
) -> float:
    r"""Return a weight that fades in a training, of which the share :math:`t` is spent.

    ``"sigmoid"``: :math:`e + (s - e) / (1 + \exp(k (t - l)))`; ``"cosine"``: :math:`e +
    (s - e) (1 + \cos(\pi \min(t / l, 1))) / 2`, with the first and last weight
    :math:`s` and :math:`e`, the `length` :math:`l` and the `slope` :math:`k`.
    """
    if schedule == "cosine":
        share = (1 + math.cos(math.pi * min(spent / length, 1.0))) / 2
    else:
        # The logistic function, in a form that does not overflow.
        share = (1 - math.tanh(slope * (spent - length) / 2)) / 2
    return end + (start - end) * share


def geometric_weight(spent: float, start: float, end: float, length: float) -> float:
    r"""Return a weight that falls by equal factors, when the share :math:`t` is spent.

    :math:`e (s / e)^{1 - \min(t / l, 1)}`, with the first and last weight :math:`s` and
    :math:`e`, and the `length` :math:`l`, a share of the training.
    """
    return end * (start / end) ** (1 - min(spent / length, 1.0))


def scheduled_variable(term: keras.layers.Layer, value: float, name: str):
    """Make the variable of a weight, which the compiled training step reads."""
    return term.add_weight(
        shape=(),
        initializer=keras.initializers.Constant(value),
        trainable=False,
        name=name,
    )


class WeightSchedule(keras.callbacks.Callback):
    """Set a weight of a model's loss in the course of a training, and log it by name.

    `weight_at` returns the weight for a share of the training that is spent.
    """

    def __init__(
        self, budget, variable, weight_at: Callable[[float], float], name: str
    ):
        super().__init__()
        self.budget = budget
        self.variable = variable
        self.weight_at = weight_at
        self.name = name

    def on_train_begin(self, logs=None):
        """Set the first weight; a training that was resumed is further on."""
        self._set()

    def on_train_batch_end(self, batch, logs=None):
        """Set the weight of the next steps."""
        self._set()

    def on_epoch_end(self, epoch, logs=None):
        """Add the weight to the history."""
        logs[self.name] = float(self.variable)

    def _set(self) -> None:
        self.variable.assign(self.weight_at(self.budget.spent))
