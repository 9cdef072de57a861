"""Confidence intervals of the measures in a report, by a linearised bootstrap.

Streamlines are drawn with replacement within each bundle of each set, so that the sets
keep their sizes and composition :footcite:p:`Efron1993`. A measure of the drawn sets is
its value plus the influence of each streamline (`measures.Estimate`), as often as that
is drawn. This needs no second search for neighbours, and avoids the neighbours at
distance zero that a streamline drawn twice would have.

The intervals tell how much the measures would vary with another sample of as many
streamlines from the same generator and subjects. They do not include what another
training, or another subject, would change.

References
----------
.. footbibliography::
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np

from dipy_tractogen.utils.progress import advance

from . import cost
from .comparison import OVERALL, Measured
from .copies.memorisation import copy_influence
from .copies.novelty import repetition_distance
from .measures import MEASURES, OF_ALL, SHARES, W1, mean_influence
from .results import Results

NB_RESAMPLES = 1000
"""Number of times that streamlines are drawn, by default."""

_PERCENTILES = (2.5, 97.5)
# Counts of drawn streamlines that are held at a time: 16 MB.
_MOST_COUNTS = 2_000_000

Key = tuple[int | None, Hashable]


class Bootstrap:
    """Collects the influence of streamlines on measures, and resamples the streamlines.

    `labels` are the bundles (n,) of the streamlines of each set, by its name.
    """

    def __init__(self, labels: Mapping[str, np.ndarray]):
        self._labels = dict(labels)
        self._members = {name: _members_of(each) for name, each in labels.items()}
        self._parts: dict[str, dict[Key, np.ndarray]] = {name: {} for name in labels}

    def add(
        self,
        label: int | None,
        measure: Hashable,
        name: str,
        rows: np.ndarray,
        parts: np.ndarray | float,
    ) -> None:
        """Add the influence (m,) of the streamlines `rows` of a set on a measure.

        As many of each bundle are always drawn, so only differences within a bundle
        count. `label` is the bundle of the measure, or `OVERALL`.
        """
        _, bundles, sizes = np.unique(
            self._labels[name][rows], return_inverse=True, return_counts=True
        )
        parts = np.broadcast_to(parts, len(rows))
        parts = parts - (np.bincount(bundles, parts) / sizes)[bundles]
        # For a measure of one bundle, only the influences of its streamlines are kept.
        members = self._members[name][label]
        held = self._parts[name].setdefault(
            (label, measure), np.zeros(len(members), np.float32)
        )
        held[np.searchsorted(members, rows)] += parts

    def changes(self, nb_resamples: int, seed: int) -> dict[Key, np.ndarray]:
        """Return the change (nb_resamples,) of each measure in resampled sets."""
        rng = np.random.default_rng(seed)
        changes: dict[Key, np.ndarray] = {}
        for name, parts in self._parts.items():
            for label, rows in self._members[name].items():
                keys = [key for key in parts if key[0] in (OVERALL, label)]
                if label is OVERALL or not keys:
                    continue
                columns = [
                    parts[key][rows] if key[0] is OVERALL else parts[key]
                    for key in keys
                ]
                matrix = np.stack(columns, axis=1)
                drawn = _drawn_changes(matrix, nb_resamples, rng)
                advance(cost.resampling(len(rows), nb_resamples))
                for key, change in zip(keys, drawn.T):
                    changes[key] = changes.get(key, 0) + change
        return changes


def draw_medians(
    values: np.ndarray, nb_resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw values (n,) with replacement `nb_resamples` times, and return the medians.

    The median of n uniform numbers has a beta distribution: that of the drawn values is
    the sorted value at such a place.
    """
    half = (len(values) + 1) / 2
    places = (rng.beta(half, half, nb_resamples) * len(values)).astype(int)
    return np.sort(values)[np.minimum(places, len(values) - 1)]


def add_change(value: float, change: np.ndarray, *, is_share: bool) -> np.ndarray:
    """Add changes (nb_resamples,) to a value >= 0, within the range of the measure.

    Shares stay between 0 and 1. Other measures stay above zero: they change by the same
    relative amount, up to a change as large as the value, and linearly beyond.
    """
    if is_share:
        return np.clip(value + change, 0, 1)
    if value <= 0:
        return np.maximum(change, 0)
    relative = change / value
    # For a value near zero the exponential is unbounded, so its tangent is used.
    return value * np.exp(np.minimum(relative, 1)) * np.maximum(relative, 1)


def percentile_interval(resampled: np.ndarray) -> list[float]:
    """Return the lower and the upper limit that hold 95 % of the values."""
    return np.percentile(resampled, _PERCENTILES).tolist()


def zero_share_interval(nb_streamlines: int) -> list[float]:
    """Return the exact binomial limits of a share that no streamline has.

    Resampling finds none either, but another sample may have some.
    """
    return [0.0, 1 - (_PERCENTILES[0] / 100) ** (1 / nb_streamlines)]


