"""Shape of whole bundles: BUAN shape similarity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dipy_tractogen.streamlines.array_sequence import to_sequence

from . import cost
from .distances import mdf
from .estimate import Estimate, mean_influence

MAX_STREAMLINES = cost.MAX_CLUSTERED
"""Largest number of streamlines of a bundle that shape similarity looks at."""

# As dipy.segment.bundles.bundle_shape_similarity has them.
_THRESHOLDS_MM = (5, 3, 1.5)
_NEAR_MM = 6
_NB_POINTS = 20


class Clusters(NamedTuple):
    """Centroids (c, 20, 3) in mm, a member of each (c,), and the size of the bundle."""

    centroids: np.ndarray
    members: np.ndarray
    nb_streamlines: int


def find_clusters(points: np.ndarray, *, seed: int = 0) -> Clusters:
    """Cluster a bundle by :func:`dipy.segment.clustering.qbx_and_merge`, as BUAN does.

    Clustering takes about a millisecond a streamline, and what is found levels off, so
    larger bundles are represented by 250 of their streamlines. `seed` is that of their
    choice and of the order of clustering.
    """
    from dipy.segment.clustering import qbx_and_merge

    if not len(points):
        return Clusters(np.zeros((0, _NB_POINTS, 3), np.float32), np.zeros(0, int), 0)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(points))[:MAX_STREAMLINES]
    found = qbx_and_merge(
        to_sequence(points[chosen]), _THRESHOLDS_MM, nb_pts=_NB_POINTS, rng=rng
    )
    members = chosen[[cluster.indices[0] for cluster in found]]
    return Clusters(np.asarray(found.centroids, np.float32), members, len(points))


def shape_similarity(candidates: Clusters, reference: Clusters) -> Estimate:
    """Compute the BUAN shape similarity of two bundles.

    The share of the clusters of each bundle that have a cluster of the other within 6
    mm :footcite:p:`Chandio2020`, as
    :func:`dipy.segment.bundles.bundle_shape_similarity` has it; 0 where a bundle is
    empty. Clusters vary by chance: each is represented by one of its streamlines.

    References
    ----------
    .. footbibliography::
    """
    if not len(candidates.members) or not len(reference.members):
        return Estimate(0.0)
    near = mdf(candidates.centroids, reference.centroids) < _NEAR_MM
    shares, parts = [], []
    for clusters, found in (
        (candidates, near.any(axis=1)),
        (reference, near.any(axis=0)),
    ):
        part = np.zeros(clusters.nb_streamlines)
        part[clusters.members] = mean_influence(found) / 2
        shares.append(found.mean())
        parts.append(part)
    return Estimate(float(np.mean(shares)), *parts)
