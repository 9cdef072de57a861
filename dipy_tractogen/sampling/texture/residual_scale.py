"""Coefficients of residuals and their scale: damping, shrinkage, a factor by bundle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipy_tractogen.streamlines.geometry import (
    CHUNK,
    cosine_basis,
    mean_curvature,
    resample,
)
from dipy_tractogen.utils.prefetch import map_in_order

from ..stratified import shuffled_by_group

SCALES = (1.25, 1.0, 0.75, 0.5, 0.25, 0.0)
"""Factors of the residuals of a bundle that are tried."""

# Factors compared for each of these: the curvatures between are interpolated.
_NB_BETWEEN = 5
# Fewest streamlines of a bundle to compare, and points of a streamline in this.
_FEWEST = 20
_NB_POINTS = 100
_NB_COEFFICIENTS = 128
# Latents drawn from a fitted density, and their decoded means, have a slightly larger
# variance than those of real streamlines. So the coefficients of place and coarse shape
# of a residual are damped, from zero for the first one to no damping for this one.
_NB_DAMPED = 8
# A decoder with an accepted error of about a millimetre does not describe shorter half
# waves than this, and decoded ones spoil short streamlines. They are removed by a
# Butterworth filter of this order.
_SHORTEST_HALF_WAVE_MM = 2.0
_ORDER = 3
_NB_FILTERED = 24
# On a shorter streamline, a residual shrinks with this power of the length, which keeps
# its curvature.
_SHRINKAGE = 2


def damped_coefficients(residuals: np.ndarray) -> np.ndarray:
    """Return damped cosine coefficients (r, c, 3) of residuals (r, nb_points, 3)."""
    nb_points = residuals.shape[1]
    basis = cosine_basis(nb_points, min(_NB_COEFFICIENTS, nb_points))
    coefficients = np.matmul(basis, residuals)
    damping = np.minimum(np.arange(len(basis), dtype=np.float32) / _NB_DAMPED, 1)
    coefficients *= damping[:, None]
    return coefficients.astype(np.float16)


def residuals_along(coefficients: np.ndarray, nb_points: int) -> np.ndarray:
    """Return residuals (r, nb_points, 3) in mm from their coefficients."""
    basis = cosine_basis(nb_points, coefficients.shape[1])
    return np.matmul(basis.T, coefficients.astype(np.float32))


def shrinkage(lengths_mm: np.ndarray, donor_lengths_mm: np.ndarray) -> np.ndarray:
    """Return factors (n,) of residuals on streamlines shorter than their donors."""
    ratio = np.minimum(lengths_mm / donor_lengths_mm, 1)
    return (ratio**_SHRINKAGE).astype(np.float32)


def low_pass(means: np.ndarray, lengths_mm: np.ndarray) -> np.ndarray:
    """Remove half waves much shorter than 2 mm from streamlines (n, nb_points, 3).

    Only streamlines shorter than 24 of these are filtered. If there are none, the given
    array itself is returned.
    """
    short = np.flatnonzero(lengths_mm < _NB_FILTERED * _SHORTEST_HALF_WAVE_MM)
    if not len(short):
        return means
    basis = cosine_basis(means.shape[1], min(_NB_FILTERED, means.shape[1]))
    orders = np.arange(len(basis), dtype=np.float32)
    smooth = means.copy()
    for start in range(0, len(short), CHUNK):
        rows = short[start : start + CHUNK]
        waves = orders * _SHORTEST_HALF_WAVE_MM / lengths_mm[rows, None]
        kept = 1 / (1 + waves.astype(np.float32) ** (2 * _ORDER))
        coefficients = np.matmul(basis, means[rows])
        coefficients *= (kept - 1)[..., None]
        smooth[rows] += np.matmul(basis.T, coefficients)
    return smooth


def split_halves(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split each bundle of labels (n,) in donors of residuals and streamlines to test.

    Bundles of one streamline have a donor only.
    """
    order = shuffled_by_group(labels, np.random.default_rng(seed))
    donors, tested = order[::2], order[1::2]
    return donors, tested[np.isin(labels[tested], labels[donors])]


def choose_scales(
    textured: Callable[[float], np.ndarray], real: np.ndarray, labels: np.ndarray
) -> dict[int, float]:
    """Return the factor of the residuals of each bundle.

    Where streamlines have few points, or a bundle few streamlines, the residual of one
    does not suit another and makes it too rough. The factor with the smallest
    Wasserstein-1 distance between the distributions of the mean curvature is chosen.
    The resampling of streamlines after reading has cut their corners. The curvature
    lost by this is estimated by resampling again, and added. Bundles of few streamlines
    have a factor of one. `textured` returns streamlines (n, nb_points, 3) with
    residuals scaled by a factor, as long as the real ones; it is called in threads.
    """
    # Here, for the end of a training: the import takes longer than the use.
    from scipy.stats import wasserstein_distance

    bundles, counts = np.unique(labels, return_counts=True)
    enough = [int(label) for label in bundles[counts >= _FEWEST]]
    chosen = {int(label): 1.0 for label in bundles}
    if not enough:
        return chosen
    wanted = _curvatures(real)
    # One point fewer, so that no new point is on an old one.
    wanted += wanted - _curvatures(resample(real, real.shape[1] - 1))
    found = map_in_order(lambda scale: _curvatures(textured(scale)), SCALES)
    scales, found = _interpolated(list(found))
    for label in enough:
        own = labels == label
        distances = [wasserstein_distance(wanted[own], each[own]) for each in found]
        chosen[label] = float(scales[int(np.argmin(distances))])
    return chosen


def _interpolated(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return more factors than `SCALES`, and interpolated curvatures."""
    from scipy.interpolate import interp1d

    at = np.arange((len(SCALES) - 1) * _NB_BETWEEN + 1) / _NB_BETWEEN
    found = interp1d(np.arange(len(SCALES)), found, axis=0)(at)
    return np.interp(at, np.arange(len(SCALES)), SCALES), found


def _curvatures(points: np.ndarray) -> np.ndarray:
    parts = [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]
    return np.concatenate([mean_curvature(resample(p, _NB_POINTS)) for p in parts])
