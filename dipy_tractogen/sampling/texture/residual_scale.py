"""How much of the residuals of real streamlines suits decoded ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipy_tractogen.streamlines.geometry import CHUNK, mean_curvature, resample
from dipy_tractogen.utils.prefetch import map_in_order

from ..stratified import shuffled_by_group

SCALES = (1.25, 1.0, 0.75, 0.5, 0.25, 0.0)
"""Factors of the residuals of a bundle that are tried."""

# Factors for each of these that are judged by what lies between: the curvature of a
# streamline changes evenly with them.
_NB_BETWEEN = 5
# Streamlines of a bundle below which nothing can be told, and points of a streamline
# whose curvature is compared.
_FEWEST = 20
_NB_POINTS = 100


def halves(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose streamlines that give residuals, and others on which these are tried.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Bundle of each streamline.
    seed : int
        Seed of the choice.

    Returns
    -------
    donors, judged : ndarray of int
        Indices of half of the streamlines of each bundle; none are judged of a bundle
        that has no donors.
    """
    order = shuffled_by_group(labels, np.random.default_rng(seed))
    # Of a bundle with one streamline there is no other half.
    donors, judged = order[::2], order[1::2]
    return donors, judged[np.isin(labels[judged], labels[donors])]


def choose_scales(
    textured: Callable[[float], np.ndarray], real: np.ndarray, labels: np.ndarray
) -> dict[int, float]:
    """Choose the factor of the residuals of each bundle.

    Where streamlines have few points, or a bundle few streamlines, the residual of one
    does not suit another and makes it too rough. The factor is chosen for which the
    distributions of the mean curvature are nearest (Wasserstein-1 distance). Corners of
    the streamlines that were read were cut when these were resampled; a second
    resampling tells how much curvature that costs, and it is made up for.

    Parameters
    ----------
    textured : callable
        Gives streamlines (n, nb_points, 3) with residuals of a factor, in mm; called
        in threads.
    real : ndarray of shape (n, nb_points, 3)
        Real streamlines with the same lengths, in mm.
    labels : ndarray of shape (n,)
        Bundle of each.

    Returns
    -------
    dict of int to float
        Factor by bundle; one where there are too few streamlines.
    """
    # Only here, at the end of a training: to import it takes longer than to use it.
    from scipy.stats import wasserstein_distance

    bundles, counts = np.unique(labels, return_counts=True)
    enough = [int(label) for label in bundles[counts >= _FEWEST]]
    chosen = {int(label): 1.0 for label in bundles}
    if not enough:
        return chosen
    wanted = _curvatures(real)
    # One point less, so that no new point falls on an old one.
    wanted += wanted - _curvatures(resample(real, real.shape[1] - 1))
    found = map_in_order(lambda strength: _curvatures(textured(strength)), SCALES)
    strengths, found = _between(list(found))
    for label in enough:
        own = labels == label
        distances = [wasserstein_distance(wanted[own], each[own]) for each in found]
        chosen[label] = float(strengths[int(np.argmin(distances))])
    return chosen


def _between(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate what was found with some factors to more of them."""
    from scipy.interpolate import interp1d

    at = np.arange((len(SCALES) - 1) * _NB_BETWEEN + 1) / _NB_BETWEEN
    found = interp1d(np.arange(len(SCALES)), found, axis=0)(at)
    return np.interp(at, np.arange(len(SCALES)), SCALES), found


def _curvatures(points: np.ndarray) -> np.ndarray:
    parts = [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]
    return np.concatenate([mean_curvature(resample(p, _NB_POINTS)) for p in parts])
