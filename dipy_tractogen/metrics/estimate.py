"""A measure with the influence of each streamline on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    r"""A measure with empirical influence values, for the bootstrap.

    With streamline :math:`i` of a sample drawn :math:`w_i` times instead of once, the
    measure becomes about :math:`\theta + \sum_i (w_i - 1) t_i`. ``value`` is
    :math:`\theta`; ``candidates`` (M,) and ``reference`` (N,) are the influences
    :math:`t_i` of the streamlines of both sets, 0 where the measure does not depend on
    them.
    """

    value: float
    candidates: np.ndarray | float = 0.0
    reference: np.ndarray | float = 0.0


def mean_estimate(values: np.ndarray) -> Estimate:
    """Return the mean of numbers or truth values (M,) of the candidates."""
    return Estimate(float(np.mean(values)), mean_influence(values))


def mean_influence(values: np.ndarray, *, over: float | None = None) -> np.ndarray:
    """Return the influence (n,) of values on their mean, or their sum over `over`."""
    values = np.asarray(values, dtype=float)
    nb_streamlines = max(len(values), 1)
    centred = values - values.sum() / nb_streamlines
    return centred / (nb_streamlines if over is None else over)
