"""Voxel grid of a tractogram."""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path

from nibabel.affines import apply_affine, voxel_sizes
from nibabel.spatialimages import SpatialImage
from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.files import split_extension
from dipy_tractogen.utils.messages import log_warnings, read_error
from dipy_tractogen.utils.schema import integer, list_of, number, record, text

from .affine import axis_codes, check_affine, voxel_order
from .array_sequence import as_sequence, blocks, streamlines_of
from .conversion import extent, to_sequence
from .formats.trk_reader import read_trk_grid
from .formats.trx_reader import read_trx_grid
from .volume import read_image_grid

#: Most voxels along an axis in the header of a .trk or .nii.
_MOST_VOXELS = np.iinfo(np.int16).max

GRID_READERS = {
    ".nii": read_image_grid,
    ".nii.gz": read_image_grid,
    ".trk": read_trk_grid,
    ".trx": read_trx_grid,
}
"""By extension, what returns the first of the arguments of `Reference` for a path."""

PLAIN_GRID = record(
    {
        "affine": list_of(list_of(number(-1e9, 1e9), 4, 4), 4, 4),
        "dimensions": list_of(integer(0, int(_MOST_VOXELS)), 3, 3),
        "voxel_sizes": list_of(number(1e-9, 1e9), 3, 3),
        "voxel_order": text(20),
    },
    others=False,
)
"""What `Reference.to_dict` gives."""

# Points that are tested one by one where the box of a block is not inside.
_POINTS_LOOKED_AT = 10_000


