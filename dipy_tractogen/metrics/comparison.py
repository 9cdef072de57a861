"""Every measure of one set of streamlines against another, overall and by bundle."""

from __future__ import annotations

from collections.abc import Iterable
import math

import numpy as np

from dipy_tractogen.utils.progress import advance

from . import cost
from .attribute_distances import attribute_means, wasserstein_distances
from .bundle_similarity import Clusters, find_clusters, shape_similarity, volume_overlap
from .mdf_search import nearest
from .measures import (
    MEASURES,
    QUALITY,
    Estimate,
    mean_estimate,
    shortfall,
)
from .prdc import ball_radii, prdc_estimates
from .samples import StreamlineSet

OVERALL = None
"""Key of the measures of all bundles together."""

Measured = dict[int | None, dict[str, Estimate | None]]


class Comparison:
    """Measures sets of streamlines against one reference set, with its voxels.

    `k` is the number of neighbours of precision, recall, density and coverage, which
    are None for sets of `k` streamlines or fewer; `seed` that of the clustering.
    """

    def __init__(self, reference: StreamlineSet, *, k: int, seed: int):
        self._k, self._seed = k, seed
        labels = np.unique(reference.labels).tolist()
        self._sets = {label: reference.of_bundle(label) for label in labels}
        self._clusters = {
            label: self._clustered(one.points) for label, one in self._sets.items()
        }
        self._sets[OVERALL] = reference
        self._radii = {
            label: ball_radii(one.points, k=k)
            for label, one in self._sets.items()
            if len(one) > k
        }

    def measure(self, candidates: StreamlineSet) -> Measured:
        """Return the `MEASURES` of candidates, by bundle of both sets and `OVERALL`.

        Shape similarity overall is the mean of the bundles. There is no agreement with
        a single bundle.
        """
        labels = [int(one) for one in np.unique(candidates.labels) if one in self._sets]
        if not labels:
            return {OVERALL: dict.fromkeys(MEASURES)}
        agrees = None
        if len(labels) > 1:
            agrees = bundle_agreement(candidates, self._sets[OVERALL])
        measured: Measured = {}
        for label in labels:
            members = candidates.labels == label
            ours = candidates.take(members)
            clusters = self._clustered(ours.points)
            measured[label] = {
                **self._measure_as_one(ours, label),
                "shape_similarity": shape_similarity(clusters, self._clusters[label]),
                "agreement": _share(agrees, members),
            }
        measured[OVERALL] = {
            **self._measure_as_one(candidates, OVERALL),
            "shape_similarity": self._mean_similarity(candidates, measured),
            "agreement": _share(agrees, slice(None)),
        }
        return measured

    def _clustered(self, points: np.ndarray) -> Clusters:
        found = find_clusters(points, seed=self._seed)
        advance(cost.clustering(len(points)))
        return found

    def _measure_as_one(
        self, candidates: StreamlineSet, label: int | None
    ) -> dict[str, Estimate | None]:
        """Compute the measures that need no bundles."""
        reference = self._sets[label]
        quality = dict.fromkeys(QUALITY)
        if min(len(candidates), len(reference)) > self._k:
            quality = prdc_estimates(
                candidates.points,
                reference.points,
                k=self._k,
                reference_radii=self._radii[label],
            )
        return {
            **quality,
            **volume_overlap(candidates.voxels, reference.voxels),
            **attribute_means(candidates.attributes),
            **wasserstein_distances(candidates.attributes, reference.attributes),
        }

    def _mean_similarity(
        self, candidates: StreamlineSet, measured: Measured
    ) -> Estimate:
        """Mean of the shape similarities of the bundles."""
        reference = self._sets[OVERALL]
        parts = np.zeros(len(candidates)), np.zeros(len(reference))
        found = {label: one["shape_similarity"] for label, one in measured.items()}
        for label, one in found.items():
            parts[0][candidates.labels == label] = one.candidates / len(found)
            parts[1][reference.labels == label] = one.reference / len(found)
        return Estimate(float(np.mean([one.value for one in found.values()])), *parts)


def bundle_agreement(candidates: StreamlineSet, reference: StreamlineSet) -> np.ndarray:
    """Return whether the nearest reference streamline is of the same bundle, (n,)."""
    _, indices = nearest(candidates.points, reference.points)
    return reference.labels[indices[:, 0]] == candidates.labels


def average(measured: Iterable[dict[str, Estimate | None]]) -> dict[str, float | None]:
    """Average each measure over several comparisons, without those that are None."""
    measured = list(measured)
    values = {
        name: [each[name].value for each in measured if each[name] is not None]
        for name in measured[0]
    }
    return {name: float(np.mean(v)) if v else None for name, v in values.items()}


def _share(agrees: np.ndarray | None, members) -> Estimate | None:
    return None if agrees is None else mean_estimate(agrees[members])


def worst_bundle(bundles: dict[str, dict]) -> str | None:
    """Return the bundle with the largest shortfall of precision, recall or coverage.

    `bundles` are the entries of a report. None where no bundle has both values of any.
    """
    shortfalls = [(shortfall(entry), name) for name, entry in bundles.items()]
    value, name = max(shortfalls, default=(-math.inf, None))
    return name if value > -math.inf else None
