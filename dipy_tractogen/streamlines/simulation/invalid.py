"""Invalid streamlines made from real ones: broken, looped, cut and shifted.

They are the errors of tracking, in any number and of a stated size, to test filters
with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry import lengths, resample

KINDS = ("broken", "looped", "cut", "shifted")
"""What can be wrong with a streamline that `make_invalid` makes."""

# Where along a streamline it breaks or loops, as shares of its length.
_WHERE = (0.25, 0.75)
_LOOP_POINTS = 64
_LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class InvalidSizes:
    """How wrong invalid streamlines are: ranges that are drawn from uniformly.

    Parameters
    ----------
    jump_mm : tuple of float, optional
        How far a broken streamline jumps to the side, in mm.
    loop_mm : tuple of float, optional
        Radius of the circle that a looped one goes round once, in mm.
    kept_mm : tuple of float, optional
        Length that is left of one that is cut, in mm; never more than half of it.
    shift_mm : tuple of float, optional
        How far a shifted one is moved, at right angles to the line between its ends,
        in mm.
    turn_degrees : tuple of float, optional
        By how much it is turned about its centre as well.

    Raises
    ------
    ValueError
        If a range is not one of numbers above zero, the smaller first.
    """

    jump_mm: tuple[float, float] = (10.0, 20.0)
    loop_mm: tuple[float, float] = (5.0, 10.0)
    kept_mm: tuple[float, float] = (10.0, 25.0)
    shift_mm: tuple[float, float] = (10.0, 20.0)
    turn_degrees: tuple[float, float] = (10.0, 30.0)

    def __post_init__(self):
        for one in fields(self):
            low, high = getattr(self, one.name)
            if not 0 < low <= high < np.inf:
                raise ValueError(
                    f"{one.name}=({low}, {high}): give a range of numbers above 0, the "
                    "smaller first."
                )


def make_invalid(
    points: np.ndarray,
    kinds: Sequence[str] = KINDS,
    *,
    sizes: InvalidSizes | None = None,
    seed: int | Sequence[int] = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Make an invalid streamline of each real one.

    - *broken*: somewhere in its middle half it jumps to the side, and goes on there;
    - *looped*: somewhere in its middle half it goes round a circle;
    - *cut*: it ends early, at either end;
    - *shifted*: it is moved and turned as a whole.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in mm, equally spaced, at least three a streamline.
    kinds : sequence of str, optional
        Some of `KINDS`; as many streamlines of each, in a random order.
    sizes : InvalidSizes, optional
        How wrong they are.
    seed : int or sequence of int, optional
        Fixes the draw.

    Returns
    -------
    invalid : ndarray of shape (n, nb_points, 3), float32
        Points in mm, equally spaced; row i is made of row i of `points`.
    made : ndarray of shape (n,), int
        Kind of each, as an index into `kinds`.

    Raises
    ------
    ValueError
        If `points` have another shape, or a kind is unknown.
    """
    points = np.asarray(points, dtype=np.float32)
    if points.ndim != 3 or points.shape[1] < 3 or points.shape[2] != 3:
        raise ValueError(
            f"points have shape {points.shape}: give (n, nb_points, 3), with three "
            "points or more."
        )
    unknown = [kind for kind in kinds if kind not in _MAKERS]
    if unknown or not kinds:
        raise ValueError(
            f"kinds={list(kinds)}: give one or more of {', '.join(_MAKERS)}."
        )
    sizes = sizes or InvalidSizes()
    rng = np.random.default_rng(seed)
    made = rng.permutation(np.arange(len(points)) % len(kinds))
    invalid = np.empty_like(points)
    for code, kind in enumerate(kinds):
        rows = np.flatnonzero(made == code)
        if len(rows):
            invalid[rows] = _MAKERS[kind](points[rows], sizes, rng)
    return invalid, made


