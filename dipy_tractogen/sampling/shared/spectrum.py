"""Details of streamlines as cosine coefficients and energies by wavelength."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, idct

from dipy_tractogen.streamlines.array_sequence import equal_counts

# Orders of the cosines whose coefficients are described one by one, after those that
# the model decodes; of higher ones it is the energy by wavelength.
NB_COEFFICIENTS = 8
NB_BANDS = 10
# Bands of the order divided by the number of points: a wavelength is twice the step
# over it. Longer wavelengths count to the first band.
_EDGES = np.geomspace(1 / 32, 1, NB_BANDS + 1)
_CENTRES = np.log(np.sqrt(_EDGES[1:] * _EDGES[:-1]))
_SMALLEST_ENERGY = 1e-12
# Smallest and largest logarithm of an energy in square mm: draws may go beyond.
_LOWEST, _HIGHEST = np.log(_SMALLEST_ENERGY), np.log(1e6)


def spectra(
    details: np.ndarray, directions: np.ndarray, counts: np.ndarray, first: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients (n, c, 3) in mm and log energies (n, 2, NB_BANDS).

    Details (3, N) and directions (3, N) are those of streamlines of `counts` (n,)
    points, one after the other; `first` is the lowest order that details have.
    Energies are the mean squares in mm across the streamline and along it, of an order
    of each band; their coefficients are those above the c first.
    """
    coefficients = np.zeros((len(counts), NB_COEFFICIENTS, 3))
    energies = np.full((len(counts), 2, NB_BANDS), _LOWEST)
    for rows, places in equal_counts(counts, np.cumsum(counts) - counts):
        own, along = (
            each[:, places].transpose(1, 2, 0) for each in (details, directions)
        )
        found = _transformed(own)
        last = first + NB_COEFFICIENTS
        low = found[:, first:last]
        coefficients[rows, : low.shape[1]] = low
        found[:, :last] = 0
        high = _restored(found)
        tangential = np.sum(high * along, axis=2, keepdims=True)
        normal = high - tangential * along
        for kind, each in enumerate((normal, tangential)):
            squares = np.sum(_transformed(each) ** 2, axis=2)
            energies[rows, kind] = _by_band(squares, last)
    return coefficients, energies


def details_of(
    coefficients: np.ndarray,
    energies: np.ndarray,
    directions: np.ndarray,
    counts: np.ndarray,
    first: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw details (3, N) in mm of the coefficients and energies of `spectra`."""
    details = np.zeros(directions.shape)
    energies = np.clip(energies, _LOWEST, _HIGHEST)
    last = first + NB_COEFFICIENTS
    for rows, places in equal_counts(counts, np.cumsum(counts) - counts):
        nb_points = places.shape[1]
        along = directions[:, places].transpose(1, 2, 0)
        noise = rng.standard_normal((len(rows), nb_points, 4))
        noise[..., :3] *= _amplitudes(energies[rows, 0], nb_points, last) / np.sqrt(2)
        noise[..., 3:] *= _amplitudes(energies[rows, 1], nb_points, last)
        noise = _restored(noise)
        across = noise[..., :3]
        across -= np.sum(across * along, axis=2, keepdims=True) * along
        own = across + noise[..., 3:] * along
        low = np.zeros((len(rows), nb_points, 3))
        nb_low = min(NB_COEFFICIENTS, max(nb_points - first, 0))
        low[:, first : first + nb_low] = coefficients[rows, :nb_low]
        own += _restored(low)
        details[:, places] = own.transpose(2, 0, 1)
    return details


def _transformed(points: np.ndarray) -> np.ndarray:
    """Return coefficients (n, p, d) of cosines that have a mean square of one."""
    return dct(points, axis=1, norm="ortho") / np.sqrt(points.shape[1])


def _restored(coefficients: np.ndarray) -> np.ndarray:
    return idct(coefficients, axis=1, norm="ortho") * np.sqrt(coefficients.shape[1])


def _bands(nb_points: int) -> np.ndarray:
    """Return the band of each order (p,)."""
    return np.clip(
        np.searchsorted(_EDGES, np.arange(nb_points) / nb_points, "right") - 1,
        0,
        NB_BANDS - 1,
    )


def _by_band(squares: np.ndarray, last: int) -> np.ndarray:
    """Return the logarithm of the mean of squares (n, p) in each band.

    Orders below `last` do not count. A band without an order has the energy of the
    nearest one.
    """
    nb_points = squares.shape[1]
    if nb_points <= last:
        return np.full((len(squares), NB_BANDS), _LOWEST)
    bands = _bands(nb_points)
    own = [np.flatnonzero(bands[last:] == band) + last for band in range(NB_BANDS)]
    filled = np.flatnonzero([len(orders) for orders in own])
    means = [squares[:, own[band]].mean(axis=1) for band in filled]
    logs = np.log(np.maximum(np.stack(means, axis=1), _SMALLEST_ENERGY))
    nearest = np.abs(np.arange(NB_BANDS)[:, None] - filled).argmin(axis=1)
    return logs[:, nearest]


def _amplitudes(energies: np.ndarray, nb_points: int, last: int) -> np.ndarray:
    """Return the amplitude (n, p, 1) of each order in mm, zero below `last`."""
    orders = np.maximum(np.arange(nb_points), 1) / nb_points
    at = np.interp(np.log(orders), _CENTRES, np.arange(NB_BANDS))
    lower = np.minimum(at.astype(int), NB_BANDS - 2)
    share = at - lower
    logs = (1 - share) * energies[:, lower] + share * energies[:, lower + 1]
    amplitudes = np.exp(logs / 2)
    amplitudes[:, :last] = 0
    return amplitudes[..., None]
