"""Places from which a registration of streamlines begins.

DIPY's registration of the centroids of clusters :footcite:p:`Garyfallidis2015` turns
and moves two whole brains together from afar. Where one set has only some of the
bundles of the other, their middles are no guide, and other places are tried as well.

References
----------
.. footbibliography::
"""

from __future__ import annotations

from nibabel.streamlines import ArraySequence
import numpy as np

from ..conversion import to_sequence

# Thresholds of QuickBundlesX (mm), and the share of streamlines of a cluster that
# counts.
_CLUSTER_MM = (40, 30, 20, 15)
_LEAST_SHARE = 0.002
# Millimetres and degrees that a registration goes from where it begins.
_BOUNDS = [(-60.0, 60.0)] * 3 + [(-60.0, 60.0)] * 3
_OPTIONS = {"maxcor": 10, "ftol": 1e-5, "gtol": 1e-4, "eps": 1e-6, "maxiter": 40}
# How far the middle of some of the bundles is from that of all, along an axis (mm).
_OFF_MM = 30.0


def starts(moving: np.ndarray, static: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return rigid matrices (4, 4) from the moving to the static space.

    Streamlines (m, p, 3) and (s, p, 3) are in mm. The first matrix is the identity;
    then come those that bring the middles together, exactly and 30 mm off, and those
    that the centroids give.
    """
    middles = (each.reshape(-1, 3).mean(axis=0) for each in (static, moving))
    shift = np.subtract(*middles)
    offsets = _OFF_MM * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    places = [np.eye(4), *(_translation(shift + each) for each in offsets)]
    centroids = _centroids(moving, seed), _centroids(static, seed)
    return [*places, *(_registered(*centroids, place) for place in places[:2])]


def _translation(shift: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = shift
    return matrix


def _centroids(points: np.ndarray, seed: int) -> ArraySequence:
    """Return the centroids of clusters that are not tiny."""
    # Here, as in `_registered`: a model is loaded without it.
    from dipy.segment.clustering import qbx_and_merge

    clusters = qbx_and_merge(
        to_sequence(points),
        _CLUSTER_MM,
        nb_pts=points.shape[1],
        rng=np.random.default_rng(seed),
    )
    least = min(_LEAST_SHARE * len(points), max(map(len, clusters)))
    found = [each.centroid for each in clusters if len(each) >= least]
    return to_sequence(np.array(found))


def _registered(
    moving: ArraySequence, static: ArraySequence, start: np.ndarray
) -> np.ndarray:
    """Return the rigid matrix (4, 4) that DIPY finds for centroids."""
    from dipy.align.streamlinear import (
        BundleMinDistanceAsymmetricMetric,
        StreamlineLinearRegistration,
    )

    registration = StreamlineLinearRegistration(
        metric=BundleMinDistanceAsymmetricMetric(),
        x0="rigid",
        bounds=_BOUNDS,
        options=dict(_OPTIONS),
    )
    return registration.optimize(static, moving, mat=start).matrix
