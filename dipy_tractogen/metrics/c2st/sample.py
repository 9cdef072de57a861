"""Samples of two sets, their features, and areas under the ROC curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from dipy_tractogen.streamlines.duplicates import first_occurrences
from dipy_tractogen.streamlines.spectrum import (
    in_direction_of_bundle,
    shape_features,
    texture_features,
)

MOST = 2000
"""Streamlines of each set that are compared at most."""

FEWEST = 50
"""Different streamlines of each set that a test needs."""

FEWEST_OF_BUNDLE = 100
"""Streamlines of each set that the value of one bundle needs."""

# Half the width of an interval of 95 %, in standard errors.
_Z = 1.96


@dataclass(frozen=True)
class Sample:
    """Features (n, f) by name, bundles, which are candidates, and copies by number."""

    features: dict[str, np.ndarray]
    labels: np.ndarray
    ours: np.ndarray
    copies: np.ndarray

    @classmethod
    def of(
        cls, points: np.ndarray, labels: np.ndarray, nb_candidates: int
    ) -> Sample | None:
        """Compute the features of points, candidates first; None if too few differ."""
        ours = np.arange(len(points)) < nb_candidates
        copies = first_occurrences(points)
        if min(len(np.unique(copies[each])) for each in (ours, ~ours)) < FEWEST:
            return None
        # Both sets together have one direction a bundle, which does not tell them.
        points = in_direction_of_bundle(points, labels)
        features = {
            "shape": shape_features(points),
            "texture": texture_features(points),
        }
        features["both"] = np.hstack(list(features.values()))
        return cls(features, labels, ours, copies)

    def large_bundles(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the labels and rows of bundles that are large enough for a value."""
        for label in np.unique(self.labels):
            rows = np.flatnonzero(self.labels == label)
            if len(rows) >= 2 * FEWEST_OF_BUNDLE and len(rows) < len(self.labels):
                yield int(label), rows

    def permuted(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `rows` in an order that is random within each bundle."""
        shuffled = np.empty_like(rows)
        by_bundle = np.argsort(self.labels[rows], kind="stable")
        drawn = np.lexsort((rng.random(len(rows)), self.labels[rows]))
        shuffled[by_bundle] = rows[drawn]
        return shuffled


def check_labels(sets: list, labels: tuple) -> list[np.ndarray]:
    """Return labels, zeros if there are none."""
    if all(each is None for each in labels):
        return [np.zeros(len(each), int) for each in sets]
    checked = []
    for name, each, own in zip(("candidate", "reference"), sets, labels):
        shape = None if own is None else np.shape(own)
        if shape != (len(each),):
            given = "no labels" if shape is None else f"labels of shape {shape}"
            raise ValueError(
                f"{len(each)} {name} streamlines with {given}: give one label a "
                "streamline for both sets, or none."
            )
        checked.append(np.asarray(own))
    return checked


def matched_rows(
    labels: list[np.ndarray], rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw as many streamlines of each bundle from both sets, `MOST` at most."""
    found = np.intersect1d(*labels)
    sizes = np.array([min(np.sum(each == one) for each in labels) for one in found])
    share = min(MOST / max(sizes.sum(), 1), 1)
    sizes = np.maximum((sizes * share).astype(int), 1)
    rows = []
    for each in labels:
        drawn = [
            rng.permutation(np.flatnonzero(each == one))[:size]
            for one, size in zip(found, sizes)
        ]
        rows.append(np.sort(np.concatenate([np.zeros(0, int), *drawn])))
    return rows


def areas_of(scores: dict[str, np.ndarray], ours: np.ndarray) -> dict:
    """Return the AUC of each classifier, and the larger with its interval."""
    found = {kind: area(each[0], ours) for kind, each in scores.items()}
    value, error = max(found.values())
    interval = np.clip([value - _Z * error, value + _Z * error], 0, 1)
    areas = {kind: each for kind, (each, _) in found.items()}
    return {"value": value, "interval": interval.tolist(), **areas}


def area(scores: np.ndarray, ours: np.ndarray) -> tuple[float, float]:
    """Return the AUC of scores (n,) and its standard error, as DeLong computes it."""
    ranks = rankdata(scores)
    # The share of the other set that is below each streamline.
    below = [
        (ranks[which] - rankdata(scores[which])) / np.sum(~which)
        for which in (ours, ~ours)
    ]
    error = np.sqrt(sum(each.var(ddof=1) / len(each) for each in below))
    return float(below[0].mean()), float(error)


def area_within(sample: Sample, values: np.ndarray) -> np.ndarray:
    """Return the mean over the bundles of the AUC of each column, by their size."""
    areas = np.zeros(values.shape[1])
    for label in np.unique(sample.labels):
        rows = sample.labels == label
        ranks, ours = rankdata(values[rows], axis=0), sample.ours[rows]
        nb_ours, nb_theirs = ours.sum(), (~ours).sum()
        below = ranks[ours].mean(axis=0) - (nb_ours + 1) / 2
        areas += rows.mean() * below / nb_theirs
    return areas


def centred(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return values (n, f) less their mean in the bundle."""
    _, bundles, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, bundles, values)
    return values - (sums / counts[:, None])[bundles]
