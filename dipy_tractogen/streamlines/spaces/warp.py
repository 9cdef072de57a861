"""Transforms by a field of displacements, such as a mapping of DIPY."""

from __future__ import annotations

from dataclasses import dataclass, field
import logging

from dipy.core.interpolation import interpolate_vector_3d
import numpy as np

from ..affine import check_affine
from .transform import AffineTransform, Transform

logger = logging.getLogger("dipy_tractogen")

#: Largest error of the inverse that is accepted (mm), at a point.
INVERSE_MM = 0.01

_NB_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class WarpTransform(Transform):
    """Points plus the displacement at each, or the inverse of that.

    The inverse is found by iteration, point by point, from the field that is given for
    it, so that points come back to where they were. Beyond the grid there is no
    displacement, as in DIPY.

    Parameters
    ----------
    displacements : ndarray of shape (x, y, z, 3)
        Displacements of points at the centres of voxels, in RASMM mm.
    guess : ndarray of shape (x, y, z, 3)
        Displacements of the inverse, roughly.
    affine : ndarray of shape (4, 4)
        From voxels of both fields to RASMM (mm).
    source : dict, optional
        Where it comes from, as plain values for the record.
    is_inverse : bool, optional
        Whether this is the inverse of the transform by `displacements`.
    """

    displacements: np.ndarray
    guess: np.ndarray
    affine: np.ndarray
    source: dict = field(default_factory=dict)
    is_inverse: bool = False

    def __post_init__(self):
        affine = np.array(self.affine, dtype=np.float64)
        check_affine(affine, "the affine of the warp")
        for name in ("displacements", "guess"):
            given = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            object.__setattr__(self, name, given)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "_is_told", False)
        object.__setattr__(self, "_to_voxels", AffineTransform(np.linalg.inv(affine)))

    def apply_to_points(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 3) after the transform, float64, in mm.

        Warnings tell where the inverse of a field that folds over is not found, and
        that most points are beyond the grid.
        """
        points = np.asarray(points, dtype=np.float64)
        flat = np.ascontiguousarray(points.reshape(-1, 3))
        self._warn_beyond(flat)
        moved = (
            self._inverted(flat)
            if self.is_inverse
            else flat + self._at(self.displacements, flat)
        )
        return moved.reshape(points.shape)

    def inverse(self) -> WarpTransform:
        """Return the inverse, exact to `INVERSE_MM` where the field has one."""
        return WarpTransform(
            self.displacements,
            self.guess,
            self.affine,
            self.source,
            not self.is_inverse,
        )

    def to_dict(self) -> dict:
        """Return ``kind``, the grid, the direction, and where it comes from."""
        return {
            "kind": "warp",
            "dimensions": list(self.displacements.shape[:3]),
            "affine": self.affine.tolist(),
            "inverted": self.is_inverse,
            **self.source,
        }

    def _warn_beyond(self, points: np.ndarray) -> None:
        """Log once that more than half of the points (n, 3) are beyond the grid."""
        if self._is_told or not len(points):
            return
        voxels = self._to_voxels.apply_to_points(points)
        shape = self.displacements.shape[:3]
        inside = ((voxels > -1) & (voxels < shape)).all(axis=1).mean()
        if inside < 0.5:
            object.__setattr__(self, "_is_told", True)
            logger.warning(
                "%.0f %% of the points are beyond the grid of the warp %s, where "
                "nothing is moved: check its space and the order of the transforms",
                100 * (1 - inside),
                self.source.get("file", ""),
            )

    def _at(self, values: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return the displacements (n, 3) at points (n, 3) in mm."""
        voxels = self._to_voxels.apply_to_points(points)
        found, _ = interpolate_vector_3d(values, np.ascontiguousarray(voxels))
        return np.asarray(found, dtype=np.float64)

    def _inverted(self, points: np.ndarray) -> np.ndarray:
        """Return the points (n, 3) that the displacements bring to `points`."""
        found = points + self._at(self.guess, points)
        left = np.flatnonzero(np.isfinite(points).all(axis=1))
        for _ in range(_NB_ITERATIONS):
            current = found[left]
            error = points[left] - current - self._at(self.displacements, current)
            wrong = np.abs(error).max(axis=1, initial=0) > INVERSE_MM / 10
            left = left[wrong]
            if not len(left):
                return found
            found[left] += error[wrong]
        wrong = np.linalg.norm(error[wrong], axis=1) > INVERSE_MM
        if wrong.any():
            logger.warning(
                "the warp folds over near %d of %d points, whose inverse is not found",
                wrong.sum(),
                len(points),
            )
        return found
