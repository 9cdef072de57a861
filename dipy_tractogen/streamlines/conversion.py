"""Streamlines from what holds them: arrays, objects of DIPY and nibabel, files."""

from __future__ import annotations

import os

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import as_sequence, blocks
from .formats.readers import read_tractogram


def as_streamlines(given) -> ArraySequence | np.ndarray:
    """Return streamlines of whatever holds them.

    They are an array, which is returned as it is, a list of arrays, an ArraySequence, a
    BundleSet, the name of a file, or a StatefulTractogram, of which a copy is moved to
    RASMM with the origin at the centre of a voxel. Raises OSError if there is no such
    file, ValueError if it is damaged or something else is given.
    """
    if isinstance(given, (np.ndarray, ArraySequence)):
        return given
    if isinstance(given, (str, os.PathLike)):
        return read_tractogram(given).streamlines
    if hasattr(given, "bundle_names"):
        return given.streamlines
    if hasattr(given, "to_rasmm") and hasattr(given, "to_center"):
        moved = type(given).from_sft(given.streamlines.copy(), given)
        moved.to_rasmm()
        moved.to_center()
        return moved.streamlines
    try:
        return ArraySequence(given)
    except (TypeError, AttributeError, IndexError):
        raise ValueError(
            f"streamlines are given as {type(given).__name__}: give an array of the "
            "shape (n, nb_points, 3), a list of arrays, an ArraySequence, a BundleSet, "
            "a StatefulTractogram or the name of a file"
        ) from None


def to_sequence(streamlines: ArraySequence | np.ndarray) -> ArraySequence:
    """Return what `as_streamlines` takes as an ArraySequence, a view where possible.

    Raises ValueError if the points do not have three coordinates.
    """
    streamlines = as_streamlines(streamlines)
    if isinstance(streamlines, np.ndarray):
        if streamlines.ndim != 3 or streamlines.shape[-1] != 3:
            raise ValueError(
                f"points of the shape {streamlines.shape} are given, and streamlines "
                "are an array of the shape (n, nb_points, 3) or an ArraySequence"
            )
        if streamlines.dtype not in (np.float32, np.float64):
            streamlines = streamlines.astype(np.float32)
        n, nb_points, _ = streamlines.shape
        return as_sequence(streamlines.reshape(-1, 3), np.full(n, nb_points))
    sequence = ArraySequence(streamlines)
    if len(sequence) and sequence.common_shape != (3,):
        raise ValueError(
            f"streamlines with points of the shape {sequence.common_shape} are given, "
            "and a point has three coordinates"
        )
    return sequence


def extent(points: np.ndarray | ArraySequence) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest coordinates (3,) of the finite points, in mm.

    `points` are (..., 3) or what `as_streamlines` takes; ValueError if none is finite.
    """
    if isinstance(points, (list, tuple)) and len(points) and np.ndim(points[0]) < 2:
        points = np.asarray(points)
    points = as_streamlines(points)
    if isinstance(points, np.ndarray):
        points = points.reshape(1, -1, 3)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for _, block, _ in blocks(to_sequence(points)):
        finite = block[np.isfinite(block).all(axis=1)]
        if len(finite):
            low = np.minimum(low, finite.min(axis=0))
            high = np.maximum(high, finite.max(axis=0))
    if not np.isfinite(low).all():
        raise ValueError(
            "no finite point is given: there is nothing to lay a box around"
        )
    return low, high