def _members_of(labels: np.ndarray) -> dict[int | None, np.ndarray]:
    """Rows of the streamlines of each bundle, and of all, ascending."""
    members = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    return {OVERALL: np.arange(len(labels)), **members}


def _drawn_changes(
    parts: np.ndarray, nb_resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Change of each measure (nb_resamples, c) for influences (n, c)."""
    nb_streamlines = len(parts)
    chunk = max(_MOST_COUNTS // nb_streamlines, 1)
    changes = np.empty((nb_resamples, parts.shape[1]), np.float32)
    for start in range(0, nb_resamples, chunk):
        rows = np.arange(start, min(start + chunk, nb_resamples))
        drawn = rng.integers(nb_streamlines, size=(len(rows), nb_streamlines))
        drawn += nb_streamlines * (rows - start)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        changes[rows] = (counts - 1).astype(np.float32) @ parts
    return changes


_FEWEST = 2


class Intervals:
    """95 % confidence intervals of the measures in the entries of a report."""

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
            for kind, pool, taken in (
                ("generated", "generated", rows["generated"]),
                ("real", known, rows["baseline"]),
            ):
                measured = draw.measured[kind]
                self._add_draw(kind, measured, pool, taken, rows["reference"])
        for label in results.nb_compared:
            self._add_distances(label, known)
        self._changes = self._bootstrap.changes(nb_resamples, seed)

    def of(self, label: int | None, entry: dict) -> dict[str, dict]:
        """Return the intervals of an entry (`Results.entry`), overall or of a bundle.

        Under ``generated``, ``real`` and ``ratios`` by measure the lower and the upper
        limit, or None where there is no value or a single streamline.
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
                    _sample_size(name, kind, entry["counts"]),
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
        """Add the influence of the streamlines in the comparisons of one draw."""
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
        """Add the influence of the streamlines on repetition and memorisation."""
        results = self._results
        found = results.distances_of(label)
        repeated = repetition_distance(found.among_known)
        if repeated is not None:
            for kind, pool, distances in (
                ("generated", "generated", found.among_generated),
                ("real", known, found.among_known),
            ):
                parts = mean_influence(distances < repeated)
                self._add(label, (kind, "repetition"), pool, parts)
        if len(found.generated_to_training) and len(found.real_to_training):
            parts = copy_influence(found.generated_to_training, found.real_to_training)
            for pool, part in zip(("generated", "real"), parts):
                self._add(label, ("generated", "memorised"), pool, part)

    def _add(
        self, label: int | None, measure: tuple[str, str], pool: str, parts: np.ndarray
    ) -> None:
        """Add the influence of all streamlines of a bundle in one set."""
        rows = np.arange(len(self._labels[pool]))
        if label is not OVERALL:
            rows = rows[self._labels[pool] == label]
        if len(parts):
            self._bootstrap.add(label, measure, pool, rows, parts)

    def _resampled(
        self, label: int | None, kind: str, values: dict
    ) -> dict[str, np.ndarray | None]:
        """Resample the measures that are means, or nearly."""
        found = {}
        enough = self._results.nb_compared[label] >= _FEWEST
        for name in (*MEASURES, *OF_ALL):
            change = self._changes.get((label, (kind, name)))
            if values[name] is None or change is None or not enough:
                found[name] = None
            else:
                found[name] = add_change(values[name], change, is_share=name in SHARES)
        return found

    def _medians(self, distances: np.ndarray) -> np.ndarray | None:
        if len(distances) < _FEWEST:
            return None
        return draw_medians(distances, self._nb_resamples, self._rng)


def entries_with_intervals(
    results: Results, names: dict[int, str], *, nb_resamples: int, seed: int
) -> dict[int | None, dict]:
    """Return the entries of all bundles, and of all together, with their intervals."""
    entries = {label: results.entry(label) for label in (OVERALL, *names)}
    intervals = None
    if nb_resamples:
        intervals = Intervals(results, nb_resamples=nb_resamples, seed=seed)
    for label, entry in entries.items():
        entry["intervals"] = intervals.of(label, entry) if intervals else {}
    return entries


def _limits(
    name: str, value: float | None, resampled: np.ndarray | None, nb_streamlines: int
) -> list[float] | None:
    if resampled is None:
        return None
    if name in SHARES and value in (0, 1):
        low, high = zero_share_interval(nb_streamlines)
        return [low, high] if value == 0 else [1 - high, 1 - low]
    return percentile_interval(resampled)


def _sample_size(name: str, kind: str, counts: dict[str, int]) -> int:
    """Count the streamlines that a measure is taken over."""
    if name == "memorised":
        # The copy distance depends on the held-out streamlines, too.
        return min(counts["generated"], counts["real"])
    if name == "repetition":
        own = counts["training"] or counts["real"]
        return counts["generated"] if kind == "generated" else own
    return counts["compared"]


def _ratio(ours: np.ndarray | None, theirs: np.ndarray | None) -> np.ndarray | None:
    if ours is None or theirs is None or not (theirs > 0).all():
        return None
    return ours / theirs
