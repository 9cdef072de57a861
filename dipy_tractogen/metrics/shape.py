"""Shape of whole bundles: BUAN shape similarity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dipy_tractogen.streamlines.array_sequence import to_sequence

from . import cost
from .distances import mdf
from .estimate import Estimate, parts_of_mean

MAX_STREAMLINES = cost.MAX_CLUSTERED
"""Largest number of streamlines of a bundle that shape similarity looks at."""

# As dipy.segment.bundles.bundle_shape_similarity has them.
_THRESHOLDS_MM = (5, 3, 1.5)
_NEAR_MM = 6
_NB_POINTS = 20


class Clusters(NamedTuple):
    """Clusters of the streamlines of a bundle.

    Attributes
    ----------
    centroids : ndarray of shape (c, 20, 3), float32
        Their centroids, points in mm.
    members : ndarray of shape (c,), int64
        A streamline of each.
    nb_streamlines : int
        Number of streamlines of the bundle.
    """

    centroids: np.ndarray
    members: np.ndarray
    nb_streamlines: int


def find_clusters(points: np.ndarray, *, seed: int = 0) -> Clusters:
    """Cluster a bundle as BUAN does.

    By :func:`dipy.segment.clustering.qbx_and_merge`. Clustering takes about a
    millisecond a streamline, and what is found levels off, so larger bundles are
    represented by 250 of their streamlines.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Points in mm.
    seed : int, optional
        Seed of the choice of streamlines and of the order of clustering.

    Returns
    -------
    Clusters
        The clusters; none of an empty bundle.
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
    """BUAN shape similarity of two bundles.

    The share of the clusters of each bundle that have a cluster of the other within
    6 mm :footcite:p:`Chandio2020`, as
    :func:`dipy.segment.bundles.bundle_shape_similarity` has it. What varies by chance
    is which clusters there are: each stands by one of its streamlines.

    Parameters
    ----------
    candidates, reference : Clusters
        From `find_clusters`.

    Returns
    -------
    Estimate
        From 0, all clusters apart, to 1; 0 where a bundle is empty.

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
        part[clusters.members] = parts_of_mean(found) / 2
        shares.append(found.mean())
        parts.append(part)
    return Estimate(float(np.mean(shares)), *parts)
