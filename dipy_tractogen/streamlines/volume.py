"""Images of values on a voxel grid, looked up at points in mm."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

from dipy.core.interpolation import interpolate_scalar_3d
import h5py
import nibabel as nib
from nibabel.affines import voxel_sizes
import numpy as np

from dipy_tractogen.utils.files import split_extension
from dipy_tractogen.utils.memmap import check_unpacked_size
from dipy_tractogen.utils.messages import read_error

from .affine import check_affine
from .formats.hdf5 import hdf5_array

logger = logging.getLogger("dipy_tractogen")

_IMAGES = (".nii", ".nii.gz", ".mgz", ".mgh", ".img", ".hdr")
# Bytes from which the size of an unpacked image is checked: masks shrink by a thousand.
_LARGE_IMAGE = 2**32
# More than gzip shrinks a file by.
_MOST_PACKED = 1100

# Longer than any direction; float32 can still square it.
_LONGEST_PEAK = 1e12


class Volume:
    """Values of voxels.

    Parameters
    ----------
    data : ndarray of shape (x, y, z, ...)
        A value, or an array of values, for each voxel.
    affine : ndarray of shape (4, 4)
        From voxels to RASMM (mm), with the origin at the centre of a voxel.

    Raises
    ------
    ValueError
        If the data have no three axes, or the affine cannot be inverted.
    """

    def __init__(self, data: np.ndarray, affine: np.ndarray):
        self.data = np.ascontiguousarray(data)
        self.affine = np.asarray(affine, dtype=float)
        if self.data.ndim < 3:
            raise ValueError(
                f"An image of the shape {self.data.shape}: give three axes or more."
            )
        check_affine(self.affine, "the affine of the image")
        self._to_voxels = np.linalg.inv(self.affine)

    def at(self, points: np.ndarray, outside=False) -> np.ndarray:
        """Return the values (..., k) of voxels at points (..., 3) in RASMM mm.

        Without the last axis for an image of one value a voxel; `outside` beyond the
        grid.
        """
        points = np.asarray(points)
        flat = points.reshape(-1, 3).astype(
            np.result_type(points, np.float32), copy=False
        )
        inside = np.ones(len(flat), dtype=bool)
        rows = np.zeros(len(flat), dtype=np.intp)
        # Axis by axis, in the precision of the points: twice as fast as all at once.
        for (*linear, shift), size in zip(self._to_voxels[:3], self.data.shape):
            voxels = np.floor(flat @ np.array(linear, flat.dtype) + float(shift + 0.5))
            inside &= (voxels >= 0) & (voxels < size)
            rows = rows * size + voxels.astype(np.intp)
        trailing = self.data.shape[3:]
        values = self.data.reshape(-1, *trailing)[np.where(inside, rows, 0)]
        values[~inside] = outside
        return values.reshape(*points.shape[:-1], *trailing)

    def interpolate(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return trilinear values (k,) at points (k, 3) in RASMM mm, float32.

        Half a voxel around the outer voxels belongs to them; beyond, and at points that
        are not finite, the value is NaN. The second array (k,) says what is inside.
        The image has one float32 number a voxel.
        """
        voxels = points @ self._to_voxels[:3, :3].T + self._to_voxels[:3, 3]
        last = np.array(self.data.shape) - 1
        inside = ((voxels >= -0.5) & (voxels <= last + 0.5)).all(axis=1)
        voxels[~inside] = 0
        # DIPY takes what is beyond the outer voxels for zero.
        values, _ = interpolate_scalar_3d(self.data, np.clip(voxels, 0, last))
        values = np.asarray(values, dtype=np.float32)
        values[~inside] = np.nan
        return values, inside

    def describe_box(self) -> str:
        """Return where the image lies, as text such as "x -90 to 90, ... mm"."""
        ends = np.array(self.data.shape[:3]) - 0.5
        corners = np.stack(np.meshgrid(*zip([-0.5] * 3, ends), indexing="ij"), axis=-1)
        corners = corners.reshape(-1, 3) @ self.affine[:3, :3].T + self.affine[:3, 3]
        sides = zip("xyz", corners.min(axis=0), corners.max(axis=0))
        return ", ".join(f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in sides) + " mm"


