"""95 % confidence intervals of all that entries hold."""

from __future__ import annotations

import numpy as np

from .bootstrap import (
    Bootstrap,
    applied,
    draw_medians,
    interval,
    interval_of_none,
)
from .comparison import MEASURES, OVERALL, Measured
from .estimate import parts_of_mean
from .memorisation import parts_of_copies
from .novelty import repetition_distance
from .results import W1, Results

SHARES = frozenset(
    (
        "precision",
        "recall",
        "coverage",
        "shape_similarity",
        "dice",
        "overlap",
        "agreement",
        "repetition",
        "memorised",
    )
)
"""Measures that are between 0 and 1."""

# These look at all streamlines of a set, not at samples that can be compared.
_OF_ALL = ("repetition", "memorised")
_FEWEST = 2


class Intervals:
    """Intervals of the measures of entries, by the bootstrap.

    Parameters
    ----------
    results : Results
        What was measured.
    nb_resamples : int
        Number of times that streamlines are drawn.
    seed : int
        Seed of the draws.
    """

    def __init__(self, results: Results, *, nb_resamples: int, seed: int):
        self._results = results
        self._nb_resamples = nb_resamples
        self._rng = np.random.default_rng(seed)
        sets = {
            "generated": results.generated,
            "real": results.real,
            "training": results.training,
        }
        self._labels = {
            name: each.labels for name, each in sets.items() if each is not None
        }
        self._bootstrap = Bootstrap(self._labels)
        known = "real" if results.training is None else "training"
        for draw in results.draws:
            rows = draw.rows
            for kind, measured, pool, taken in (
                ("generated", draw.generated, "generated", rows["generated"]),
                ("real", draw.real, known, rows["baseline"]),
            ):
                self._add_draw(kind, measured, pool, taken, rows["reference"])
        for label in results.nb_compared:
            self._add_distances(label, known)
        self._changes = self._bootstrap.changes(nb_resamples, seed)

    def of(self, label: int | None, entry: dict) -> dict[str, dict]:
        """Return the intervals of an entry.

        Parameters
        ----------
        label : int or None
            The bundle, or `OVERALL`.
        entry : dict
            Its figures, from `Results.entry`.

        Returns
        -------
        dict of str to dict
            Under ``generated``, ``real`` and ``ratios`` by measure the lower and the
            upper limit, or None where there is no value or a single streamline.
        """
        resampled = {
            kind: self._resampled(label, kind, entry[kind])
            for kind in ("generated", "real")
        }
        found = self._results.distances_of(label)
        ours, theirs = resampled["generated"], resampled["real"]
        for each, distances in (
            (ours, found.generated_to_training),
            (theirs, found.real_to_training),
        ):
            each["nearest_training"] = self._medians(distances)
        ratios = {name: _ratio(ours[name], theirs[name]) for name in W1}
        ratios["novelty"] = _ratio(ours["nearest_training"], theirs["nearest_training"])
        return {
            kind: {
                name: _limits(
                    name,
                    entry[kind][name],
                    values,
                    _nb_looked_at(name, kind, entry["counts"]),
                )
                for name, values in each.items()
            }
            for kind, each in {**resampled, "ratios": ratios}.items()
        }

    def _add_draw(
        self,
        kind: str,
        measured: Measured,
        pool: str,
        taken: np.ndarray,
        reference: np.ndarray,
    ) -> None:
        """Add the parts of the streamlines in the comparisons of a draw."""
        nb_draws = len(self._results.draws)
        for label, found in measured.items():
            rows = [
                each if label is OVERALL else each[self._labels[where][each] == label]
                for where, each in ((pool, taken), ("real", reference))
            ]
            for name, estimate in found.items():
                if estimate is None:
                    continue
                for where, which, parts in (
                    (pool, rows[0], estimate.candidates),
                    ("real", rows[1], estimate.reference),
                ):
                    self._bootstrap.add(
                        label, (kind, name), where, which, parts / nb_draws
                    )

    def _add_distances(self, label: int | None, known: str) -> None:
        """Add the parts of the streamlines in the shares that are copies."""
        results = self._results
        found = results.distances_of(label)
        repeated = repetition_distance(found.among_known)
        if repeated is not None:
            for kind, pool, distances in (
                ("generated", "generated", found.among_generated),
                ("real", known, found.among_known),
            ):
                parts = parts_of_mean(distances < repeated)
                self._add(label, (kind, "repetition"), pool, parts)
        if len(found.generated_to_training) and len(found.real_to_training):
            parts = parts_of_copies(found.generated_to_training, found.real_to_training)
            for pool, part in zip(("generated", "real"), parts):
                self._add(label, ("generated", "memorised"), pool, part)

    def _add(
        self, label: int | None, measure: tuple[str, str], pool: str, parts: np.ndarray
    ) -> None:
        """Add the parts of the streamlines of a bundle, which one alone has not."""
        rows = np.arange(len(self._labels[pool]))
        if label is not OVERALL:
            rows = rows[self._labels[pool] == label]
        if len(parts):
            self._bootstrap.add(label, measure, pool, rows, parts)

    def _resampled(
        self, label: int | None, kind: str, values: dict
    ) -> dict[str, np.ndarray | None]:
        """Values of the measures that are means, or nearly."""
        found = {}
        enough = self._results.nb_compared[label] >= _FEWEST
        for name in (*MEASURES, *_OF_ALL):
            change = self._changes.get((label, (kind, name)))
            if values[name] is None or change is None or not enough:
                found[name] = None
            else:
                found[name] = applied(values[name], change, is_share=name in SHARES)
        return found

    def _medians(self, distances: np.ndarray) -> np.ndarray | None:
        if len(distances) < _FEWEST:
            return None
        return draw_medians(distances, self._nb_resamples, self._rng)


def _limits(
    name: str,
    value: float | None,
    resampled: np.ndarray | None,
    nb_streamlines: int,
) -> list[float] | None:
    if resampled is None:
        return None
    if name in SHARES and value in (0, 1):
        low, high = interval_of_none(nb_streamlines)
        return [low, high] if value == 0 else [1 - high, 1 - low]
    return interval(resampled)


def _nb_looked_at(name: str, kind: str, counts: dict[str, int]) -> int:
    """Count the streamlines that a measure is of: for copies, those of no sample."""
    if name == "memorised":
        # How near a copy is follows from the held-out ones.
        return min(counts["generated"], counts["real"])
    if name == "repetition":
        own = counts["training"] or counts["real"]
        return counts["generated"] if kind == "generated" else own
    return counts["compared"]


def _ratio(ours: np.ndarray | None, theirs: np.ndarray | None) -> np.ndarray | None:
    if ours is None or theirs is None or not (theirs > 0).all():
        return None
    return ours / theirs