def _broken(points: np.ndarray, sizes: InvalidSizes, rng) -> np.ndarray:
    place = _places(points, rng)
    jump = _sideways(_tangents(points, place), rng)
    jump *= rng.uniform(*sizes.jump_mm, (len(points), 1))
    beyond = np.arange(points.shape[1]) > place[:, None]
    return resample(points + beyond[..., None] * jump[:, None], points.shape[1])


def _looped(points: np.ndarray, sizes: InvalidSizes, rng) -> np.ndarray:
    n, nb_points, _ = points.shape
    place = _places(points, rng)
    along = _tangents(points, place)
    across = _sideways(along, rng)
    radius = rng.uniform(*sizes.loop_mm, (n, 1, 1))
    angles = np.linspace(0, 2 * np.pi, _LOOP_POINTS + 2)[1:-1, None]
    loop = np.sin(angles) * along[:, None] + (1 - np.cos(angles)) * across[:, None]
    loop = points[np.arange(n), place][:, None] + radius * loop
    # Points before the place, the loop, points after it: one gather for all.
    order = np.arange(nb_points + _LOOP_POINTS)
    behind = order > place[:, None] + _LOOP_POINTS
    in_loop = (order > place[:, None]) & ~behind
    source = order - _LOOP_POINTS * behind
    source = np.where(in_loop, nb_points + order - place[:, None] - 1, source)
    whole = np.concatenate([points, loop], axis=1)
    return resample(np.take_along_axis(whole, source[..., None], axis=1), nb_points)


def _cut(points: np.ndarray, sizes: InvalidSizes, rng) -> np.ndarray:
    n, nb_points, _ = points.shape
    share = rng.uniform(*sizes.kept_mm, n) / np.maximum(lengths(points), 1e-6)
    share = np.minimum(share, _LARGEST_SHARE)
    turned = rng.random(n) < 0.5
    ordered = np.where(turned[:, None, None], points[:, ::-1], points)
    positions = share[:, None] * np.arange(nb_points)
    before = positions.astype(np.intp)
    weight = (positions - before)[..., None]
    left, right = (
        np.take_along_axis(ordered, index[..., None], axis=1)
        for index in (before, np.minimum(before + 1, nb_points - 1))
    )
    kept = (1 - weight) * left + weight * right
    return np.where(turned[:, None, None], kept[:, ::-1], kept)


def _shifted(points: np.ndarray, sizes: InvalidSizes, rng) -> np.ndarray:
    n = len(points)
    shift = _sideways(points[:, -1] - points[:, 0], rng)
    shift *= rng.uniform(*sizes.shift_mm, (n, 1))
    axis = _unit(rng.standard_normal((n, 3)))
    angle = np.radians(rng.uniform(*sizes.turn_degrees, (n, 1)))
    turn = Rotation.from_rotvec(angle * axis).as_matrix()
    centre = points.mean(axis=1, keepdims=True)
    return (points - centre) @ turn.swapaxes(1, 2) + centre + shift[:, None]


_MAKERS = dict(zip(KINDS, (_broken, _looped, _cut, _shifted)))


def _places(points: np.ndarray, rng) -> np.ndarray:
    """Index of a point of each streamline that is not one of its ends: (n,)."""
    last = points.shape[1] - 1
    places = np.rint(rng.uniform(*_WHERE, len(points)) * last).astype(np.intp)
    return np.clip(places, 1, last - 1)


def _tangents(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Direction of each streamline at one of its points: (n, 3)."""
    rows = np.arange(len(points))
    return _unit(points[rows, places + 1] - points[rows, places - 1])


def _sideways(directions: np.ndarray, rng) -> np.ndarray:
    """Random unit vectors at right angles to directions: (n, 3)."""
    along = _unit(directions)
    drawn = rng.standard_normal(directions.shape)
    return _unit(drawn - np.sum(drawn * along, axis=1, keepdims=True) * along)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one; those of no length stay."""
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(sizes, np.finfo(np.float32).tiny)
