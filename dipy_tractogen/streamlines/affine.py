"""Affines of voxel grids: directions of their axes, and points transformed by them."""

from __future__ import annotations

from nibabel.orientations import aff2axcodes
import numpy as np

_AXES = {"L": 0, "R": 0, "P": 1, "A": 1, "I": 2, "S": 2}
# Volume of a voxel of a tenth of a micrometre (mm3).
_SMALLEST_VOXEL = 1e-12


def check_affine(affine: np.ndarray | None, what: str = "its affine") -> None:
    """Raise ValueError for what is not finite, not 4 by 4, or cannot be inverted."""
    if affine is None or affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise ValueError(f"{what} is not 4 by 4 finite numbers")
    if abs(np.linalg.det(affine[:3, :3].astype(float))) < _SMALLEST_VOXEL:
        raise ValueError(f"{what} is flat and cannot be inverted: give three axes")


def transform_points(
    points: np.ndarray, affine: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Return points (n, 3) after an affine (4, 4), computed in float64, as float32.

    They are written to `out`, where it is given. Axis by axis: a product of matrices is
    slower.
    """
    x, y, z = points.T.astype(np.float64)
    found = np.empty(points.shape, dtype=np.float32) if out is None else out
    with np.errstate(invalid="ignore"):  # infinity times zero
        for axis, (a, b, c, d) in enumerate(affine[:3].astype(np.float64)):
            found[:, axis] = a * x + b * y + c * z + d
    return found


def axis_codes(affine: np.ndarray) -> str:
    """Return the directions nearest to the axes of a grid, such as "RAS".

    Raises ValueError if two axes cannot be told apart.
    """
    codes = aff2axcodes(affine)
    if None in codes:
        raise ValueError(f"the axes of the grid cannot be told apart: {codes}")
    return "".join(codes)


def voxel_order(given: str | bytes) -> str:
    """Return an order of axes in capital letters; ValueError if it is none."""
    text = given.decode("latin-1") if isinstance(given, bytes) else str(given)
    text = text.removeprefix("b'").removesuffix("'")  # as early model files have it
    order = text.strip("\0 ").upper()
    if sorted(_AXES.get(letter, -1) for letter in order) != [0, 1, 2]:
        raise ValueError(
            f"the voxel order {text[:20]!r} is none: give one of L and R, of P and A, "
            "and of I and S, such as RAS or LPS"
        )
    return order
