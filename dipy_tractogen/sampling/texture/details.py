"""Streamlines as a coarse shape, a few cosines, and details at their own points.

Streamlines of different numbers of points lie side by side in flat arrays, an axis in
each row: (3, N) for N points in all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipy_tractogen.streamlines.array_sequence import equal_counts
from dipy_tractogen.streamlines.geometry import cosine_basis

from . import padded
from .padded import SHORTEST_MM

# Points by which the length of a curve is measured.
_NB_POINTS = 64
# Orders of the cosines that are decoded: place, direction, bend and, where steps are
# even, skew. Those above are where decoded streamlines are told from real ones most
# easily. Cosines of points at uneven steps are other ones than those of decoded
# streamlines, whose steps are equal, the more so the higher the order.
_NB_ORDERS, _NB_ORDERS_UNEVEN = 4, 3
# Steps are even if neighbours differ by less than this share.
_EVEN = 0.1
# Details are stored as whole numbers up to this, of this unit or a larger one.
_LARGEST = 32_000
_UNIT_MM = 1e-3


def coefficients(points: np.ndarray, counts: np.ndarray, nb_orders: int) -> np.ndarray:
    """Return the first cosine coefficients (n, k, 3) in mm of points (3, N).

    Counts (n,) are the numbers of points of the streamlines. Cosines have a mean square
    of one; coefficients that a streamline has not enough points for are zero. Values of
    points, in any number of rows, have such coefficients as well.
    """
    found = np.zeros((len(counts), nb_orders, len(points)), dtype=np.float32)
    for rows, places in equal_counts(counts, np.cumsum(counts) - counts):
        own = points[:, places].transpose(1, 2, 0)
        found[rows] = decoded_coefficients(own, nb_orders)
    return found


def nb_decoded(points: np.ndarray) -> int:
    """Return how many orders to decode, for streamlines (3, N) one after the other."""
    steps = np.diff(points, axis=1)
    sizes = np.sqrt(padded.dot(steps, steps)) + SHORTEST_MM
    uneven = np.median(np.abs(np.diff(np.log(sizes)))) if len(sizes) > 1 else 0
    return _NB_ORDERS if uneven < _EVEN else _NB_ORDERS_UNEVEN


def decoded_coefficients(means: np.ndarray, nb_orders: int) -> np.ndarray:
    """Return such coefficients (n, k, 3) of streamlines (n, nb_points, 3)."""
    nb_points = means.shape[1]
    basis = cosine_basis(nb_points, min(nb_orders, nb_points))
    found = np.zeros((len(means), nb_orders, means.shape[2]), dtype=np.float32)
    found[:, : len(basis)] = np.matmul(basis / np.float32(np.sqrt(nb_points)), means)
    return found


def curves(coefficients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the points (3, N) in mm of curves with coefficients (n, k, 3)."""
    return _unpadded(padded.curve_points, coefficients, counts)


def directions(coefficients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the directions (3, N) of such curves, of a length of one."""
    slopes = _unpadded(padded.curve_slopes, coefficients, counts)
    slopes /= np.sqrt(np.maximum(padded.dot(slopes, slopes), padded.TINY))
    return slopes


def _unpadded(function: Callable, coefficients, counts: np.ndarray) -> np.ndarray:
    """Return values (3, N) of a function of `padded`."""
    starts = np.cumsum(counts) - counts
    values = np.empty((3, int(counts.sum())), dtype=np.float32)
    for rows in padded.blocks_of_similar(counts):
        places = starts[rows][:, None] + padded.point_numbers(counts[rows])
        values[:, places] = function(coefficients[rows], counts[rows])
    return values


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
    sizes = np.sqrt(padded.dot(steps, steps))
    starts = np.cumsum(counts) - counts
    # What lies between two streamlines is not a step.
    sizes[starts[1:] - 1] = 0
    return np.add.reduceat(sizes, starts, dtype=float)


def curve_lengths(coefficients: np.ndarray) -> np.ndarray:
    """Return the lengths (n,) in mm of curves of cosines (n, k, 3), above zero."""
    nb_points = max(_NB_POINTS, 2 * coefficients.shape[1])
    found = np.zeros(len(coefficients))
    counts = np.full(len(coefficients), nb_points)
    for rows in padded.blocks_of_similar(counts):
        points = padded.curve_points(coefficients[rows], counts[rows])
        found[rows] = padded.lengths(points)
    return np.maximum(found, SHORTEST_MM)
