"""Images of the values along streamlines, as maps of FA and MD are."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from scipy.ndimage import distance_transform_edt

from ..dataset import BundleSet
from ..reference import Reference

# Voxels around those with points that get the nearest value, so that it can be
# interpolated at every point.
_MARGIN = 2.0


def profile_map(bundles: BundleSet, name: str) -> nib.Nifti1Image:
    """Return an image of the mean of a value of the points in each voxel, float32.

    Bundles that cross share voxels, and so their values, as in measured maps. Beside
    the bundles the nearest value reaches two voxels far; beyond it is 0.

    Parameters
    ----------
    bundles : BundleSet
        Streamlines (RASMM, mm) within their grid, with `name` in ``data_per_point``.
    name : str
        Name of the value.
    """
    reference: Reference = bundles.reference
    shape = tuple(reference.dimensions)
    inverse = np.linalg.inv(reference.affine)
    points = bundles.streamlines.get_data() @ inverse[:3, :3].T + inverse[:3, 3]
    voxels = np.clip(np.rint(points).astype(int), 0, np.array(shape) - 1)
    places = np.ravel_multi_index(voxels.T, shape)
    counts = np.bincount(places, minlength=np.prod(shape)).reshape(shape)
    sums = np.bincount(places, bundles.data_per_point[name][:, 0], np.prod(shape))
    means = sums.reshape(shape) / np.maximum(counts, 1)
    away, nearest = distance_transform_edt(counts == 0, return_indices=True)
    filled = np.where(away <= _MARGIN, means[tuple(nearest)], 0)
    image = nib.Nifti1Image(filled.astype(np.float32), reference.affine)
    image.set_qform(reference.affine, code="scanner")
    image.set_sform(reference.affine, code="scanner")
    image.header.set_xyzt_units("mm")
    return image
