"""A measure, and how much each streamline has a part in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    r"""A measure of candidates against a reference, linear in both near the samples.

    With the streamlines :math:`i` of a sample drawn :math:`w_i` times in place of once,
    the measure becomes about :math:`\theta + \sum_i (w_i - 1) t_i`, with the parts
    :math:`t_i`: what the bootstrap needs, without measuring again.

    Attributes
    ----------
    value : float
        The measure :math:`\theta`.
    candidates : ndarray of shape (M,) or float
        Parts of the candidates; 0 where it does not depend on them.
    reference : ndarray of shape (N,) or float
        Parts of the reference streamlines; 0 where it does not depend on them.
    """

    value: float
    candidates: np.ndarray | float = 0.0
    reference: np.ndarray | float = 0.0


def mean_estimate(values: np.ndarray) -> Estimate:
    """Average something over the candidates.

    Parameters
    ----------
    values : ndarray of shape (M,)
        A number, or a truth value, of each of one candidate at least.

    Returns
    -------
    Estimate
        The mean.
    """
    return Estimate(float(np.mean(values)), parts_of_mean(values))


def parts_of_mean(values: np.ndarray, *, over: float | None = None) -> np.ndarray:
    """Return the parts of streamlines in a mean, or in a sum over some number.

    Parameters
    ----------
    values : ndarray of shape (n,)
        What each adds to the sum.
    over : float, optional
        What the sum is divided by; the number of streamlines without it.

    Returns
    -------
    ndarray of shape (n,), float64
        Parts whose sum is zero.
    """
    values = np.asarray(values, dtype=float)
    nb_streamlines = max(len(values), 1)
    centred = values - values.sum() / nb_streamlines
    return centred / (nb_streamlines if over is None else over)
