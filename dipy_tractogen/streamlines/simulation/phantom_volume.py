"""Mask and image of the FiberCup-like phantom, from its geometry alone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np

from dipy_tractogen.utils.files import atomic_write

from .parameters import MAX_THICKNESS, FiberCupParameters
from .phantom import fibercup_reference
from .phantom_geometry import (
    BUNDLE_NAMES,
    DIMENSIONS,
    VOXEL_SIZE,
    centreline,
    place_points,
)

# Parts of a voxel's side, and mm between the samples that fill them.
_NB_PARTS = 6
_SAMPLING_STEP = 0.1
# A sample is a square as wide as a step on the outside of the sharpest bend, so that a
# voxel is found of which a bundle has only a corner.
_CORNERS = _SAMPLING_STEP * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
_CONTAINER_RADIUS = 93.0
_FLUID_INTENSITY = 0.3


@lru_cache(maxsize=4)
def white_matter_fraction(*, radius: float = 6.5, thickness: float = 9.0) -> np.ndarray:
    """Return the share of each voxel in a bundle: (64, 64, 3), float32, read-only.

    `radius` and `thickness` in mm are those of `simulate_fibercup`.
    """
    FiberCupParameters(radius=radius, thickness=thickness)
    side = VOXEL_SIZE / _NB_PARTS
    heights = np.zeros([_NB_PARTS * size for size in DIMENSIONS[:2]])
    # Around the upper half of the rim, closest together where it is steep.
    nb_angles = 2 * round(2 * radius / _SAMPLING_STEP + 2)
    angles = np.pi * (np.arange(nb_angles) + 0.5) / nb_angles
    for name in BUNDLE_NAMES:
        nb_positions = int(centreline(name).length / _SAMPLING_STEP)
        positions = np.linspace(0, 1, nb_positions)[:, np.newaxis]
        section = {"radius": radius, "thickness": thickness}
        points = place_points(
            name, positions, np.cos(angles), np.sin(angles), **section
        )
        height = points[..., 2] - MAX_THICKNESS / 2
        for corner in _CORNERS:
            columns = np.floor((points[..., :2] + corner) / side).astype(int)
            np.maximum.at(heights, (columns[..., 0], columns[..., 1]), height)
    # Share of each slice in a column that is symmetric about the middle plane.
    floors = VOXEL_SIZE * np.arange(DIMENSIONS[2])
    tops = np.minimum(MAX_THICKNESS / 2 + heights[..., np.newaxis], floors + VOXEL_SIZE)
    bottoms = np.maximum(MAX_THICKNESS / 2 - heights[..., np.newaxis], floors)
    filled = np.maximum(tops - bottoms, 0) / VOXEL_SIZE
    parts = filled.reshape(DIMENSIONS[0], _NB_PARTS, DIMENSIONS[1], _NB_PARTS, -1)
    fraction = parts.mean(axis=(1, 3)).astype(np.float32)
    fraction.flags.writeable = False
    return fraction


def white_matter_mask(*, radius: float = 6.5, thickness: float = 9.0) -> np.ndarray:
    """Return the voxels (64, 64, 3) that a bundle enters."""
    return white_matter_fraction(radius=radius, thickness=thickness) > 0


def reference_image(*, radius: float = 6.5, thickness: float = 9.0) -> np.ndarray:
    """Return an image (64, 64, 3) of bright bundles in the fluid of a round container.

    0 outside of it, 0.3 in the fluid, 1 in white matter, in proportion in voxels of
    both.
    """
    fraction = white_matter_fraction(radius=radius, thickness=thickness)
    axes = [VOXEL_SIZE * (np.arange(size) - (size - 1) / 2) for size in DIMENSIONS[:2]]
    inside = np.hypot(axes[0][:, np.newaxis], axes[1]) <= _CONTAINER_RADIUS
    fluid = _FLUID_INTENSITY * inside[..., np.newaxis]
    return (fluid + (1 - fluid) * fraction).astype(np.float32)


def save_images(
    mask_file: str | Path,
    reference_file: str | Path,
    *,
    radius: float = 6.5,
    thickness: float = 9.0,
    force: bool = False,
) -> None:
    """Write the mask of the white matter and the T1-like image as NIfTI files."""
    section = {"radius": radius, "thickness": thickness}
    affine = fibercup_reference().affine
    mask = white_matter_mask(**section).astype("uint8")
    images = {mask_file: mask, reference_file: reference_image(**section)}
    for path, values in images.items():
        nifti = nib.Nifti1Image(values, affine)
        nifti.set_qform(affine, code="scanner")
        nifti.set_sform(affine, code="scanner")
        nifti.header.set_xyzt_units("mm")
        with atomic_write(path, force=force) as temporary:
            nib.save(nifti, temporary)
