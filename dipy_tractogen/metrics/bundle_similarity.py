"""Similarity of whole bundles: BUAN shape similarity, Dice, overlap and overreach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.geometry import lengths, resample
from dipy_tractogen.streamlines.reference import Reference

from . import cost
from .distances import mdf
from .measures import Estimate, mean_influence

VOXEL_SIZE = 2.0
"""Default size of the voxels of the grid on which bundles are compared, in mm."""

# Points along a streamline for each voxel, so that cut corners are not missed.
_PER_VOXEL = 4
# Streamlines sampled at one density, and most dense points held at a time.
_BLOCK_SIZE = 1024
_MOST_POINTS = 1_000_000
# Without an image: a million voxels on each side of the origin, 21 bits an axis.
_MOST_VOXELS = 1 << 21


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxels in space: the affine (4, 4) from RASMM (mm) to voxels, and dimensions."""

    to_voxels: np.ndarray
    dimensions: tuple[int, int, int]

    @classmethod
    def of_size(cls, voxel_size: float) -> Grid:
        """Make a practically unbounded grid with a voxel centre at the origin.

        `voxel_size` is in mm.
        """
        if not (np.isfinite(voxel_size) and voxel_size > 0):
            raise ValueError(f"voxel_size={voxel_size}: give a size in mm above zero.")
        to_voxels = np.diag([1 / voxel_size] * 3 + [1.0])
        to_voxels[:3, 3] = _MOST_VOXELS // 2
        return cls(to_voxels, (_MOST_VOXELS,) * 3)

    @classmethod
    def of(cls, reference: Reference) -> Grid:
        """Return the voxels of an image, which may be oblique.

        Raises ValueError if the reference is that of a file made without an image.
        """
        reference = Reference.of(reference)
        if reference.is_placeholder:
            raise ValueError(
                f"The grid has the dimensions {reference.dimensions}, as in files made "
                "without an image: give an image."
            )
        return cls(np.linalg.inv(reference.affine), reference.dimensions)

    @property
    def smallest_edge(self) -> float:
        """Shortest edge of a voxel, in mm."""
        return float(
            np.linalg.norm(np.linalg.inv(self.to_voxels[:3, :3]), axis=0).min()
        )

    def codes(self, points: np.ndarray) -> np.ndarray:
        """Return numbers of the voxels of points (..., 3) in mm; -1 beyond the grid."""
        voxels = points @ self.to_voxels[:3, :3].T + self.to_voxels[:3, 3]
        voxels = np.floor(voxels + 0.5).astype(np.int64)
        inside = ((voxels >= 0) & (voxels < self.dimensions)).all(axis=-1)
        _, rows, columns = self.dimensions
        codes = (voxels[..., 0] * rows + voxels[..., 1]) * columns + voxels[..., 2]
        return np.where(inside, codes, -1)


def voxel_incidence(sets: Sequence[np.ndarray], grid: Grid) -> list[csr_matrix]:
    """Find which streamlines pass through which voxels.

    Streamlines are sampled four times a voxel or more densely. Returns for each set a
    matrix (n, v) with ones where a streamline passes through a voxel; the columns are
    the same for all sets.
    """
    passages = [_passages(points, grid) for points in sets]
    found = np.concatenate([codes for _, codes in passages])
    voxels, columns = np.unique(found, return_inverse=True)
    parts = np.split(columns, np.cumsum([len(codes) for _, codes in passages])[:-1])
    matrices = []
    for points, (owners, codes), part in zip(sets, passages, parts):
        ends = np.searchsorted(owners, np.arange(len(points) + 1))
        shape = (len(points), len(voxels))
        ones = np.ones(len(codes), dtype=np.float32)
        matrices.append(csr_matrix((ones, part, ends), shape=shape))
    return matrices


def volume_overlap(
    candidates: csr_matrix, reference: csr_matrix
) -> dict[str, Estimate | None]:
    """Compute Dice coefficient, overlap and overreach of two bundles.

    With the voxels A of the reference and B of the candidates, overlap is ``|A & B| /
    |A|`` and overreach ``|B - A| / |A|`` :footcite:p:`Cote2013`. All three depend on
    the number of streamlines: compare bundles of as many. The influence of a streamline
    is what would change without the voxels that no other passes through. The values are
    None where the reference is empty.

    References
    ----------
    .. footbibliography::
    """
    nb_ours, nb_theirs = (
        np.asarray(each.sum(axis=0)).ravel() for each in (candidates, reference)
    )
    ours, theirs = nb_ours > 0, nb_theirs > 0
    sizes = np.array([ours.sum(), theirs.sum(), (ours & theirs).sum()], dtype=float)
    if not sizes[1]:
        return {"dice": None, "overlap": None, "overreach": None}
    measures = _measures(*sizes)
    # Voxels of one streamline only: shared with the other set, and not.
    only_ours = [candidates @ ((nb_ours == 1) & part) for part in (theirs, ~theirs)]
    only_theirs = [reference @ ((nb_theirs == 1) & part) for part in (ours, ~ours)]
    without_ours = _measures(
        sizes[0] - sum(only_ours), sizes[1], sizes[2] - only_ours[0]
    )
    without_theirs = _measures(
        sizes[0], sizes[1] - sum(only_theirs), sizes[2] - only_theirs[0]
    )
    return {
        name: Estimate(
            float(value),
            mean_influence(-without_ours[name], over=1),
            mean_influence(-without_theirs[name], over=1),
        )
        for name, value in measures.items()
    }


def _measures(ours, theirs, shared) -> dict:
    """Dice, overlap and overreach from numbers of voxels."""
    # Without its only streamline a set has no voxel, and the denominator would be zero.
    theirs = np.maximum(theirs, 1)
    return {
        "dice": 2 * shared / (ours + theirs),
        "overlap": shared / theirs,
        "overreach": (ours - shared) / theirs,
    }


def _passages(points: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Streamlines and the voxels they pass through, each pair once, in order."""
    owners, codes = [np.zeros(0, np.intp)], [np.zeros(0, np.int64)]
    for start in range(0, len(points), _BLOCK_SIZE):
        block = points[start : start + _BLOCK_SIZE]
        per_mm = _PER_VOXEL / grid.smallest_edge
        nb_needed = int(np.ceil(per_mm * lengths(block).max())) + 1
        nb_dense = max(block.shape[1], nb_needed)
        step = max(_MOST_POINTS // nb_dense, 1)
        for offset in range(0, len(block), step):
            dense = resample(block[offset : offset + step], nb_dense)
            visited = np.sort(grid.codes(dense), axis=1)
            first = np.diff(visited, axis=1, prepend=-1) != 0
            row, column = np.nonzero(first & (visited >= 0))
            owners.append(row + start + offset)
            codes.append(visited[row, column])
    return np.concatenate(owners), np.concatenate(codes)


MAX_STREAMLINES = cost.MAX_CLUSTERED
"""Largest number of streamlines of a bundle that shape similarity compares."""

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
