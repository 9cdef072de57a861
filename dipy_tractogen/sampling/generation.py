"""Streamlines drawn a batch at a time, until there are enough plausible ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
import math

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import coordinates_of, select
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.prefetch import map_in_order

from .plausibility import Plausibility

MAX_TRIES = 20
"""Largest number of streamlines drawn for each that has to be plausible."""

_BATCH = 4096

Drawn = tuple[np.ndarray | ArraySequence, np.ndarray, np.ndarray]
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
    """Yield streamlines (m,), bundles (m,) and other conditions of streamlines.

    The counts are those of the strata, which follow one another. `draw` takes a number
    m, a stratum and a seed, and returns streamlines in mm, codes of categories (m, c)
    and standardised numbers (m, k); it is called in threads. Streamlines that are not
    plausible are replaced. After `max_tries` for each streamline of a stratum the next
    stratum follows, and the plausibility counts what is missing.

    Raises
    ------
    ValueError
        If none at all is plausible, or a criterion rejects more than it may.
    """
    others = [one.name for one in conditions.categorical[1:]]
    tasks = (
        task
        for stratum, count in enumerate(counts)
        for task in _tasks(stratum, int(count), seed)
    )
    if plausibility is None:
        drawn = map_in_order(lambda task: draw(*task), tasks)
    else:
        names = conditions.categorical[0].categories
        drawn = _plausible_batches(
            names, draw, tasks, counts, seed, plausibility, max_tries
        )
    for points, codes, numbers in drawn:
        values = dict(zip(others, codes[:, 1:].T))
        yield points, codes[:, 0], {**values, **conditions.restored(numbers)}


def _tasks(
    stratum: int, count: int, seed: int, first: int = 0
) -> Iterator[tuple[int, int, tuple]]:
    """Return the arguments of `draw` for `count` streamlines after the `first` ones."""
    for start in range(first, first + count, _BATCH):
        yield min(_BATCH, first + count - start), stratum, (seed, stratum, start)


def _plausible_batches(
    names, draw, tasks, counts, seed, plausibility, max_tries
) -> Iterator[Drawn]:
    """Draw plausible streamlines of one stratum after another.

    The requested numbers of all strata are drawn ahead. Streamlines rejected in one
    stratum are replaced before the next stratum follows.
    """

    def draw_and_evaluate(task):
        drawn = draw(*task)
        return drawn, plausibility.evaluate(coordinates_of(drawn[0]))

    plausibility.reset()
    with closing(map_in_order(draw_and_evaluate, tasks)) as drawn_ahead:
        for stratum, count in enumerate(map(int, counts)):
            batches = islice(drawn_ahead, math.ceil(count / _BATCH))
            accepted = _AcceptedBatches(plausibility, count)
            yield from accepted.select(batches)
            while accepted.nb_missing and accepted.nb_tried < max_tries * count:
                needed = min(accepted.nb_needed, max_tries * count - accepted.nb_tried)
                # Those drawn after the last one needed are neither used nor counted.
                more = _tasks(stratum, needed, seed, accepted.nb_tried)
                yield from accepted.select(map_in_order(draw_and_evaluate, more))
            if accepted.nb_missing:
                plausibility.check(at_end=True)
                bundle = names[accepted.bundle]
                plausibility.add_shortfall(bundle, accepted.nb_missing)
    if plausibility.nb_rejected == plausibility.nb_tried:
        raise ValueError(
            f"No streamline is plausible. {plausibility.describe_rejections()}. Loosen "
            "the criteria, or allow more tries."
        )


class _AcceptedBatches:
    """Plausible streamlines of a stratum, up to a number."""

    def __init__(self, plausibility: Plausibility, count: int):
        self._plausibility = plausibility
        self.nb_missing, self._count = count, count
        self.nb_tried = self.bundle = 0

    @property
    def nb_needed(self) -> int:
        """Streamlines to draw: those missing, over the share accepted so far."""
        nb_found = self._count - self.nb_missing
        return math.ceil(self.nb_missing * (self.nb_tried + 1) / (nb_found + 1))

    def select(self, evaluated: Iterable[tuple[Drawn, np.ndarray]]) -> Iterator[Drawn]:
        """Return the plausible streamlines of batches, until there are enough."""
        for (points, codes, numbers), accepted in evaluated:
            self.nb_tried += len(points)
            self.bundle = codes[0, 0]
            kept = np.flatnonzero(self._plausibility.count(accepted))[: self.nb_missing]
            self.nb_missing -= len(kept)
            self._plausibility.check()
            if len(kept) == len(points):
                yield points, codes, numbers
            elif len(kept):
                yield select(points, kept), codes[kept], numbers[kept]
            if not self.nb_missing:
                return
