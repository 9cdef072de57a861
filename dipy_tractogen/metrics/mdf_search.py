r"""Pairs of near streamlines, in bounded memory and without looking at all pairs.

The MDF is a metric, so whole groups of pairs can be ruled out by two lower bounds:

- the triangle inequality: streamlines that lie together are put in a block, and a
  streamline farther from the centre of the block than its spread and the sought
  distance together is near none of its members;
- the mean distance of the means of four consecutive points is never larger than the
  mean distance of the points, and takes a quarter of the time.

Others are met in order of their distance to the centre of the block, so the search for
the k nearest knows a good limit early and ends when the first bound rules out the rest.
Of all pairs about one in six meets the second bound, and one in a hundred the distance.
Blocks are searched in threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from dipy_tractogen.utils.prefetch import map_in_order
from dipy_tractogen.utils.progress import advance

from . import cost
from .distances import by_point, direct, same_points

Found = TypeVar("Found")

# Large enough for NumPy to let go of the lock most of the time, so that threads gain.
_BLOCK_SIZE = 384
_CHUNK_SIZE = 512
_GROUP_SIZES = (4, 3, 2, 1)
# Bounds and distances are rounded differently: this keeps a pair on the limit.
_SLACK_MM = 1e-3


def by_block(
    search: Callable[[Block], Found], points: np.ndarray, others: np.ndarray
) -> Iterator[tuple[np.ndarray, Found]]:
    """Search around streamlines that lie together, block after block, in threads.

    Parameters
    ----------
    search : callable
        Takes a `Block`.
    points : ndarray of shape (n, p, 3), float32
        Streamlines that the blocks are made of, points in mm.
    others : ndarray of shape (m, p, 3), float32
        Streamlines to look at, points in mm.

    Yields
    ------
    members : ndarray of shape (b,)
        Rows of `points` in a block; each is in one.
    found : object
        What `search` gives for it.
    """
    columns = by_point(others)
    turned = _turned_alike(points)

    def work(members):
        return members, search(_block_of(members, turned, columns))

    blocks = _bisect(turned.reshape(len(points), 3 * points.shape[1]))
    for members, found in map_in_order(work, blocks):
        yield members, found
        advance(cost.search(len(members), len(others)))


@dataclass
class Block:
    """Streamlines that lie together, and the others seen from their centre.

    Attributes
    ----------
    members : ndarray of shape (b,)
        Indices of the streamlines.
    rows : ndarray of shape (p, 3, b)
        Their points, all in the direction of the centre.
    spread : ndarray of shape (b,)
        Their distances to the centre, in mm.
    columns : ndarray of shape (p, 3, m)
        The points of the others.
    near, far : ndarray of shape (m,)
        Distances of the others to the centre, in mm, in the better and in the worse
        direction.
    against : ndarray of shape (m,), bool
        Whether the better direction is against that of storage.
    """

    members: np.ndarray
    rows: np.ndarray
    spread: np.ndarray
    columns: np.ndarray
    near: np.ndarray
    far: np.ndarray
    against: np.ndarray

    def pairs_within(
        self, limits: np.ndarray, *, k: int | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the pairs of a member and another that are within its limit.

        Parameters
        ----------
        limits : ndarray of shape (b,)
            Largest distance in mm of interest to each member.
        k : int, optional
            Only the `k` nearest matter: limits shrink as near ones are found.

        Returns
        -------
        row, other : ndarray of shape (q,), int64
            Position in `members`, and index of the other.
        distance : ndarray of shape (q,), float32
            Their MDF in mm; some are just beyond the limits.
        """
        limits = limits + _SLACK_MM
        order = np.flatnonzero(self.near <= (self.spread + limits).max())
        order = order[np.argsort(self.near[order])]
        found = [(np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.float32))]
        for start in range(0, len(order), _CHUNK_SIZE):
            chunk = order[start : start + _CHUNK_SIZE]
            reach = self.spread + limits
            chunk = chunk[self.near[chunk] <= reach.max()]
            if len(chunk) == 0:
                break
            active = np.flatnonzero(reach >= self.near[chunk[0]])
            rows, columns = self.rows[:, :, active], self._turned(chunk)
            either_way = np.flatnonzero(self.far[chunk] <= reach.max())
            bound = _lower_bound(rows, columns, either_way)
            if k is not None and k <= len(chunk):
                upper = _kth_distance_at_most(k, bound, rows, columns)
                limits[active] = np.minimum(limits[active], upper + _SLACK_MM)
            row, column = np.nonzero(bound <= limits[active, None])
            distance = _mdf_of_pairs(rows[:, :, row], columns[:, :, column])
            found.append((active[row], chunk[column], distance))
        return tuple(np.concatenate(parts) for parts in zip(*found))

    def _turned(self, others: np.ndarray) -> np.ndarray:
        """Points (p, 3, q) of some others, each in the direction of the centre."""
        columns = self.columns[:, :, others]
        against = self.against[others]
        columns[:, :, against] = columns[::-1, :, against]
        return columns