@dataclass(frozen=True, eq=False)
class Reference:
    """A voxel grid in RASMM millimetres.

    Points of streamlines are in RASMM whatever the grid: it says where the image
    ends, and in which axes a file stores the points.

    Parameters
    ----------
    affine : ndarray of shape (4, 4)
        From voxels to RASMM (mm), with the origin at the centre of a voxel.
    dimensions : tuple of int
        Voxels along each of the three axes.
    voxel_sizes : tuple of float, optional
        Edges of a voxel (mm). Those of the affine by default.
    voxel_order : str, optional
        Directions of the axes, such as ``"RAS"``. Those of the affine by default.

    Raises
    ------
    ValueError
        If the affine cannot be inverted, or the dimensions are not three counts.
    """

    affine: np.ndarray
    dimensions: tuple[int, int, int]
    voxel_sizes: tuple[float, float, float] | None = None
    voxel_order: str | None = None

    def __post_init__(self):
        affine = np.array(self.affine, dtype=np.float64)
        check_affine(affine, "the affine of the grid")
        dimensions = np.asarray(self.dimensions).ravel()[:3]
        if (
            dimensions.size != 3
            or not ((dimensions >= 0) & (dimensions <= _MOST_VOXELS)).all()
        ):
            raise ValueError(
                f"the dimensions {self.dimensions} of the grid are not three counts up "
                f"to {_MOST_VOXELS}: check the units of the points (mm)"
            )
        sizes = voxel_sizes(affine) if self.voxel_sizes is None else self.voxel_sizes
        sizes = tuple(float(size) for size in np.asarray(sizes).ravel()[:3])
        if len(sizes) != 3 or not all(0 < size < np.inf for size in sizes):
            raise ValueError(
                f"the voxel sizes {sizes} of the grid are not three positive numbers"
            )
        affine.flags.writeable = False
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "dimensions", tuple(int(d) for d in dimensions))
        object.__setattr__(self, "voxel_sizes", sizes)
        order = voxel_order(self.voxel_order or axis_codes(affine))
        object.__setattr__(self, "voxel_order", order)

    @classmethod
    def from_file(cls, path: str | os.PathLike) -> Reference:
        """Read the grid of an image or of a tractogram.

        Parameters
        ----------
        path : str or Path
            A file with one of the extensions .nii, .nii.gz, .trk or .trx.

        Returns
        -------
        reference : Reference
            Its grid.

        Raises
        ------
        OSError
            If the file is missing or cannot be opened.
        ValueError
            If the file has another extension, or no readable grid.
        """
        path = Path(path)
        extension = split_extension(path)[1].lower()
        if extension not in GRID_READERS:
            raise ValueError(
                f"{path} holds no voxel grid: a reference is one of "
                f"{', '.join(GRID_READERS)}"
            )
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: check its name")
        try:
            if not path.stat().st_size:
                raise ValueError("it is empty")
            with log_warnings(path):
                return cls(*GRID_READERS[extension](path))
        except Exception as error:
            raise read_error(path, error) from error

    @classmethod
    def of(cls, given) -> Reference:
        """Return the grid of whatever has one.

        Parameters
        ----------
        given : Reference, BundleSet, StatefulTractogram, image of nibabel, str or Path
            What has a grid, or a file as for `from_file`.

        Returns
        -------
        reference : Reference
            Its grid.

        Raises
        ------
        OSError
            If there is no such file.
        ValueError
            If it is something else, or has no readable grid.
        """
        if isinstance(given, Reference):
            return given
        if isinstance(given, (str, os.PathLike)):
            return cls.from_file(given)
        if hasattr(given, "space_attributes"):
            return cls(*given.space_attributes)
        if isinstance(given, SpatialImage):
            return cls(given.affine, (*given.shape, 1, 1)[:3])
        if isinstance(getattr(given, "reference", None), Reference):
            return given.reference
        raise ValueError(
            f"a reference is given as {type(given).__name__}: give a Reference, a "
            "StatefulTractogram, an image or the name of a file with one of "
            f"{', '.join(GRID_READERS)}"
        )

    @classmethod
    def covering(
        cls,
        points: np.ndarray | ArraySequence,
        *,
        voxel_size: float = 1.0,
        margin: float = 10.0,
    ) -> Reference:
        """Return a grid in RAS axes around points.

        Parameters
        ----------
        points : ndarray of shape (..., 3) or ArraySequence
            Points (RASMM, mm). Those that are not finite are passed over.
        voxel_size : float, optional
            Edge of a voxel (mm).
        margin : float, optional
            Distance from the outermost points to the border of the grid (mm).

        Returns
        -------
        reference : Reference
            The grid. Its voxel centres are at multiples of the voxel size.

        Raises
        ------
        ValueError
            If there is no finite point, the voxel size is not positive, or the points
            are so far apart that no grid holds them.
        """
        if not voxel_size > 0:
            raise ValueError(f"the voxel size {voxel_size} mm is not positive")
        low, high = extent(points)
        first = np.floor((low - margin) / voxel_size)
        last = np.ceil((high + margin) / voxel_size)
        affine = np.diag([voxel_size, voxel_size, voxel_size, 1.0])
        affine[:3, 3] = first * voxel_size
        return cls(affine, tuple((last - first + 1).tolist()))

    @classmethod
    def from_dict(cls, values: dict) -> Reference:
        """Return the grid of what `to_dict` returned; ValueError if it is damaged."""
        PLAIN_GRID(values, "")
        return cls(**values)

    def to_dict(self) -> dict:
        """Return affine, dimensions, voxel_sizes and voxel_order as plain values."""
        return {
            "affine": self.affine.tolist(),
            "dimensions": list(self.dimensions),
            "voxel_sizes": list(self.voxel_sizes),
            "voxel_order": self.voxel_order,
        }

    @property
    def space_attributes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        """Affine, dimensions, voxel sizes and order as StatefulTractogram has them."""
        return (
            self.affine.copy(),
            np.maximum(self.dimensions, 1).astype(np.int16),
            np.array(self.voxel_sizes, dtype=np.float32),
            self.voxel_order,
        )

    @property
    def is_placeholder(self) -> bool:
        """Whether the grid is one voxel or none, as in files made without an image."""
        return max(self.dimensions) <= 1

    def describe(self) -> str:
        """Return the grid as "grid: 64 x 64 x 3 voxels of 3 x 3 x 3 mm, RAS"."""
        shape = " x ".join(map(str, self.dimensions))
        size = " x ".join(f"{each:g}" for each in self.voxel_sizes)
        return f"grid: {shape} voxels of {size} mm, {self.voxel_order}"

    def matches(self, other: Reference) -> bool:
        """Return whether dimensions are equal, and affines agree to 0.001."""
        return self.dimensions == other.dimensions and np.allclose(
            self.affine, other.affine, rtol=0, atol=1e-3
        )

    def contains(
        self, streamlines: ArraySequence | np.ndarray, *, margin_mm: float = 0.0
    ) -> np.ndarray:
        """Return which streamlines (n,) are in the box with all their points.

        As in DIPY's ``StatefulTractogram.is_bbox_in_vox_valid``, the box ends at the
        outer faces of the outermost voxels, half a voxel beyond their centres.

        Parameters
        ----------
        streamlines : ArraySequence or ndarray of shape (n, nb_points, 3)
            Streamlines (RASMM, mm). A point that is not finite is outside; a streamline
            without points is inside.
        margin_mm : float, optional
            What the box is made smaller by on each side (mm).
        """
        streamlines = to_sequence(streamlines)
        inside = np.ones(len(streamlines), dtype=bool)
        to_voxels = np.linalg.inv(self.affine)
        for rows, points, lengths in blocks(streamlines):
            if self._in_box(to_voxels, _corners(points), margin_mm).all():
                continue
            block, size = as_sequence(points, lengths), _POINTS_LOOKED_AT
            for part, some, sizes in blocks(block, points_per_block=size):
                if not self._in_box(to_voxels, _corners(some), margin_mm).all():
                    inner = self._in_box(to_voxels, some, margin_mm)
                    outside = streamlines_of(np.flatnonzero(~inner), sizes)
                    inside[rows.start + part.start + outside] = False
        return inside

    def _in_box(
        self, to_voxels: np.ndarray, points: np.ndarray, margin_mm: float
    ) -> np.ndarray:
        """Return which points (RASMM, mm) are in the box."""
        with np.errstate(invalid="ignore"):  # infinity times zero
            voxels = apply_affine(to_voxels, points)
        first = -0.5 + margin_mm / np.array(self.voxel_sizes)
        within = (voxels >= first) & (voxels <= np.array(self.dimensions) - 1 - first)
        return within.all(axis=1)


def _corners(points: np.ndarray) -> np.ndarray:
    """Return the eight corners of what points span: inside, if all points are."""
    if not len(points):
        return points
    # NumPy is slow along rows of three numbers: many points make one row.
    if nb_rows := len(points) // 64:
        rows = points[: 64 * nb_rows].reshape(nb_rows, -1)
        few = np.concatenate([rows.min(axis=0), rows.max(axis=0)]).reshape(-1, 3)
        points = np.concatenate([few, points[64 * nb_rows :]])
    ends = zip(points.min(axis=0), points.max(axis=0))
    return np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, 3)
