"""The voxel grids in the headers of images and tractograms."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import nibabel as nib
import numpy as np

from .formats.trk_header import read_trk_header
from .formats.trx_reader import read_trx_header

logger = logging.getLogger("dipy_tractogen")

# What gzip shrinks no file to.
_MOST_PACKED = 1100


def _nifti_grid(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the grid of an image."""
    image = nib.load(path)
    header = image.header
    nb_bytes = math.prod(image.shape) * header.get_data_dtype().itemsize
    packed = _MOST_PACKED if path.suffix.lower() == ".gz" else 1
    if not nb_bytes or nb_bytes > packed * path.stat().st_size:
        raise ValueError(f"its voxels of {image.shape} are not in it")
    if not (header["sform_code"] or header["qform_code"]):
        logger.warning(
            "%s says neither by sform nor by qform where it lies: its middle is taken "
            "for the origin, and its first axis goes to the left, as in nibabel",
            path,
        )
    return header.get_best_affine(), (*image.shape, 1, 1)[:3]


def _trk_grid(path: Path) -> tuple:
    """Read the grid of a TRK."""
    header = read_trk_header(path)
    names = ("voxel_to_rasmm", "dimensions", "voxel_sizes", "voxel_order")
    return tuple(header[name] for name in names)


def _trx_grid(path: Path) -> tuple:
    """Read the grid of a TRX."""
    header = read_trx_header(path)
    return np.array(header["VOXEL_TO_RASMM"], float), tuple(header["DIMENSIONS"])


GRID_READERS = {
    ".nii": _nifti_grid,
    ".nii.gz": _nifti_grid,
    ".trk": _trk_grid,
    ".trx": _trx_grid,
}
"""What reads the grid of a file: a function of its path that returns the first of the
arguments of `reference.Reference`, by extension."""
