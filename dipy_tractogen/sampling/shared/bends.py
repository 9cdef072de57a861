"""Residual curves as bends: cosines of second differences, and energies of the rest.

Second differences of a streamline at equal steps are its turns. Turns of real
streamlines are smooth curves plus noise that is nearly white, and the streamline is
their sum of sums. Cosines of the points themselves would not do: a streamline does not
stop turning at its ends, so that its cosine coefficients fall slowly, with signs that
belong together; drawn one by one they give curves that are far too rough.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.fft import dct, idct

from dipy_tractogen.streamlines.array_sequence import equal_counts

NB_BENDS = 8
"""Orders of the cosines of second differences that are described one by one."""

NB_BANDS = 8
"""Bands of higher orders, of which the energy is described."""

# Bands of the order divided by the number of second differences: a wavelength is twice
# the step over it. Longer wavelengths count to the first band.
_EDGES = np.geomspace(1 / 24, 1, NB_BANDS + 1)
_SMALLEST_ENERGY = 1e-14
# Smallest and largest logarithm of an energy: draws may go beyond.
LOWEST, HIGHEST = np.log(_SMALLEST_ENERGY), 0.0
# Deviations of the logarithm of steps.
SMALLEST_DEVIATION, LARGEST_DEVIATION = 1e-6, 0.3
_TINY = 1e-9
# Rounds in which noise gets the energies that are asked for.
_ROUNDS = 4
# Largest change of the logarithm of an energy in a round.
_MOST_CHANGE = 2.0
# Numbers of points for which bands are kept.
_MOST_KEPT = 1024


def bends_of(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the coefficients (n, NB_BENDS, 3) in mm of the bends of points (3, N).

    They are cosine coefficients of the second derivative along the streamline, from 0
    to 1. Those that a streamline has not enough points for are zero.
    """
    found = np.zeros((len(counts), NB_BENDS, 3))
    for rows, own in _by_count(points, counts):
        derivative = np.diff(own, n=2) * (own.shape[-1] - 1) ** 2
        bends = _transformed(derivative)[..., :NB_BENDS]
        found[rows, : bends.shape[-1]] = bends.transpose(1, 2, 0)
    return found


