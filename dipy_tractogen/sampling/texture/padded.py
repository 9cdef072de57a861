"""Streamlines of similar numbers of points, as arrays in which a few are repeated.

Points are (3, m, p), an axis in each row, for m streamlines of up to p points; those
with fewer repeat their last one. So curves are products of matrices, and loops are over
many numbers that stay in cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_sequence

STRETCH = 1.05
"""Largest factor of a streamline about its centroid, and inverse of the smallest."""

SHORTEST_MM = 1e-3
"""Smallest length in divisions and logarithms."""

TINY = np.finfo(np.float32).tiny

# Streamlines that are worked on at once.
_BLOCK = 128
# Arrays of waves that are kept, one for each number of points.
_MOST_WAVES = 1024


def blocks_of_similar(counts: np.ndarray, *kinds: np.ndarray) -> Iterator[np.ndarray]:
    """Yield streamlines (m,) of similar numbers of points, a few at a time.

    Streamlines have `counts` (n,) points. They are sorted by `kinds` (n,) first.
    """
    order = np.lexsort((counts, *kinds))
    for start in range(0, len(order), _BLOCK):
        yield order[start : start + _BLOCK]


def point_numbers(counts: np.ndarray) -> np.ndarray:
    """Return the number (m, p) of each point in its streamline, from 0 on."""
    return np.minimum(np.arange(counts.max()), counts[:, None] - 1)


def curve_points(coefficients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the points (3, m, p) in mm of curves of cosines.

    They have coefficients (m, k, 3), and `counts` (m,) points.
    """
    return _products(coefficients, counts, _cosines)


