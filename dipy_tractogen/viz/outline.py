"""Glass brain: the transparent surface of a mask, with its outline."""

from __future__ import annotations

from dataclasses import dataclass
import os

import numpy as np
from scipy.ndimage import binary_fill_holes, gaussian_filter, zoom

from dipy_tractogen.streamlines.volume import Volume, load_mask

# Voxels (mm) of the surface, and the width (mm) of the Gaussian that smooths it:
# finer, it would show the steps of the mask's voxels.
_VOXEL_MM = 2.0
_SMOOTHING_MM = 2.0
# Voxels around the mask, so that its surface is closed.
_PADDING = 4
LEVEL = 0.5
"""Value of `Outline.volume` at the surface."""


@dataclass(frozen=True)
class Outline:
    """A smooth volume whose surface at `LEVEL` is that of a mask."""

    volume: np.ndarray
    affine: np.ndarray

    def points(self) -> np.ndarray:
        """Return the centres (n, 3) of the voxels inside, in RASMM mm."""
        voxels = np.argwhere(self.volume > LEVEL)
        return voxels @ self.affine[:3, :3].T + self.affine[:3, 3]


def smooth_mask(mask: Volume) -> Outline:
    """Fill and smooth a mask, on voxels of about 2 mm, to draw its surface."""
    inside = np.argwhere(mask.data)
    low, high = inside.min(axis=0), inside.max(axis=0) + 1
    cut = tuple(slice(*limits) for limits in zip(low, high))
    filled = np.pad(binary_fill_holes(mask.data[cut]), _PADDING).astype(np.float32)
    sizes = np.linalg.norm(mask.affine[:3, :3], axis=0)
    filled = gaussian_filter(filled, _SMOOTHING_MM / sizes)
    shares = np.minimum(sizes / _VOXEL_MM, 1.0)
    volume = zoom(filled, shares, order=1)
    # Corners stay where they are, so that steps differ a little from `_VOXEL_MM`.
    steps = (np.array(filled.shape) - 1) / np.maximum(np.array(volume.shape) - 1, 1)
    affine = mask.affine.copy()
    affine[:3, 3] = mask.affine[:3, :3] @ (low - _PADDING) + mask.affine[:3, 3]
    affine[:3, :3] = mask.affine[:3, :3] * steps
    return Outline(volume, affine)


def load_outline(path: str | os.PathLike, points: np.ndarray) -> Outline:
    """Read a mask to draw streamlines in, whose points (n, 3) are in RASMM mm.

    Raises ValueError if it is no mask, or none of the points is in it.
    """
    mask = load_mask(path)
    if not mask.at(points).any():
        raise ValueError(
            f"{path}: no point of the streamlines is in the mask: give one in their "
            "space."
        )
    return smooth_mask(mask)
