"""Every measure of one set of streamlines against another, overall and by bundle."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .agreement import bundle_agreement
from .prdc import prdc
from .samples import StreamlineSet, bundles_of
from .shape import shape_similarity, volume_overlap
from .texture import ATTRIBUTES, texture_distances, texture_means

MEASURES = (
    "precision",
    "recall",
    "density",
    "coverage",
    "shape_similarity",
    "dice",
    "overlap",
    "overreach",
    "agreement",
    *(f"mean_{name}" for name in ATTRIBUTES),
    *(f"{name}_w1" for name in ATTRIBUTES),
)
"""Names of the measures of `compare`; any is None where it has no meaning."""

OVERALL = None
"""Key of the measures of all bundles together."""


def compare(
    candidates: StreamlineSet,
    reference: StreamlineSet,
    *,
    k: int,
    voxel_size: float,
    seed: int,
) -> dict[int | None, dict[str, float | None]]:
    """Measure candidates against a reference, overall and by bundle.

    Parameters
    ----------
    candidates : StreamlineSet
        Streamlines to judge.
    reference : StreamlineSet
        Held-out real streamlines, as many of each bundle.
    k : int
        Neighbours of precision, recall, density and coverage, which are None for sets
        that have not more than `k` streamlines.
    voxel_size : float
        Voxels of Dice, overlap and overreach, in mm.
    seed : int
        Seed of the clustering of shape similarity.

    Returns
    -------
    dict of (int or None) to dict of str to float or None
        For each bundle that both have, and for `OVERALL`, the values of `MEASURES`.
        Shape similarity overall is the mean of the bundles. There is no agreement
        with a single bundle.
    """
    options = {"k": k, "voxel_size": voxel_size}
    labels = np.intersect1d(bundles_of(candidates), bundles_of(reference))
    if len(labels) == 0:
        return {OVERALL: dict.fromkeys(MEASURES)}
    agrees = bundle_agreement(
        candidates.points, candidates.labels, reference.points, reference.labels
    )
    measured = {}
    for label in labels:
        ours, theirs = candidates.of_bundle(label), reference.of_bundle(label)
        similarity = shape_similarity(ours.points, theirs.points, seed=seed)
        measured[int(label)] = {
            **_compare_as_one(ours, theirs, **options),
            "shape_similarity": similarity,
            "agreement": _share(agrees[candidates.labels == label], labels),
        }
    measured[OVERALL] = {
        **_compare_as_one(candidates, reference, **options),
        "shape_similarity": average(measured.values())["shape_similarity"],
        "agreement": _share(agrees, labels),
    }
    return measured


def average(
    measured: Iterable[dict[str, float | None]],
) -> dict[str, float | None]:
    """Average each measure over several comparisons.

    Parameters
    ----------
    measured : iterable of dict of str to float or None
        Measures of the same names.

    Returns
    -------
    dict of str to float or None
        Means of the values that are not None; None where there are none.
    """
    measured = list(measured)
    values = {
        name: [each[name] for each in measured if each[name] is not None]
        for name in measured[0]
    }
    return {name: float(np.mean(v)) if v else None for name, v in values.items()}


def _share(agrees: np.ndarray, labels: np.ndarray) -> float | None:
    return float(agrees.mean()) if len(labels) > 1 else None


def _compare_as_one(
    candidates: StreamlineSet, reference: StreamlineSet, *, k: int, voxel_size: float
) -> dict[str, float | None]:
    """Measures that do not look at bundles."""
    enough = min(len(candidates), len(reference)) > k
    quality = ("precision", "recall", "density", "coverage")
    return {
        **dict.fromkeys(quality),
        **(prdc(candidates.points, reference.points, k=k) if enough else {}),
        **volume_overlap(candidates.points, reference.points, voxel_size=voxel_size),
        **texture_means(candidates.attributes),
        **texture_distances(candidates.attributes, reference.attributes),
    }
