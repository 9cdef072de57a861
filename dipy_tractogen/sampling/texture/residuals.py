"""Residuals: which are kept, and what of a streamline they stand for."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import CHUNK, cosine_basis
from dipy_tractogen.utils.messages import listed

from ..stratified import limit_per_group

# Residuals kept of a bundle, and in all; 768 bytes each.
_MOST_OF_A_BUNDLE = 500
_MOST_IN_ALL = 12000
# Latents drawn from a fitted density are spread a little wider than those of real
# streamlines, and so are their means: what a residual adds to the place and the coarse
# shape of a streamline is damped, from nothing at the first coefficient to all here.
_NB_DAMPED = 8
# A decoder that accepts an error of about a millimetre says nothing of shorter half
# waves than this, and what it makes of them spoils short streamlines. The filter that
# takes them out of decoded streamlines is Butterworth's, of this order.
_SHORTEST_HALF_WAVE_MM = 2.0
_ORDER = 3
_NB_FILTERED = 24
# A residual shrinks as this power of the length with a streamline that is shorter than
# the one that left it: its curvature then stays.
_SHRINKING = 2


def check_fitted(points: np.ndarray, means: np.ndarray, labels: np.ndarray) -> None:
    """Refuse streamlines from which no residuals can be taken.

    Parameters
    ----------
    points, means : ndarray of shape (n, nb_points, 3)
        Real streamlines and their decoded means, in mm.
    labels : ndarray of shape (n,)
        Bundle of each.

    Raises
    ------
    ValueError
        If the arrays do not fit together, are empty or hold values that are not
        finite.
    """
    if points.ndim != 3 or points.shape[2:] != (3,) or points.shape != means.shape:
        raise ValueError(
            f"points of the shape {points.shape} and means of the shape {means.shape}: "
            "give both as (n, nb_points, 3)."
        )
    if labels.shape != (len(points),) or len(points) == 0:
        raise ValueError(
            f"{len(points)} streamlines with labels of shape {labels.shape}: give one "
            "label a streamline, and one streamline at least."
        )
    if not (np.isfinite(points).all() and np.isfinite(means).all()):
        raise ValueError("Some points are NaN or infinite: drop those streamlines.")


def check_given(means, labels, target_lengths, nb_points: int, fitted) -> None:
    """Refuse streamlines to which no residuals can be added.

    Parameters
    ----------
    means : ndarray of shape (m, nb_points, 3)
        Decoded streamlines in mm.
    labels : ndarray of shape (m,)
        Bundle of each.
    target_lengths : ndarray of shape (m,) or None
        Length of each in mm.
    nb_points : int
        Points of those that were fitted.
    fitted : ndarray of shape (r,)
        Bundles of the residuals.

    Raises
    ------
    ValueError
        If the arrays do not fit together or a bundle has no residuals.
    """
    shape = (len(labels), nb_points, 3)
    if means.shape != shape:
        raise ValueError(
            f"means has shape {means.shape}; expected {shape}, one streamline of "
            "the model's points for each label."
        )
    if target_lengths is not None and np.shape(target_lengths) != (len(labels),):
        raise ValueError(
            f"target_lengths has shape {np.shape(target_lengths)} for "
            f"{len(labels)} streamlines: give one length for each."
        )
    unknown = np.setdiff1d(labels, fitted)
    if len(unknown):
        raise ValueError(
            f"Bundle {unknown[0]} has no residuals; the labels fitted are "
            f"{listed(np.unique(fitted))}."
        )


def choose_kept(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the streamlines whose residuals are kept.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Bundle of each streamline.
    rng : numpy.random.Generator
        Fixes the choice.

    Returns
    -------
    ndarray of shape (r,), int
        Their indices by bundle, at most 500 of one and 12,000 in all.
    """
    bundles = np.unique(labels)
    most = limit_per_group(len(bundles), _MOST_OF_A_BUNDLE, _MOST_IN_ALL)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:most] for label in bundles]
    )


def damping(nb_coefficients: int) -> np.ndarray:
    """Factor of each coefficient of a residual.

    Parameters
    ----------
    nb_coefficients : int
        Coefficients of a residual.

    Returns
    -------
    ndarray of shape (nb_coefficients,), float32
        From nothing for the first to one.
    """
    return np.minimum(np.arange(nb_coefficients, dtype=np.float32) / _NB_DAMPED, 1)


def shrinking(lengths_mm: np.ndarray, donor_lengths_mm: np.ndarray) -> np.ndarray:
    """Factor of residuals on streamlines shorter than those that left them.

    Parameters
    ----------
    lengths_mm, donor_lengths_mm : ndarray of shape (n,)
        Lengths in mm, and those of the streamlines that left the residuals.

    Returns
    -------
    ndarray of shape (n,), float32
        At most one.
    """
    ratio = np.minimum(lengths_mm / donor_lengths_mm, 1)
    return (ratio**_SHRINKING).astype(np.float32)


def low_pass(means: np.ndarray, lengths_mm: np.ndarray) -> np.ndarray:
    """Leave out of decoded streamlines the waves that are too short to be decoded.

    Parameters
    ----------
    means : ndarray of shape (n, nb_points, 3), float32
        Decoded streamlines in mm.
    lengths_mm : ndarray of shape (n,)
        Their lengths, or those that they are to have, in mm.

    Returns
    -------
    ndarray of shape (n, nb_points, 3), float32
        Without half waves much shorter than 2 mm, where the streamline is shorter than
        24 of these. The array that was given where none is.
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
