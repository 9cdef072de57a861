"""Streamlines as a coarse shape, a few cosines, and details at their own points.

Streamlines of different numbers of points lie side by side in flat arrays, an axis in
each row: (3, N) for N points in all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dipy_tractogen.streamlines.array_sequence import ranks
from dipy_tractogen.streamlines.geometry import cosine_basis

from .endpoints import endpoint_weights

STRETCH = 1.05
"""Largest factor of a streamline about its centroid, and inverse of the smallest."""

SHORTEST_MM = 1e-3
"""Smallest length in divisions and logarithms."""

# Points by which the length of a curve is measured.
_NB_POINTS = 64
# A streamline has as many points as the one its details are from, unless their lengths
# differ by more than this factor.
_SAME_STEPS = 1.1
# Details are stored as whole numbers up to this, of this unit or a larger one.
_LARGEST = 32_000
_UNIT_MM = 1e-3
_TINY = np.finfo(np.float32).tiny


def coefficients(points: np.ndarray, counts: np.ndarray, nb_orders: int) -> np.ndarray:
    """Return the first cosine coefficients (n, k, 3) in mm of points (3, N).

    Counts (n,) are the numbers of points of the streamlines. Cosines have a mean square
    of one; coefficients that a streamline has not enough points for are zero.
    """
    starts = np.cumsum(counts) - counts
    sums = [
        np.add.reduceat(points * wave, starts, axis=1)
        for wave in _waves(counts, nb_orders, np.cos)
    ]
    return (np.stack(sums) / counts).transpose(2, 0, 1).astype(np.float32)


def decoded_coefficients(means: np.ndarray, nb_orders: int) -> np.ndarray:
    """Return such coefficients (n, k, 3) of streamlines (n, nb_points, 3)."""
    nb_points = means.shape[1]
    basis = cosine_basis(nb_points, min(nb_orders, nb_points))
    found = np.zeros((len(means), nb_orders, 3), dtype=np.float32)
    found[:, : len(basis)] = np.matmul(basis / np.float32(np.sqrt(nb_points)), means)
    return found


def curves(coefficients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the points (3, N) in mm of curves of cosines, from coefficients (n, k, 3).

    Those of curves of one number of points are a product of matrices: textures of files
    of earlier versions have many orders.
    """
    nb_points, nb_orders = counts[0], coefficients.shape[1]
    if (counts == nb_points).all():
        basis = np.zeros((nb_orders, nb_points), dtype=np.float32)
        basis[:nb_points] = cosine_basis(nb_points, min(nb_orders, nb_points))
        basis *= np.float32(np.sqrt(nb_points))
        return np.matmul(coefficients.transpose(2, 0, 1), basis).reshape(3, -1)
    return _sum_of_waves(coefficients, counts, np.cos)


