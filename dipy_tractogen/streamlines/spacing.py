"""Streamlines of different lengths with points at steps of one size."""

from __future__ import annotations

import math

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import as_sequence
from .geometry import resample


def respaced(
    points: np.ndarray, nb_points: int | None = None, step_size: float | None = None
) -> np.ndarray | ArraySequence:
    """Return streamlines of a number of points or a step size (mm), or as they are.

    Points (n, p, 3) are in mm. The ends stay where they are; a step size gives an
    ArraySequence. Raises ValueError as `check_spacing` does.
    """
    check_spacing(nb_points, step_size)
    if step_size is not None:
        return resample_by_step(points, step_size)
    if nb_points in (None, points.shape[1]):
        return points
    return resample(points, nb_points)


def check_spacing(nb_points: int | None, step_size: float | None) -> None:
    """Raise ValueError if both are given, or one is impossible."""
    if nb_points is not None and step_size is not None:
        raise ValueError(
            f"nb_points={nb_points} and step_size={step_size}: give one of them."
        )
    if nb_points is not None and nb_points < 2:
        raise ValueError(f"nb_points={nb_points}: a streamline needs two or more.")
    if step_size is not None and not (math.isfinite(step_size) and step_size > 0):
        raise ValueError(f"step_size={step_size}: give a positive number of mm.")


def resample_by_step(points: np.ndarray, step_size: float) -> ArraySequence:
    """Resample streamlines to equal steps of about a given size.

    Each streamline gets the whole number of steps, one at least, that brings their
    size, an arc length, closest to the one asked for. Its ends stay where they are.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in mm.
    step_size : float
        Distance of neighbouring points along the streamline, in mm.

    Returns
    -------
    ArraySequence
        The n streamlines, float32 points in mm, of different numbers of points.

    Raises
    ------
    ValueError
        If the step is not a positive number.
    """
    check_spacing(None, step_size)
    along = _distances_along(points)
    sizes = along[:, -1]
    counts = np.maximum(np.rint(sizes / step_size), 1).astype(np.intp) + 1
    offsets = np.cumsum(counts) - counts
    # All streamlines one after the other, a millimetre apart, so that one search finds
    # the place of every new point.
    starts = np.cumsum(sizes + 1) - (sizes + 1)
    known = (along + starts[:, None]).ravel()
    rank = np.arange(counts.sum()) - np.repeat(offsets, counts)
    wanted = np.repeat(sizes / (counts - 1), counts) * rank + np.repeat(starts, counts)
    resampled = np.empty((len(wanted), 3), dtype=np.float32)
    for axis in range(3):
        resampled[:, axis] = np.interp(wanted, known, points[..., axis].ravel())
    resampled[offsets] = points[:, 0]
    resampled[offsets + counts - 1] = points[:, -1]
    return as_sequence(resampled, counts)


def _distances_along(points: np.ndarray) -> np.ndarray:
    """Distance of each point (n, nb_points) from the start along its streamline."""
    along = np.zeros(points.shape[:2])
    steps = np.diff(points, axis=1)
    np.cumsum(np.sqrt(np.einsum("npk,npk->np", steps, steps)), axis=1, out=along[:, 1:])
    return along
