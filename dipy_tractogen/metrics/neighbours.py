"""Exact searches for near streamlines: the nearest ones, and those in balls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .distances import same_points
from .mdf_search import by_block


def nearest(
    points: np.ndarray, others: np.ndarray | None = None, *, k: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest streamlines by MDF.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Points in mm, equally spaced.
    others : ndarray of shape (m, p, 3), optional
        Where to look; without it among `points`, each but for itself.
    k : int, optional
        How many neighbours.

    Returns
    -------
    distances : ndarray of shape (n, k), float32
        MDF in mm, ascending.
    indices : ndarray of shape (n, k), int64
        Rows of `others` (or of `points`).

    Raises
    ------
    ValueError
        If there are fewer than `k` streamlines to find, or the arrays do not have as
        many points a streamline.
    """
    among_themselves = others is None
    points, others = same_points(points, points if among_themselves else others)
    nb_available = max(len(others) - among_themselves, 0)
    if not 1 <= k <= nb_available:
        raise ValueError(
            f"k={k} nearest neighbours among {nb_available} streamlines: give k of 1 "
            "or more and at least as many streamlines."
        )
    distances = np.empty((len(points), k), dtype=np.float32)
    indices = np.empty((len(points), k), dtype=np.int64)

    def search(block):
        unlimited = np.full(len(block.members), np.inf, dtype=np.float32)
        row, other, distance = block.pairs_within(unlimited, k=k + among_themselves)
        if among_themselves:
            strangers = block.members[row] != other
            row, other = row[strangers], other[strangers]
            distance = distance[strangers]
        order = np.lexsort((other, distance, row))
        firsts = np.searchsorted(row[order], np.arange(len(block.members)))
        chosen = order[firsts[:, None] + np.arange(k)]
        return distance[chosen], other[chosen]

    for members, found in by_block(search, points, others):
        distances[members], indices[members] = found
    return distances, indices


class BallCounts(NamedTuple):
    """How streamlines lie in balls around others.

    Attributes
    ----------
    per_ball : ndarray of shape (n,), int64
        Number of streamlines inside each ball.
    per_point : ndarray of shape (m,), int64
        Number of balls that each streamline is in.
    held_alone : ndarray of shape (n,), int64
        Number of streamlines that are in this ball and in no other.
    alone_in : ndarray of shape (m,), int64
        Number of balls that hold this streamline and no other.
    """

    per_ball: np.ndarray
    per_point: np.ndarray
    held_alone: np.ndarray
    alone_in: np.ndarray


def count_in_balls(
    centres: np.ndarray, radii: np.ndarray, points: np.ndarray
) -> BallCounts:
    """Count the streamlines strictly inside balls around others, by MDF.

    Parameters
    ----------
    centres : ndarray of shape (n, p, 3)
        Streamlines at the centres of the balls, points in mm, equally spaced.
    radii : ndarray of shape (n,)
        Radius of each ball in mm.
    points : ndarray of shape (m, p, 3)
        Streamlines to count, points in mm, equally spaced.

    Returns
    -------
    BallCounts
        Numbers of streamlines by ball, and of balls by streamline.

    Raises
    ------
    ValueError
        If the arrays do not have as many points a streamline.
    """
    centres, points = same_points(centres, points)
    radii = np.asarray(radii, dtype=np.float32)
    nb_centres, nb_points = len(centres), len(points)
    per_ball = np.zeros(nb_centres, dtype=np.int64)
    per_point = np.zeros(nb_points, dtype=np.int64)
    # Sums of indices: of a single one the sum is the index itself.
    sum_of_points, sum_of_balls = np.zeros(nb_centres), np.zeros(nb_points)

    def search(block):
        row, other, distance = block.pairs_within(radii[block.members])
        inside = distance < radii[block.members][row]
        row, other = row[inside], other[inside]
        sizes = {"minlength": len(block.members)}, {"minlength": nb_points}
        return (
            np.bincount(row, **sizes[0]),
            np.bincount(other, **sizes[1]),
            np.bincount(row, other, **sizes[0]),
            np.bincount(other, block.members[row], **sizes[1]),
        )

    for members, found in by_block(search, centres, points):
        per_ball[members], sum_of_points[members] = found[0], found[2]
        per_point += found[1]
        sum_of_balls += found[3]
    only_ball = sum_of_balls[per_point == 1].astype(np.int64)
    only_point = sum_of_points[per_ball == 1].astype(np.int64)
    return BallCounts(
        per_ball,
        per_point,
        held_alone=np.bincount(only_ball, minlength=nb_centres),
        alone_in=np.bincount(only_point, minlength=nb_points),
    )
