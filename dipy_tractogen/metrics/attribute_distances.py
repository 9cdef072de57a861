"""Distributions of length, curvature, tortuosity and winding, and their distances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.sampling.plausibility.shape import winding
from dipy_tractogen.streamlines.conversion import as_streamlines
from dipy_tractogen.streamlines.geometry import (
    arc_lengths,
    mean_curvature,
    resample,
    tortuosity,
)

from .measures import ATTRIBUTES, UNITS, Estimate, mean_estimate, mean_influence

NB_POINTS = 100
"""Number of points on which curvature and winding are measured, by default."""


def measure_attributes(
    streamlines, *, nb_points: int = NB_POINTS
) -> dict[str, np.ndarray]:
    """Measure length, mean curvature, tortuosity and winding of each streamline.

    Lengths are along all points as they are stored, since resampling cuts corners.
    Curvature and winding are measured on `nb_points` points (three or more) at equal
    arc length, as they depend on the number and the spacing of points.

    Returns arrays (n,) by name: ``length`` in mm, ``curvature`` in 1/mm,
    ``tortuosity``, the length over the distance between the ends, and ``winding`` in
    degrees.
    """
    if nb_points < 3:
        raise ValueError(f"nb_points={nb_points}: curvature needs three or more.")
    streamlines = as_streamlines(streamlines)
    points, size = resample(streamlines, nb_points), arc_lengths(streamlines)
    return {
        "length": size,
        "curvature": mean_curvature(points),
        "tortuosity": tortuosity(points, size),
        "winding": winding(points),
    }


def wasserstein_distances(
    candidates: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> dict[str, Estimate]:
    """Return the Wasserstein-1 distance of each attribute, as ``<name>_w1``."""
    if not len(candidates["length"]) or not len(reference["length"]):
        raise ValueError("Distributions cannot be compared without any streamline.")
    return {
        f"{name}_w1": _wasserstein_1(candidates[name], reference[name])
        for name in ATTRIBUTES
    }


def attribute_means(attributes: dict[str, np.ndarray]) -> dict[str, Estimate]:
    """Return the mean of each attribute as ``mean_<name>``, in its unit."""
    return {f"mean_{name}": mean_estimate(attributes[name]) for name in ATTRIBUTES}


def _wasserstein_1(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Area between two distribution functions, and the influence of each value."""
    merged = np.sort(np.concatenate([ours, theirs]))
    widths = np.diff(merged)
    below = [
        np.searchsorted(np.sort(values), merged[:-1], side="right") / len(values)
        for values in (ours, theirs)
    ]
    difference = below[0] - below[1]
    # A value raises its distribution function everywhere above it.
    signed = np.append(np.sign(difference) * widths, 0)
    raised = np.cumsum(signed[::-1])[::-1]
    ours, theirs = (raised[np.searchsorted(merged, x)] for x in (ours, theirs))
    return Estimate(
        float(np.sum(np.abs(difference) * widths)),
        mean_influence(ours),
        -mean_influence(theirs),
    )


_NB_BINS = 40
# Few streamlines are far longer or more wound than all others.
_PERCENTILES = (1, 99)


def distributions(sets: Mapping, names: Mapping[int, str]) -> dict[str, dict]:
    """Compute histograms of the attributes of sets of streamlines.

    `sets` are pairs by name: attributes (n,) by name, and labels (n,) of the bundles.
    For each attribute the result holds the ``unit``; the ``edges`` of forty equal bins,
    of which the first and the last also count what is beyond; and the shares of the
    bins of each set, ``overall`` and in ``bundles`` by name.
    """
    return {name: _distribution(name, sets, names) for name in UNITS}


def _distribution(name: str, sets: Mapping, names: Mapping[int, str]) -> dict:
    values = {kind: attributes[name] for kind, (attributes, _) in sets.items()}
    both = np.concatenate(list(values.values()))
    low, high = np.percentile(both, _PERCENTILES)
    # Equal values need a bin with a width.
    margin = 0.0 if high > low else max(abs(low), 1.0) / 100
    edges = np.linspace(low - margin, high + margin, _NB_BINS + 1)
    return {
        "unit": UNITS[name],
        "edges": edges.tolist(),
        "overall": {kind: _shares(each, edges) for kind, each in values.items()},
        "bundles": {
            bundle: {
                kind: _shares(values[kind][labels == label], edges)
                for kind, (_, labels) in sets.items()
            }
            for label, bundle in names.items()
        },
    }


def _shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    bins = np.searchsorted(edges[1:-1], values, side="right")
    return (np.bincount(bins, minlength=len(edges) - 1) / len(values)).tolist()
