"""Streamlines drawn a batch at a time, until there are enough plausible ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
import math

import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.prefetch import map_in_order

from .plausibility import Plausibility

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
        drawn = map_in_order(lambda task: draw(*task), tasks)
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
    """Draw plausible streamlines of one combination after another.

    As many as are asked for are drawn ahead, of all combinations; what is rejected of
    one is replaced before the next one follows.
    """
    names = conditions.categorical[0].categories
    plausibility.restart()

    def draw_and_judge(task):
        drawn = draw(*task)
        return drawn, plausibility.judge(drawn[0])

    tasks = (
        task
        for cell, count in enumerate(counts)
        for task in _tasks_of(cell, int(count), seed)
    )
    nothing = True
    with closing(map_in_order(draw_and_judge, tasks)) as drawn_ahead:
        for cell, count in enumerate(map(int, counts)):
            first = islice(drawn_ahead, math.ceil(count / _BATCH))
            chosen = _Chosen(plausibility, count)
            for drawn in chosen.of(first):
                nothing = False
                yield drawn
            while chosen.nb_missing and chosen.nb_tried < max_tries * count:
                needed = min(chosen.nb_needed, max_tries * count - chosen.nb_tried)
                # What is drawn ahead when there are enough is not used, nor counted.
                more = _tasks_of(cell, needed, seed, chosen.nb_tried)
                for drawn in chosen.of(map_in_order(draw_and_judge, more)):
                    nothing = False
                    yield drawn
            if chosen.nb_missing:
                plausibility.check(at_end=True)
                plausibility.miss(names[chosen.bundle], chosen.nb_missing)
    if nothing:
        raise ValueError(
            f"No streamline is plausible. {plausibility.describe_rejections()}. Loosen "
            "the criteria, or allow more tries."
        )


class _Chosen:
    """Counts the plausible streamlines of a combination, up to so many."""

    def __init__(self, plausibility: Plausibility, count: int):
        self._plausibility, self._count = plausibility, count
        self._nb_found = self.nb_tried = self.bundle = 0

    @property
    def nb_missing(self) -> int:
        """Streamlines that are still to be found."""
        return self._count - self._nb_found

    @property
    def nb_needed(self) -> int:
        """Streamlines to draw: those missing, over the share that was plausible."""
        return math.ceil(self.nb_missing * (self.nb_tried + 1) / (self._nb_found + 1))

    def of(self, judged: Iterable[tuple[Drawn, np.ndarray]]) -> Iterator[Drawn]:
        """Give those of batches that are plausible, until there are enough."""
        for (points, codes, numbers), accepted in judged:
            self.nb_tried += len(points)
            self.bundle = codes[0, 0]
            kept = np.flatnonzero(self._plausibility.count(accepted))[: self.nb_missing]
            self._nb_found += len(kept)
            self._plausibility.check()
            if len(kept) == len(points):
                yield points, codes, numbers
            elif len(kept):
                yield points[kept], codes[kept], numbers[kept]
            if not self.nb_missing:
                return