def load_map(path: str | os.PathLike) -> Volume:
    """Read an image of a value, such as FA.

    Returns float32 voxels, NaN where one is not finite. Raises OSError if there is no
    such file or it cannot be read, and ValueError if it is no image of three axes, or
    no voxel is a number.
    """
    data, affine = _load_scalars(path, "a map")
    with np.errstate(over="ignore"):
        data = np.array(data, dtype=np.float32)
    finite = np.isfinite(data)
    if not finite.any():
        raise ValueError(f"{path} has no finite voxel: give an image of values.")
    data[~finite] = np.nan
    return Volume(data, affine)


def read_image_grid(path: Path) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Return affine and dimensions of an image, whose voxels are not read."""
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


def load_mask(path: str | os.PathLike) -> Volume:
    """Read an image of which voxels are in a region.

    Parameters
    ----------
    path : str or Path
        An image with three axes, in a format of nibabel.

    Returns
    -------
    Volume
        True where the image is neither zero nor NaN.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If it is no image of three axes, or all its voxels are zero.
    """
    data, affine = _load_scalars(path, "a mask")
    inside = np.nan_to_num(data) != 0
    if not inside.any():
        raise ValueError(f"{path} is zero in all voxels: give a mask of a region.")
    return Volume(inside, affine)


def load_peaks(path: str | os.PathLike) -> Volume:
    """Read the peaks of diffusion.

    Parameters
    ----------
    path : str or Path
        A .pam5 of DIPY, or an image of the shape (x, y, z, 3 * nb_peaks) or (x, y, z,
        nb_peaks, 3). Directions are along the axes of the image, as in DIPY.

    Returns
    -------
    Volume
        Directions in RASMM, of shape (x, y, z, nb_peaks, 3), float32; zero where there
        are fewer peaks.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If it holds something else, or no affine.
    """
    if split_extension(path)[1].lower() == ".pam5":
        peaks, affine = _load_pam(path)
    else:
        peaks, affine = _load_image(path)
    if peaks.ndim == 4 and peaks.shape[3] % 3 == 0:
        peaks = peaks.reshape(*peaks.shape[:3], -1, 3)
    if peaks.ndim != 5 or peaks.shape[4] != 3:
        raise ValueError(
            f"{path} has the shape {peaks.shape}: peaks are of the shape (x, y, z, 3 * "
            "nb_peaks) or (x, y, z, nb_peaks, 3)."
        )
    axes = affine[:3, :3] / voxel_sizes(affine)
    peaks = np.nan_to_num(peaks, posinf=0, neginf=0)
    if peaks.size and np.abs(peaks).max() > _LONGEST_PEAK:
        raise ValueError(
            f"{path} has peaks of {np.abs(peaks).max():g}, which are no directions."
        )
    peaks = np.asarray(peaks, dtype=np.float32)
    return Volume(peaks @ axes.T.astype(np.float32), affine)


def _load_scalars(path: str | os.PathLike, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Read an image of one number a voxel."""
    data, affine = _load_image(path)
    if data.ndim > 3 and data.shape[3:] == (1,) * (data.ndim - 3):
        data = data.reshape(data.shape[:3])
    if data.ndim != 3:
        raise ValueError(f"{path} has the shape {data.shape}: {what} has three axes.")
    return data, affine


def _load_pam(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    _check_there(path)
    try:
        with h5py.File(path, "r") as file:
            peaks = hdf5_array(file, "pam/peak_dirs", "f", Path(path))[:]
            if "affine" not in file["pam"]:
                raise ValueError("it has no affine: save the peaks with one")
            affine = hdf5_array(file, "pam/affine", "fiu", Path(path))[:]
            check_affine(affine)
            return peaks, affine
    except Exception as error:
        raise read_error(path, error) from error


def _load_image(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    _check_there(path)
    try:
        image = nib.load(path)
        kind = image.get_data_dtype()
        if kind.kind not in "biuf":
            raise ValueError(f"its voxels are {kind}, and not numbers")
        size = math.prod(image.shape) * kind.itemsize
        if size > _LARGE_IMAGE:
            check_unpacked_size(size, Path(path).stat().st_size)
        check_affine(image.affine)
        return np.asanyarray(image.dataobj), image.affine
    except nib.filebasedimages.ImageFileError as error:
        if Path(path).name.endswith(_IMAGES):
            raise read_error(path, error) from error
        raise ValueError(f"{path} is no image: give one that ends in .nii.gz") from None
    except Exception as error:
        raise read_error(path, error) from error


def _check_there(path: str | os.PathLike) -> None:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} does not exist: check its name")
