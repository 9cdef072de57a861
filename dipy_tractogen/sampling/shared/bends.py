"""Residual curves as bends: cosines of second differences, and energies of the rest.

Second differences of a streamline at equal steps are its turns. Turns of real
streamlines are smooth curves plus noise that is nearly white, and the streamline is
their sum of sums. Cosines of the points themselves would not do: a streamline does not
stop turning at its ends, so that its cosine coefficients fall slowly, with signs that
belong together; drawn one by one they give curves that are far too rough.
"""

from __future__ import annotations

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


def bends_of(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the coefficients (n, NB_BENDS, 3) in mm of the bends of points (3, N).

    They are cosine coefficients of the second derivative along the streamline, from 0
    to 1. Those that a streamline has not enough points for are zero.
    """
    found = np.zeros((len(counts), NB_BENDS, 3))
    for rows, own in _by_count(points, counts):
        derivative = np.diff(own, n=2, axis=1) * (own.shape[1] - 1) ** 2
        bends = _transformed(derivative)[:, :NB_BENDS]
        found[rows, : bends.shape[1]] = bends
    return found


def noise_of(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return logarithms (n, NB_BANDS + 1) of the noise of streamlines (3, N).

    They are the mean square of the turns, in radian, at an order of each band, and the
    deviation of the logarithm of the steps.
    """
    found = np.full((len(counts), NB_BANDS + 1), LOWEST)
    found[:, -1] = np.log(SMALLEST_DEVIATION)
    for rows, own in _by_count(points, counts):
        steps = np.diff(own, axis=1)
        found[rows, :-1] = _by_band(_squares(np.diff(_unit(steps), axis=1)))
        sizes = np.linalg.norm(steps, axis=2)
        spread = np.log(np.maximum(sizes, _TINY)).std(axis=1)
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
        own = _curves(
            bends[rows], noise[rows], chords[rows], lengths[rows], len(places[0]), rng
        )
        points[:, places] = own.transpose(2, 0, 1)
    return points


def _curves(bends, noise, chords, lengths, nb_points: int, rng) -> np.ndarray:
    """Draw streamlines (n, nb_points, 3) of one number of points."""
    nb_steps = nb_points - 1
    smooth = np.zeros((len(bends), nb_steps, 3))
    if nb_steps > 1:
        turns = np.zeros((len(bends), nb_steps - 1, 3))
        turns[:, :NB_BENDS] = bends[:, : nb_steps - 1]
        np.cumsum(_restored(turns) / nb_steps**2, axis=1, out=smooth[:, 1:])
    smooth += chords[:, None] / nb_steps - smooth.mean(axis=1, keepdims=True)
    step = lengths[:, None, None] / nb_steps
    directions = _with_noise(smooth / step, noise[:, :-1], rng)
    deviation = np.clip(np.exp(noise[:, -1:]), SMALLEST_DEVIATION, LARGEST_DEVIATION)
    steps = np.exp(deviation * rng.standard_normal((len(bends), nb_steps)))
    steps *= (lengths / steps.sum(axis=1))[:, None]
    points = np.zeros((len(bends), nb_points, 3))
    np.cumsum(steps[..., None] * directions, axis=1, out=points[:, 1:])
    return points - points.mean(axis=1, keepdims=True)


def _with_noise(smooth: np.ndarray, noise: np.ndarray, rng) -> np.ndarray:
    """Return unit directions (n, p, 3) of smooth ones, with noise of the energies."""
    nb_turns = smooth.shape[1] - 1
    if nb_turns <= NB_BENDS:
        return _unit(smooth)
    wanted = np.clip(noise, LOWEST, HIGHEST)
    white = rng.standard_normal((len(smooth), nb_turns, 3)) / np.sqrt(2)
    white[:, :NB_BENDS] = 0
    bands, logs, course = _bands(nb_turns), wanted.copy(), smooth.copy()
    for _ in range(_ROUNDS):
        turns = _restored(white * np.exp(logs / 2)[:, bands, None])
        wander = np.zeros_like(smooth)
        np.cumsum(turns, axis=1, out=wander[:, 1:])
        wander -= wander.mean(axis=1, keepdims=True)
        directions = _turned(_unit(course), wander)
        found = _by_band(_squares(np.diff(directions, axis=1)))
        logs += np.clip(wanted - found, -_MOST_CHANGE, _MOST_CHANGE)
        course += _means(smooth) - _means(directions)
    return directions


def _turned(directions: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Turn directions (n, p, 3) by the parts of angles (n, p, 3) across them."""
    across = angles - np.sum(angles * directions, axis=2, keepdims=True) * directions
    size = np.linalg.norm(across, axis=2, keepdims=True)
    return np.cos(size) * directions + np.sinc(size / np.pi) * across


def _means(vectors: np.ndarray) -> np.ndarray:
    return vectors.mean(axis=1, keepdims=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)


def _by_count(points: np.ndarray, counts: np.ndarray):
    """Yield rows and points (m, p, 3) of streamlines (3, N) of three points or more."""
    for rows, places in equal_counts(counts, np.cumsum(counts) - counts):
        if places.shape[1] > 2:
            yield rows, points[:, places].transpose(1, 2, 0).astype(float)


def _transformed(vectors: np.ndarray) -> np.ndarray:
    """Return coefficients (n, p, 3) of cosines that have a mean square of one."""
    return dct(vectors, axis=1, norm="ortho") / np.sqrt(vectors.shape[1])


def _restored(coefficients: np.ndarray) -> np.ndarray:
    return idct(coefficients, axis=1, norm="ortho") * np.sqrt(coefficients.shape[1])


def _squares(turns: np.ndarray) -> np.ndarray:
    """Return the square (n, p) of each coefficient of turns (n, p, 3)."""
    return np.sum(_transformed(turns) ** 2, axis=2)


def _bands(nb_turns: int) -> np.ndarray:
    """Return the band (p,) of each order."""
    found = np.searchsorted(_EDGES, np.arange(nb_turns) / nb_turns, "right") - 1
    return np.clip(found, 0, NB_BANDS - 1)


def _by_band(squares: np.ndarray) -> np.ndarray:
    """Return the logarithm (n, NB_BANDS) of the mean of squares (n, p) in each band.

    Orders of the bends do not count. A band without an order has the energy of the
    nearest one.
    """
    nb_turns = squares.shape[1]
    if nb_turns <= NB_BENDS:
        return np.full((len(squares), NB_BANDS), LOWEST)
    bands = _bands(nb_turns)[NB_BENDS:]
    filled = np.unique(bands)
    means = [squares[:, NB_BENDS:][:, bands == band].mean(axis=1) for band in filled]
    logs = np.log(np.maximum(np.stack(means, axis=1), _SMALLEST_ENERGY))
    nearest = np.abs(np.arange(NB_BANDS)[:, None] - filled).argmin(axis=1)
    return logs[:, nearest]
