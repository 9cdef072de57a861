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

from . import effort
from .comparison import OVERALL

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
                advance(effort.resampling(len(rows), nb_resamples))
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