def directions(coefficients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the directions (3, N) of such curves, of a length of one."""
    orders = np.arange(coefficients.shape[1], dtype=np.float32)[:, None]
    slopes = _sum_of_waves(-orders * coefficients, counts, np.sin)
    slopes /= np.sqrt(np.maximum(_dot(slopes, slopes), _TINY))
    return slopes


def _sum_of_waves(coefficients: np.ndarray, counts: np.ndarray, kind) -> np.ndarray:
    """Return the sums (3, N) of cosines or sines with coefficients (n, k, 3)."""
    total = np.zeros((3, int(counts.sum())), dtype=np.float32)
    for order, wave in enumerate(_waves(counts, coefficients.shape[1], kind)):
        total += np.repeat(coefficients[:, order].T, counts, axis=1) * wave
    return total


def _waves(counts: np.ndarray, nb_orders: int, kind) -> Iterator[np.ndarray]:
    """Yield cosines or sines (N,) of one order after another, with a mean square of 1.

    Those of orders that a streamline has not enough points for are zero.
    """
    sizes = np.repeat(counts, counts)
    angles = (np.pi * (ranks(counts) + 0.5) / sizes).astype(np.float32)
    few = counts.min() < nb_orders
    yield kind(0 * angles)
    for order in range(1, nb_orders):
        wave = np.float32(np.sqrt(2)) * kind(order * angles)
        if few:
            wave[order >= sizes] = 0
        yield wave


def turned(vectors: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Rotate vectors (3, N) as directions (3, N) are into others, the shortest way."""
    cosine = _dot(before, after)
    axis = _cross(before, after)
    share = _dot(axis, vectors) / np.maximum(1 + cosine, 1e-3)
    result = _cross(axis, vectors)
    result += vectors * cosine
    result += axis * share
    return result


def quantised(details: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return details (3, N) in mm as whole numbers, and their units (n,) in mm.

    The numbers (N, 3), int16, are differences to the point before, which take less room
    in a file; the first ones of each streamline are its own. A unit is a micrometre or
    more. Half precision would round more coarsely, so that a classifier finds it.
    """
    starts = np.cumsum(counts) - counts
    largest = np.abs(_differences(details, starts)).max(axis=0)
    largest = np.maximum.reduceat(largest, starts) / _LARGEST
    units = np.where(largest > 0, np.maximum(largest, _UNIT_MM), 0).astype(np.float32)
    wide = np.repeat(np.maximum(units, _UNIT_MM), counts)
    numbers = np.rint(details / wide).astype(np.int32)
    return _differences(numbers, starts).T.astype(np.int16), units


def restored(numbers: np.ndarray, units: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the details (3, N) in mm from what `quantised` returns."""
    starts = np.cumsum(counts) - counts
    sums = np.cumsum(numbers.T, axis=1, dtype=np.int64)
    before = sums[:, starts] - numbers[starts].T
    sums -= np.repeat(before, counts, axis=1)
    return (sums * np.repeat(units.astype(float), counts)).astype(np.float32)


def _differences(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return differences (3, N) to the point before; first points as they are."""
    found = values.copy()
    found[:, 1:] -= values[:, :-1]
    found[:, starts] = values[:, starts]
    return found


def flat_lengths(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the lengths (n,) in mm of streamlines (3, N) of two points or more."""
    steps = np.diff(points, axis=1)
    sizes = np.sqrt(_dot(steps, steps))
    starts = np.cumsum(counts) - counts
    # What lies between two streamlines is not a step.
    sizes[starts[1:] - 1] = 0
    return np.add.reduceat(sizes, starts, dtype=float)


def curve_lengths(coefficients: np.ndarray) -> np.ndarray:
    """Return the lengths (n,) in mm of curves of cosines (n, k, 3), above zero."""
    nb_points = max(_NB_POINTS, 2 * coefficients.shape[1])
    counts = np.full(len(coefficients), nb_points)
    if not len(counts):
        return np.zeros(0)
    points = curves(coefficients, counts)
    return np.maximum(flat_lengths(points, counts), SHORTEST_MM)


def counts_at(wanted: np.ndarray, counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return numbers of points (n,) for lengths (n,), in steps like those of others.

    The others have `counts` (n,) points and lengths `sizes` (n,) in mm.
    """
    ratio = wanted / sizes
    other = np.abs(np.log(ratio)) > np.log(_SAME_STEPS)
    steps = np.maximum(np.rint((counts - 1) * ratio), 1).astype(np.intp)
    return np.where(other, steps + 1, counts)


def set_lengths(points: np.ndarray, counts: np.ndarray, wanted: np.ndarray) -> None:
    """Scale streamlines (3, N) about their centroids to lengths (n,) in mm, in place.

    The factor is limited by `STRETCH`.
    """
    sizes = np.maximum(flat_lengths(points, counts), SHORTEST_MM)
    factors = np.clip(wanted / sizes, 1 / STRETCH, STRETCH)
    starts = np.cumsum(counts) - counts
    centroids = np.add.reduceat(points, starts, axis=1) / counts
    points *= np.repeat(factors.astype(np.float32), counts)
    shifts = (centroids * (1 - factors)).astype(np.float32)
    points += np.repeat(shifts, counts, axis=1)


def move_ends(points: np.ndarray, counts: np.ndarray, moves: np.ndarray) -> None:
    """Move the ends of streamlines (3, N) by (n, 2, 3) in mm, and points near them."""
    for weights, move in zip(endpoint_weights(counts), moves.transpose(1, 2, 0)):
        points += np.repeat(move, counts, axis=1) * weights


def places(counts: np.ndarray, donors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places (N,) of points along donors, and the shares (N,) of the next.

    Streamlines have `counts` (n,) points and their donors (n,) others. Where both have
    as many, shares are zero.
    """
    within = ranks(counts)
    if (counts == donors).all():
        return within, np.zeros(1, dtype=np.float32)
    exact = (within + 0.5) * np.repeat(donors / counts, counts) - 0.5
    np.clip(exact, 0, np.repeat(donors - 1, counts), out=exact)
    whole = exact.astype(np.intp)
    return whole, (exact - whole).astype(np.float32)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    products = first * second
    return products[0] + products[1] + products[2]


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compute cross products of vectors (3, N); faster than numpy's."""
    (a, b, c), (x, y, z) = first, second
    return np.stack([b * z - c * y, c * x - a * z, a * y - b * x])