def curve_slopes(coefficients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return vectors (3, m, p) of any length along such curves."""
    return _products(coefficients, counts, _slopes_of_cosines)


def move_ends(points: np.ndarray, counts: np.ndarray, moves: np.ndarray) -> None:
    """Move ends by (m, 2, 3) in mm, and points near them."""
    points += _products(moves, counts, endpoint_weights)


def _products(factors: np.ndarray, counts: np.ndarray, waves: Callable) -> np.ndarray:
    """Return products (3, m, p) of factors (m, k, 3) and waves (k, p) along points.

    Waves are those of a number of points and the number k.
    """
    # NumPy multiplies matrices in another order of axes slowly.
    factors = np.ascontiguousarray(factors.transpose(2, 0, 1), dtype=np.float32)
    found = np.empty((3, len(counts), counts.max()), dtype=np.float32)
    stops = [*np.flatnonzero(np.diff(counts)) + 1, len(counts)]
    for start, stop in zip([0, *stops], stops):
        count, rows = int(counts[start]), slice(start, stop)
        own = waves(count, factors.shape[2])
        np.matmul(factors[:, rows], own, out=found[:, rows, :count])
        found[:, rows, count:] = found[:, rows, count - 1 : count]
    return found


@lru_cache(_MOST_WAVES)
def _cosines(nb_points: int, nb_orders: int) -> np.ndarray:
    return _waves(np.cos, nb_points, np.full(nb_orders, np.sqrt(2)))


@lru_cache(_MOST_WAVES)
def _slopes_of_cosines(nb_points: int, nb_orders: int) -> np.ndarray:
    return _waves(np.sin, nb_points, -np.arange(nb_orders))


def _waves(kind: Callable, nb_points: int, heights: np.ndarray) -> np.ndarray:
    """Return cosines or sines (k, p) of some heights (k,).

    The first cosine is one. Those of orders that there are not enough points for are
    zero.
    """
    orders = np.arange(len(heights))[:, None]
    waves = kind(np.pi * orders * (np.arange(nb_points) + 0.5) / nb_points)
    waves *= heights[:, None]
    waves[0] /= np.sqrt(2)
    waves[nb_points:] = 0
    return waves.astype(np.float32)


@lru_cache(_MOST_WAVES)
def endpoint_weights(nb_points: int, nb_ends: int = 2) -> np.ndarray:
    """Return weights (2, p) of the displacements of both ends at each point.

    They decrease smoothly from one end to the other, with the cube of the distance to
    it: the more steeply they do, the more easily ends are told from real ones.
    """
    at = np.linspace(0, 1, nb_points, dtype=np.float32)
    return np.stack([1 - at, at]) ** 3


def half_turned(vectors: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Rotate vectors (3, ...) by 180 degrees about axes (3, ...) of any length.

    A half-turn about one direction and then one about the middle between it and another
    direction rotate the one into the other the shortest way.
    """
    shares = dot(axes, vectors)
    shares *= 2 / np.maximum(dot(axes, axes), TINY)
    result = axes * shares
    result -= vectors
    return result


def set_lengths(points: np.ndarray, counts: np.ndarray, wanted: np.ndarray) -> None:
    """Scale streamlines about their centroids to lengths (m,) in mm, in place.

    The factor is limited by `STRETCH`.
    """
    factors = wanted / np.maximum(lengths(points), SHORTEST_MM)
    factors = np.clip(factors, 1 / STRETCH, STRETCH).astype(np.float32)
    repeated = points[..., -1] * (points.shape[2] - counts)
    centroids = (points.sum(axis=2) - repeated) / counts
    points *= factors[:, None]
    points += (centroids * (1 - factors)).astype(np.float32)[..., None]


def lengths(points: np.ndarray) -> np.ndarray:
    """Return the lengths (m,) of streamlines in mm."""
    steps = points[..., 1:] - points[..., :-1]
    return np.sqrt(dot(steps, steps)).sum(axis=1)


def shares_of_length(points: np.ndarray) -> np.ndarray:
    """Return how far along its streamline each point is, (m, p), from 0 to 1."""
    steps = points[..., 1:] - points[..., :-1]
    along = np.zeros(points.shape[1:], dtype=np.float32)
    np.cumsum(np.sqrt(dot(steps, steps)), axis=1, out=along[:, 1:])
    along /= np.maximum(along[:, -1:], TINY)
    return along


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the dot products (...) of vectors (3, ...)."""
    products = first * second
    total = products[0]
    total += products[1]
    total += products[2]
    return total


def assembled(
    counts: np.ndarray,
    kinds: np.ndarray,
    points_of: Callable,
    wanted: np.ndarray,
    moves_of: Callable,
    channels_of: Callable | None = None,
    *,
    nb_channels: int = 0,
    exact: bool,
) -> ArraySequence:
    """Make streamlines of `counts` (m,) points, block by block, float32 in mm.

    `points_of` returns the points (3, n, p) of n of them by their rows, which are of
    one of the `kinds` (m,); `wanted` (m,) are the lengths in mm; and `moves_of` returns
    displacements for ends (m, 2, 3), after which lengths are wanted again if `exact`.
    Where `channels_of` is given, `nb_channels` follow the coordinates of each point: it
    is called once, after `moves_of`, and returns a function of a block, its points and
    their numbers that returns the channels (v, n, p).
    """
    ends = np.empty((len(counts), 2, 3), dtype=np.float32)
    blocks, parts = [], []
    for block in blocks_of_similar(counts, kinds):
        points = points_of(block)
        set_lengths(points, counts[block], wanted[block])
        ends[block] = points[..., [0, -1]].transpose(1, 2, 0)
        blocks.append(block)
        parts.append(points)
    moves = moves_of(ends)
    channels_at = None if channels_of is None else channels_of()
    shape = (counts.sum(), 3 + nb_channels)
    made = as_sequence(np.empty(shape, np.float32), counts)
    for block, points in zip(blocks, parts):
        move_ends(points, counts[block], moves[block])
        if exact:
            set_lengths(points, counts[block], wanted[block])
        places = point_numbers(counts[block]) + made._offsets[block][:, None]
        columns = [*points]
        if channels_at is not None:
            columns += [*channels_at(block, points, counts[block])]
        # An axis at a time: rows of three numbers are slow.
        for axis, values in enumerate(columns):
            made._data[:, axis][places] = values
    return made
