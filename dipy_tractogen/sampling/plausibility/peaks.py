"""Plausible by the directions of diffusion."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.volume import Volume

# Streamlines that are looked at together: their peaks are a large array.
_CHUNK = 512


class AlongPeaks:
    """Accepts streamlines that follow the peaks of diffusion.

    Of each step of a streamline the smallest angle to a peak of the voxel of its
    middle is taken; steps in voxels without peaks do not count. The mean of the angles
    decides. A streamline that is in no voxel with peaks is rejected.

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
        there = directions.any(axis=(3, 4))
        if not there.any():
            raise ValueError("The peaks are zero in all voxels: give others.")
        # Most voxels have no peaks: those that have are put side by side.
        rows = np.full(there.shape, -1, dtype=np.int32)
        rows[there] = np.arange(np.count_nonzero(there))
        self._rows = Volume(rows, peaks.affine)
        directions = directions[there]
        sizes = np.linalg.norm(directions, axis=-1, keepdims=True)
        self._directions = directions / np.where(sizes > 0, sizes, 1)

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines follow the peaks; see `Criterion.accepts`."""
        return self.mean_angles(points) <= self.max_angle

    def mean_angles(self, points: np.ndarray) -> np.ndarray:
        """Mean angle of each streamline to the nearest peaks.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in RASMM mm.

        Returns
        -------
        ndarray of shape (m,), float64
            Degrees; infinite where no step is in a voxel with peaks.
        """
        means = np.empty(len(points))
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            means[part] = self._mean_angles(points[part])
        return means

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
