"""Streamlines drawn a batch at a time, until there are enough plausible ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
import math

import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions

from .plausibility import Plausibility
from .prefetch import in_order

MAX_TRIES = 20
"""Streamlines that are drawn at most for each that has to be plausible."""

_BATCH = 4096

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]
Draw = Callable[[int, int, tuple], Drawn]


def generate_batches(
    conditions: Conditions,
    draw: Draw,
    counts: np.ndarray,
    *,
    seed: int,
    plausibility: Plausibility | None = None,
    max_tries: int = MAX_TRIES,
) -> Iterator[tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray]]]:
    """Draw streamlines a batch at a time, one combination of categories after another.

    Parameters
    ----------
    conditions : Conditions
        What is known of the streamlines.
    draw : callable
        For a number m, a combination and a seed gives points (m, nb_points, 3) in mm,
        codes of the categories (m, c) and standardised numbers (m, k). It is called in
        threads.
    counts : sequence of int
        Streamlines of each combination of categories.
    seed : int
        Fixes the draw; every batch has a stream of its own.
    plausibility : Plausibility, optional
        Streamlines that it rejects are replaced by others. It counts them, and what is
        missing in the end.
    max_tries : int, optional
        Streamlines that are drawn of a combination for each that is asked for, at most;
        then the next combination follows.

    Yields
    ------
    points : ndarray of shape (m, nb_points, 3), float32
        Points in RASMM mm.
    labels : ndarray of shape (m,), int32
        Bundle of each.
    values : dict of str to ndarray of shape (m,)
        The conditions of each but its bundle: codes of categories, and numbers.

    Raises
    ------
    ValueError
        If none at all is plausible, or a criterion rejects more than it may.
    """
    others = [one.name for one in conditions.categorical[1:]]
    if plausibility is None:
        tasks = (
            task
            for cell, count in enumerate(counts)
            for task in _tasks_of(cell, int(count), seed)
        )
        drawn = in_order(lambda task: draw(*task), tasks)
    else:
        drawn = _plausible_batches(
            conditions, draw, counts, seed, plausibility, max_tries
        )
    for points, codes, numbers in drawn:
        values = dict(zip(others, codes[:, 1:].T))
        yield points, codes[:, 0], {**values, **conditions.restored(numbers)}


def _tasks_of(
    cell: int, count: int, seed: int, first: int = 0
) -> Iterator[tuple[int, int, tuple]]:
    """Say what to draw of one combination; `first` were drawn before."""
    for start in range(first, first + count, _BATCH):
        yield min(_BATCH, first + count - start), cell, (seed, cell, start)


def _plausible_batches(
    conditions: Conditions, draw, counts, seed, plausibility, max_tries
) -> Iterator[Drawn]:
    """Draw plausible streamlines of one combination after another."""
    names = conditions.categorical[0].categories
    plausibility.restart()
    nothing = True
    for cell, count in enumerate(counts):
        for drawn in _plausible_batches_of(
            draw, cell, int(count), seed, names, plausibility, max_tries
        ):
            nothing = False
            yield drawn
    if nothing:
        raise ValueError(
            f"No streamline is plausible. {plausibility.describe_rejections()}. Loosen "
            "the criteria, or allow more tries."
        )


def _plausible_batches_of(
    draw: Draw,
    cell: int,
    count: int,
    seed: int,
    names: Sequence[str],
    plausibility: Plausibility,
    max_tries: int,
) -> Iterator[Drawn]:
    """Draw until there are enough plausible ones, or too many were tried."""

    def draw_and_judge(task):
        drawn = draw(*task)
        return drawn, plausibility.judge(drawn[0])

    nb_tried = nb_found = 0
    while nb_found < count and nb_tried < max_tries * count:
        # As many as are missing, over the share that was plausible so far.
        needed = math.ceil((count - nb_found) * (nb_tried + 1) / (nb_found + 1))
        needed = min(needed, max_tries * count - nb_tried)
        # What is drawn ahead when there are enough is not used, nor counted.
        tasks = _tasks_of(cell, needed, seed, nb_tried)
        for (points, codes, numbers), accepted in in_order(draw_and_judge, tasks):
            nb_tried += len(points)
            kept = np.flatnonzero(plausibility.count(accepted))[: count - nb_found]
            nb_found += len(kept)
            plausibility.check()
            if len(kept):
                yield points[kept], codes[kept], numbers[kept]
            if nb_found == count:
                return
    if nb_found < count:
        plausibility.check(at_end=True)
        plausibility.miss(names[codes[0, 0]], count - nb_found)