def noise_of(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return logarithms (n, NB_BANDS + 1) of the noise of streamlines (3, N).

    They are the mean square of the turns, in radian, at an order of each band, and the
    deviation of the logarithm of the steps.
    """
    found = np.full((len(counts), NB_BANDS + 1), LOWEST)
    found[:, -1] = np.log(SMALLEST_DEVIATION)
    for rows, own in _by_count(points, counts):
        steps = np.diff(own)
        found[rows, :-1] = _by_band(_squares(np.diff(_unit(steps))))
        spread = np.log(np.maximum(_norms(steps), _TINY)).std(axis=1)
        found[rows, -1] = np.log(np.maximum(spread, SMALLEST_DEVIATION))
    return found


def curves_of(
    bends: np.ndarray,
    noise: np.ndarray,
    chords: np.ndarray,
    lengths: np.ndarray,
    counts: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw streamlines (3, N) of bends, noise, chords (n, 3) and lengths (n,) in mm.

    Their centroids are at the origin. A chord is the way from the first to the last
    point.
    """
    points = np.zeros((3, int(counts.sum())))
    starts = np.cumsum(counts) - counts
    for rows, places in equal_counts(counts, starts):
        own = bends[rows].transpose(2, 0, 1), noise[rows], chords[rows].T, lengths[rows]
        points[:, places] = _curves(*own, places.shape[1], rng)
    return points


def _curves(bends, noise, chords, lengths, nb_points: int, rng) -> np.ndarray:
    """Draw streamlines (3, n, nb_points) of one number of points.

    Arrays have the coordinates first: streamlines of one number of points are few, so
    that what counts is the number of passes over small arrays.
    """
    nb_steps = nb_points - 1
    smooth = np.zeros((3, len(lengths), nb_steps))
    if nb_steps > 1:
        turns = np.zeros((3, len(lengths), nb_steps - 1))
        turns[..., :NB_BENDS] = bends[..., : nb_steps - 1]
        np.cumsum(_restored(turns) / nb_steps**2, axis=-1, out=smooth[..., 1:])
    smooth += chords[..., None] / nb_steps - _means(smooth)
    smooth /= lengths[:, None] / nb_steps
    directions = _with_noise(smooth, noise[:, :-1], rng)
    deviation = np.clip(np.exp(noise[:, -1:]), SMALLEST_DEVIATION, LARGEST_DEVIATION)
    steps = np.exp(deviation * rng.standard_normal((len(lengths), nb_steps)))
    steps *= (lengths / steps.sum(axis=1))[:, None]
    points = np.zeros((3, len(lengths), nb_points))
    np.cumsum(steps * directions, axis=-1, out=points[..., 1:])
    return points - _means(points)


def _with_noise(smooth: np.ndarray, noise: np.ndarray, rng) -> np.ndarray:
    """Return unit directions (3, n, p) of smooth ones, with noise of the energies."""
    nb_turns = smooth.shape[-1] - 1
    if nb_turns <= NB_BENDS:
        return _unit(smooth)
    wanted = np.clip(noise, LOWEST, HIGHEST)
    white = rng.standard_normal((smooth.shape[1], nb_turns, 3)).transpose(2, 0, 1)
    white = np.ascontiguousarray(white) / np.sqrt(2)
    white[..., :NB_BENDS] = 0
    bands, logs, course = _bands(nb_turns), wanted.copy(), smooth.copy()
    mean, wander = _means(smooth), np.zeros_like(smooth)
    for _ in range(_ROUNDS):
        turns = _restored(white * np.exp(logs / 2)[:, bands])
        wander[..., 0] = 0
        np.cumsum(turns, axis=-1, out=wander[..., 1:])
        wander -= _means(wander)
        directions = _turned(_unit(course), wander)
        found = _by_band(_squares(np.diff(directions)))
        logs += np.clip(wanted - found, -_MOST_CHANGE, _MOST_CHANGE)
        course += mean - _means(directions)
    return directions


def _turned(directions: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Turn directions (3, n, p) by the parts of angles (3, n, p) across them."""
    along = np.einsum("kij,kij->ij", angles, directions)
    across = angles - along * directions
    size = np.maximum(_norms(across), _TINY)
    return np.cos(size) * directions + np.sin(size) / size * across


def _means(values: np.ndarray) -> np.ndarray:
    return np.add.reduce(values, axis=-1, keepdims=True) / values.shape[-1]


def _norms(vectors: np.ndarray) -> np.ndarray:
    """Return the norms (n, p) of vectors (3, n, p)."""
    return np.sqrt(np.einsum("kij,kij->ij", vectors, vectors))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(_norms(vectors), _TINY)


def _by_count(points: np.ndarray, counts: np.ndarray):
    """Yield rows and points (3, m, p) of streamlines (3, N) of three points or more."""
    for rows, places in equal_counts(counts, np.cumsum(counts) - counts):
        if places.shape[1] > 2:
            yield rows, points[:, places].astype(float)


def _transformed(values: np.ndarray) -> np.ndarray:
    """Return coefficients (..., p) of cosines that have a mean square of one."""
    return dct(values, norm="ortho") / np.sqrt(values.shape[-1])


def _restored(coefficients: np.ndarray) -> np.ndarray:
    return idct(coefficients, norm="ortho") * np.sqrt(coefficients.shape[-1])


def _squares(turns: np.ndarray) -> np.ndarray:
    """Return the square (n, p) of each coefficient of turns (3, n, p)."""
    found = _transformed(turns)
    return np.einsum("kij,kij->ij", found, found)


@lru_cache(_MOST_KEPT)
def _bands(nb_turns: int) -> np.ndarray:
    """Return the band (p,) of each order; bands rise with the order."""
    found = np.searchsorted(_EDGES, np.arange(nb_turns) / nb_turns, "right") - 1
    bands = np.clip(found, 0, NB_BANDS - 1)
    bands.setflags(write=False)
    return bands


@lru_cache(_MOST_KEPT)
def _orders_of_bands(nb_turns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first order after the bends in each band that has one, and how many.

    And the one among these that is nearest to each band, (NB_BANDS,).
    """
    filled, starts, sizes = np.unique(
        _bands(nb_turns)[NB_BENDS:], return_index=True, return_counts=True
    )
    nearest = np.abs(np.arange(NB_BANDS)[:, None] - filled).argmin(axis=1)
    return starts, sizes, nearest


def _by_band(squares: np.ndarray) -> np.ndarray:
    """Return the logarithm (n, NB_BANDS) of the mean of squares (n, p) in each band.

    Orders of the bends do not count. A band without an order has the energy of the
    nearest one.
    """
    nb_turns = squares.shape[1]
    if nb_turns <= NB_BENDS:
        return np.full((len(squares), NB_BANDS), LOWEST)
    starts, sizes, nearest = _orders_of_bands(nb_turns)
    means = np.add.reduceat(squares[:, NB_BENDS:], starts, axis=1) / sizes
    return np.log(np.maximum(means, _SMALLEST_ENERGY))[:, nearest]
