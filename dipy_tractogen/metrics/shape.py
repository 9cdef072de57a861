"""Shape of whole bundles: BUAN shape similarity, Dice, overlap and overreach."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import lengths, resample
from dipy_tractogen.streamlines.ragged import to_sequence

VOXEL_SIZE = 2.0
"""Default size of the voxels of the grid on which bundles are compared, in mm."""

MAX_STREAMLINES = 250
"""Largest number of streamlines of a bundle that shape similarity looks at."""

# Points along a streamline for each voxel, so that corners it cuts are not missed.
_PER_VOXEL = 4
# Streamlines whose dense points are held at a time.
_BLOCK_SIZE = 1024


def shape_similarity(
    candidates: np.ndarray, reference: np.ndarray, *, seed: int = 0
) -> float:
    """BUAN shape similarity of two bundles.

    The share of the clusters of each bundle that have a cluster of the other within
    6 mm :footcite:p:`Chandio2020`, by
    :func:`dipy.segment.bundles.bundle_shape_similarity`. Clustering takes about a
    millisecond a streamline, and what is found levels off, so larger bundles are
    represented by 250 of their streamlines.

    Parameters
    ----------
    candidates : ndarray of shape (n, p, 3)
        Points in mm.
    reference : ndarray of shape (m, p, 3)
        Points in mm.
    seed : int, optional
        Seed of the choice of streamlines and of the order of clustering.

    Returns
    -------
    float
        From 0, all clusters apart, to 1; 0 where a bundle is empty.

    References
    ----------
    .. footbibliography::
    """
    from dipy.segment.bundles import bundle_shape_similarity

    rng = np.random.default_rng(seed)
    bundles = [
        to_sequence(rng.permutation(points)[:MAX_STREAMLINES])
        for points in (candidates, reference)
    ]
    return float(bundle_shape_similarity(*bundles, rng))


def occupied_voxels(
    points: np.ndarray, *, voxel_size: float = VOXEL_SIZE
) -> np.ndarray:
    """Voxels that streamlines pass through.

    The grid is fixed in space: a voxel centre is at the origin. Streamlines are
    sampled four times a voxel or more densely.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Points in mm.
    voxel_size : float, optional
        Edge of the voxels in mm.

    Returns
    -------
    ndarray of shape (q,), int64
        One number a voxel, ascending.

    Raises
    ------
    ValueError
        If the voxel size is not a positive number.
    """
    if not (np.isfinite(voxel_size) and voxel_size > 0):
        raise ValueError(f"voxel_size={voxel_size}: give a size in mm above zero.")
    parts = [
        _voxels(points[start : start + _BLOCK_SIZE], voxel_size)
        for start in range(0, len(points), _BLOCK_SIZE)
    ]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *parts]))


def volume_overlap(
    candidates: np.ndarray, reference: np.ndarray, *, voxel_size: float = VOXEL_SIZE
) -> dict[str, float | None]:
    """Dice coefficient, overlap and overreach of the volumes of two bundles.

    With the voxels A of the reference and B of the candidates, overlap is
    ``|A & B| / |A|`` and overreach ``|B - A| / |A|`` :footcite:p:`Cote2013`. All three
    depend on the number of streamlines: compare bundles of as many.

    Parameters
    ----------
    candidates : ndarray of shape (n, p, 3)
        Generated streamlines, points in mm.
    reference : ndarray of shape (m, p, 3)
        Real streamlines, points in mm.
    voxel_size : float, optional
        Edge of the voxels in mm.

    Returns
    -------
    dict of str to float or None
        ``dice``, ``overlap`` and ``overreach``; None where a volume that divides is
        empty.

    References
    ----------
    .. footbibliography::
    """
    ours = occupied_voxels(candidates, voxel_size=voxel_size)
    theirs = occupied_voxels(reference, voxel_size=voxel_size)
    nb_shared = len(np.intersect1d(ours, theirs, assume_unique=True))
    if not len(theirs):
        return {"dice": None, "overlap": None, "overreach": None}
    return {
        "dice": 2 * nb_shared / (len(ours) + len(theirs)),
        "overlap": nb_shared / len(theirs),
        "overreach": (len(ours) - nb_shared) / len(theirs),
    }


def _voxels(points: np.ndarray, voxel_size: float) -> np.ndarray:
    """Voxels of a few streamlines, each once."""
    nb_needed = int(np.ceil(_PER_VOXEL * lengths(points).max() / voxel_size)) + 1
    dense = resample(points, max(points.shape[1], nb_needed)).reshape(-1, 3)
    voxels = np.rint(dense / voxel_size).astype(np.int64)
    # Twenty-one bits an axis: a million voxels either way of the origin.
    codes = (voxels + (1 << 20)) @ np.array([1 << 42, 1 << 21, 1])
    return np.unique(codes)
