r"""Confidence intervals by the bootstrap, without measuring again.

Streamlines are drawn with replacement within each bundle of each set, so that the sets
keep their sizes and their composition :footcite:p:`Efron1993`. A measure of drawn sets
is its value plus the parts of the streamlines, as often as they are drawn: its linear
form (:class:`.estimate.Estimate`), which needs no search for neighbours. That also
avoids what drawing with replacement does to neighbours: a streamline that is drawn
twice has one at distance zero.

The streamlines that another draw of as many would give vary as much as these intervals
say, from the same generator and the same subjects. They do not hold what another
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
from .comparison import MEASURES, OVERALL, Measured
from .estimate import parts_of_mean
from .memorisation import parts_of_copies
from .novelty import repetition_distance
from .results import W1, Results

NB_RESAMPLES = 1000
"""Number of times that streamlines are drawn, by default."""

_PERCENTILES = (2.5, 97.5)
# Counts of drawn streamlines that are held at a time: 16 MB.
_MOST_COUNTS = 2_000_000

Key = tuple[int | None, Hashable]


class Bootstrap:
    """Collects the parts of streamlines in measures, and draws the streamlines.

    Parameters
    ----------
    labels : mapping of str to ndarray of shape (n,)
        Bundles of the streamlines of each set, by its name.
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
        """Add to the parts that the streamlines of a set have in a measure.

        As many of each bundle are always drawn, so that only the differences within a
        bundle are of interest.

        Parameters
        ----------
        label : int or None
            Bundle of the measure, or `OVERALL`.
        measure : hashable
            Name of the measure.
        name : str
            Name of the set.
        rows : ndarray of shape (m,), int
            Some of its streamlines, each once; of the bundle, if the measure is of one.
        parts : ndarray of shape (m,) or float
            Their parts.
        """
        _, bundles, sizes = np.unique(
            self._labels[name][rows], return_inverse=True, return_counts=True
        )
        parts = np.broadcast_to(parts, len(rows))
        parts = parts - (np.bincount(bundles, parts) / sizes)[bundles]
        # Of a measure of one bundle, the parts of its streamlines are held alone.
        members = self._members[name][label]
        held = self._parts[name].setdefault(
            (label, measure), np.zeros(len(members), np.float32)
        )
        held[np.searchsorted(members, rows)] += parts

    def changes(self, nb_resamples: int, seed: int) -> dict[Key, np.ndarray]:
        """Draw the streamlines anew, and say how much each measure changes.

        Parameters
        ----------
        nb_resamples : int
            Number of times that they are drawn.
        seed : int
            Seed of the draws.

        Returns
        -------
        dict of (label, measure) to ndarray of shape (nb_resamples,)
            What is to be added to the value.
        """
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
    """Draw values with replacement, and give the medians.

    The median of n uniform numbers has a beta distribution: that of drawn values is
    the sorted value at such a place.

    Parameters
    ----------
    values : ndarray of shape (n,)
        One value at least.
    nb_resamples : int
        Number of times that they are drawn.
    rng : Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (nb_resamples,)
        The medians.
    """
    half = (len(values) + 1) / 2
    places = (rng.beta(half, half, nb_resamples) * len(values)).astype(int)
    return np.sort(values)[np.minimum(places, len(values) - 1)]


def applied(value: float, change: np.ndarray, *, is_share: bool) -> np.ndarray:
    """Change a value, within what is possible.

    Parameters
    ----------
    value : float
        Zero or more.
    change : ndarray of shape (nb_resamples,)
        What is added to it.
    is_share : bool
        Whether it is between 0 and 1. Others stay above zero, being changed by the same
        relative amount, up to a change as large as the value, and linearly beyond.

    Returns
    -------
    ndarray of shape (nb_resamples,)
        Values.
    """
    if is_share:
        return np.clip(value + change, 0, 1)
    if value <= 0:
        return np.maximum(change, 0)
    relative = change / value
    # Of a value near zero the exponential would be of any size: its tangent is not.
    return value * np.exp(np.minimum(relative, 1)) * np.maximum(relative, 1)


def interval(resampled: np.ndarray) -> list[float]:
    """Return the limits that hold 95 % of the values.

    Parameters
    ----------
    resampled : ndarray of shape (nb_resamples,)
        Values of a measure.

    Returns
    -------
    list of float
        The lower and the upper limit.
    """
    return np.percentile(resampled, _PERCENTILES).tolist()


def interval_of_none(nb_streamlines: int) -> list[float]:
    """Return the limits of a share that none of the streamlines has.

    Drawing them again finds none either; the exact limits of a binomial share know that
    another sample may have some.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines, one or more.

    Returns
    -------
    list of float
        Zero, and the upper limit.
    """
    return [0.0, 1 - (_PERCENTILES[0] / 100) ** (1 / nb_streamlines)]


def _members_of(labels: np.ndarray) -> dict[int | None, np.ndarray]:
    """Rows of the streamlines of each bundle, and of all, ascending."""
    members = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    return {OVERALL: np.arange(len(labels)), **members}


def _drawn_changes(
    parts: np.ndarray, nb_resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Change of each measure (nb_resamples, c) for streamlines of parts (n, c)."""
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
