"""How much of the residuals of real streamlines suits decoded ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import wasserstein_distance

from dipy_tractogen.streamlines.geometry import mean_curvature, resample

STRENGTHS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Factors of the residuals of a bundle that are tried."""

# Streamlines of a bundle below which nothing can be told, and points of a streamline
# whose curvature is compared.
_FEWEST = 20
_NB_POINTS = 100


def choose_strengths(
    textured: Callable[[float], np.ndarray], real: np.ndarray, labels: np.ndarray
) -> dict[int, float]:
    """Choose the factor of the residuals of each bundle.

    Where streamlines have few points, or a bundle few streamlines, the residual of one
    does not suit another and makes it too rough. That of `STRENGTHS` is chosen for
    which the distributions of the mean curvature are nearest (Wasserstein-1 distance).

    Parameters
    ----------
    textured : callable
        Gives streamlines (n, nb_points, 3) with residuals of a factor, in mm.
    real : ndarray of shape (n, nb_points, 3)
        Real streamlines with the same lengths, in mm.
    labels : ndarray of shape (n,)
        Bundle of each.

    Returns
    -------
    dict of int to float
        Factor by bundle; one where there are too few streamlines.
    """
    bundles, counts = np.unique(labels, return_counts=True)
    enough = [int(label) for label in bundles[counts >= _FEWEST]]
    chosen = {int(label): 1.0 for label in bundles}
    if not enough:
        return chosen
    wanted = _curvatures(real)
    found = [_curvatures(textured(strength)) for strength in STRENGTHS]
    for label in enough:
        own = labels == label
        distances = [wasserstein_distance(wanted[own], each[own]) for each in found]
        chosen[label] = STRENGTHS[int(np.argmin(distances))]
    return chosen


def _curvatures(points: np.ndarray) -> np.ndarray:
    return mean_curvature(resample(points, _NB_POINTS))
