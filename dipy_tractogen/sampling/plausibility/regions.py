"""Criteria of where streamlines are: in a box, a mask, regions or along peaks."""

from __future__ import annotations

from itertools import product

from nibabel.affines import apply_affine
from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.streamlines.volume import Volume

from .plausibility import Plausibility

# Streamlines whose peaks are looked up at once: they are a large array.
_CHUNK = 512


class InsideBox:
    """Accept streamlines with all points in the bounding box of a grid.

    Other software rejects files with points outside. Points stay `margin_mm` away from
    the border, so that rounding cannot move them out. If more than a share of `most` is
    rejected, the grid is the wrong one and the generation ends with an error.
    """

    name = "box"
    every_point = True

    def __init__(self, reference: Reference, *, margin_mm: float = 1e-3, most=0.9):
        self.reference, self.margin_mm, self.most = reference, margin_mm, most

    def accepts(self, points: np.ndarray | ArraySequence) -> np.ndarray:
        """Return which streamlines are in the box; see `Criterion.accepts`."""
        return self.reference.contains(points, margin_mm=self.margin_mm)

    def complaint(self, nb_rejected: int, nb_tried: int) -> str:
        """Return the message of the error where too many are rejected."""
        return (
            f"{nb_rejected} of the first {nb_tried} generated streamlines leave the "
            "bounding box of the grid, and other software rejects such a file; give an "
            "image or a tractogram in the space of the training (reference='FILE'), or "
            "keep them (outside_box='keep')"
        )


def with_box(
    plausibility: Plausibility | None,
    reference: Reference,
    outside_box: str = "drop",
    dtype: str = "float32",
    transform: Transform | None = None,
) -> Plausibility | None:
    """Return criteria with the bounding box of a grid, unless streamlines are kept.

    `outside_box` is "drop", "keep" or "error"; a `dtype` of points that rounds them
    makes the box smaller. `transform` is that of a `Plausibility`.
    """
    others = plausibility.criteria if plausibility else ()
    if outside_box == "keep" or reference.is_placeholder:
        if transform is None or not others:
            return plausibility
        return Plausibility(others, transform=transform)
    options = {} if outside_box == "drop" else {"most": 0}
    if dtype != "float32":
        corners = [*product(*((-0.5, size - 0.5) for size in reference.dimensions))]
        farthest = np.abs(apply_affine(reference.affine, corners)).max()
        options["margin_mm"] = float(np.spacing(np.dtype(dtype).type(farthest))) / 2
    criteria = [*others, InsideBox(reference, **options)]
    return Plausibility(criteria, transform=transform)


class InsideMask:
    """Accept streamlines with enough of their points in a mask.

    Parameters
    ----------
    mask : Volume
        True inside; what is beyond its grid is outside.
    min_share : float, optional
        Smallest share of the points.

    Raises
    ------
    ValueError
        If the share is not more than 0 and at most 1.
    """

    name = "mask"

    def __init__(self, mask: Volume, min_share: float = 1.0):
        if not 0 < min_share <= 1:
            raise ValueError(
                f"min_share={min_share}: give more than 0 and at most 1 of the points."
            )
        self.mask, self.min_share = mask, min_share

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines are inside; see `Criterion.accepts`."""
        # Counts are compared: a share such as 0.9 of 10 points is not exact.
        needed = np.ceil(self.min_share * points.shape[1] - 1e-6)
        return self.mask.at(points).sum(axis=1) >= needed


class EndsInRegions:
    """Accept streamlines whose ends are in given regions.

    Parameters
    ----------
    start : Volume
        True in the region of one end, in either direction of the streamline.
    end : Volume, optional
        True in the region of the other end; `start` by default.
    """

    name = "ends"

    def __init__(self, start: Volume, end: Volume | None = None):
        self.start, self.end = start, start if end is None else end

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines end in both regions; see `Criterion.accepts`."""
        first, last = points[:, 0], points[:, -1]
        forth = self.start.at(first) & self.end.at(last)
        return forth | (self.start.at(last) & self.end.at(first))


class AlongPeaks:
    """Accept streamlines that follow the peaks of diffusion.

    For each step of a streamline, the angle to the nearest peak in the voxel of its
    middle is measured; steps in voxels without peaks do not count. The mean angle has
    to be small enough. A streamline without any voxel with peaks is rejected.

    Parameters
    ----------
    peaks : Volume
        Directions in RASMM, of shape (x, y, z, nb_peaks, 3) and any size; zeros where
        there are fewer peaks. `load_peaks` reads them.
    max_angle : float
        Largest mean angle in degrees.

    Raises
    ------
    ValueError
        If the angle is not one from 0 to 90, or there are no peaks.
    """

    name = "peaks"

    def __init__(self, peaks: Volume, max_angle: float):
        if not 0 < max_angle <= 90:
            raise ValueError(
                f"max_angle={max_angle}: give more than 0 and at most 90 degrees."
            )
        self.max_angle = max_angle
        directions = np.asarray(peaks.data, dtype=np.float32)
        has_peaks = directions.any(axis=(3, 4))
        if not has_peaks.any():
            raise ValueError("The peaks are zero in all voxels: give others.")
        # Most voxels have no peaks, so only those that have some are stored.
        rows = np.full(has_peaks.shape, -1, dtype=np.int32)
        rows[has_peaks] = np.arange(np.count_nonzero(has_peaks))
        self._rows = Volume(rows, peaks.affine)
        directions = directions[has_peaks]
        sizes = np.linalg.norm(directions, axis=-1, keepdims=True)
        self._directions = directions / np.where(sizes > 0, sizes, 1)

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines follow the peaks; see `Criterion.accepts`."""
        return self.mean_angles(points) <= self.max_angle

    def mean_angles(self, points: np.ndarray) -> np.ndarray:
        """Return the mean angle (m,) of streamlines to the nearest peaks, in degrees.

        It is infinite where no step is in a voxel with peaks.
        """
        starts = range(0, len(points), _CHUNK)
        parts = [self._mean_angles(points[start : start + _CHUNK]) for start in starts]
        return np.concatenate([np.zeros(0), *parts])

    def _mean_angles(self, points: np.ndarray) -> np.ndarray:
        steps = np.diff(points, axis=1)
        sizes = np.linalg.norm(steps, axis=-1)
        rows = self._rows.at(points[:, :-1] + steps / 2, outside=-1)
        streamline, step = np.nonzero((rows >= 0) & (sizes > 0))
        directions = self._directions[rows[streamline, step]]
        along = steps[streamline, step] / sizes[streamline, step][:, None]
        cosines = np.abs(np.einsum("sk,snk->sn", along, directions)).max(axis=1)
        angles = np.degrees(np.arccos(np.minimum(cosines, 1)))
        totals = np.bincount(streamline, angles, minlength=len(points))
        counts = np.bincount(streamline, minlength=len(points))
        infinite = np.full(len(points), np.inf)
        return np.divide(totals, counts, out=infinite, where=counts > 0)