def _block_of(members: np.ndarray, turned: np.ndarray, columns: np.ndarray) -> Block:
    rows = by_point(turned[members])
    # One member sets the direction of all, so that their mean has a meaning.
    first = rows[:, :, :1]
    against = (direct(rows, first) > direct(rows[::-1], first))[:, 0]
    rows[:, :, against] = rows[::-1, :, against]
    centre = rows.mean(axis=2, keepdims=True)
    forth, back = direct(centre, columns)[0], direct(centre[::-1], columns)[0]
    return Block(
        members=members,
        rows=rows,
        spread=direct(centre, rows)[0],
        columns=columns,
        near=np.minimum(forth, back),
        far=np.maximum(forth, back),
        against=back < forth,
    )


def _turned_alike(points: np.ndarray) -> np.ndarray:
    """Reverse some streamlines so that those that lie together mostly run alike."""
    ends = points[:, -1] - points[:, 0]
    widest = np.abs(ends).argmax(axis=1)[:, None]
    against = np.take_along_axis(ends, widest, axis=1)[:, 0] < 0
    return np.where(against[:, None, None], points[:, ::-1], points)


def _bisect(features: np.ndarray) -> Iterator[np.ndarray]:
    """Halve the rows along their widest feature until each part is a block."""
    parts = [np.arange(len(features))]
    while parts:
        part = parts.pop()
        if len(part) > _BLOCK_SIZE:
            widest = np.ptp(features[part], axis=0).argmax()
            half = len(part) // 2
            part = part[np.argpartition(features[part, widest], half)]
            parts += [part[:half], part[half:]]
        elif len(part):
            yield part


def _coarse(points: np.ndarray) -> np.ndarray:
    """Means of consecutive points: (p, 3, n) to (p / size, 3, n)."""
    size = next(size for size in _GROUP_SIZES if len(points) % size == 0)
    return points.reshape(-1, size, 3, points.shape[2]).mean(axis=1)


def _lower_bound(
    rows: np.ndarray, columns: np.ndarray, either_way: np.ndarray
) -> np.ndarray:
    """Bound the MDF from below, looking both ways at the columns `either_way`."""
    rows, columns = _coarse(rows), _coarse(columns)
    bound = direct(rows, columns)
    other_way = direct(rows, columns[::-1, :, either_way])
    bound[:, either_way] = np.minimum(bound[:, either_way], other_way)
    return bound


def _kth_distance_at_most(
    k: int, bound: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Bound the distance of each row to its k-th neighbour from above: (n,)."""
    promising = np.argpartition(bound, k - 1, axis=1)[:, :k].ravel()
    row = np.repeat(np.arange(len(bound)), k)
    distances = _mdf_of_pairs(rows[:, :, row], columns[:, :, promising])
    return distances.reshape(-1, k).max(axis=1)


def _mdf_of_pairs(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """MDF of each of (p, 3, q) to its counterpart: (q,)."""
    forth = np.sqrt(((rows - columns) ** 2).sum(axis=1)).mean(axis=0)
    back = np.sqrt(((rows - columns[::-1]) ** 2).sum(axis=1)).mean(axis=0)
    return np.minimum(forth, back)


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
