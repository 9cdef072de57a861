"""Streamlines of varying length as flat arrays, without a loop over streamlines.

An `ArraySequence` of nibabel holds all points in one array, with an offset and a
length for each streamline. Its public methods walk the streamlines one by one in
Python; the functions of this module work on the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import os

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.memmap import release

#: Points that are worked on at a time: 24 MB of float32, whatever the tractogram.
POINTS_PER_BLOCK = 2_000_000

# Streamlines of a mapped file that are read at a time: where they lie apart, the system
# maps 64 KB around each.
_MOST_MAPPED = 1024


def as_sequence(
    points: np.ndarray, lengths: np.ndarray, offsets: np.ndarray | None = None
) -> ArraySequence:
    """Build a sequence of streamlines around flat arrays, without copying them.

    Parameters
    ----------
    points : ndarray of shape (nb_points_in_all, 3)
        Points of all streamlines (mm).
    lengths : ndarray of int, shape (n,)
        Number of points of each streamline.
    offsets : ndarray of int, shape (n,), optional
        First point of each; one streamline comes after the other without them.

    Returns
    -------
    streamlines : ArraySequence
        The n streamlines.
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    streamlines = ArraySequence()
    streamlines._data = points
    streamlines._lengths = lengths
    streamlines._offsets = np.cumsum(lengths) - lengths if offsets is None else offsets
    return streamlines


def as_streamlines(given) -> ArraySequence | np.ndarray:
    """Return streamlines of whatever holds them.

    Parameters
    ----------
    given : ArraySequence, ndarray, list of ndarray, StatefulTractogram, BundleSet, \
str or Path
        Streamlines (mm). Those of a StatefulTractogram are copied to RASMM with the
        origin at the centre of a voxel; the file of a path is read.

    Returns
    -------
    streamlines : ArraySequence or ndarray
        An array as it is given, and a sequence otherwise.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If it is something else, or the file is damaged.
    """
    if isinstance(given, (np.ndarray, ArraySequence)):
        return given
    if isinstance(given, (str, os.PathLike)):
        from .formats.readers import read_tractogram

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
    """Return streamlines in the one form that this package works on.

    Parameters
    ----------
    streamlines : ArraySequence, ndarray of shape (n, nb_points, 3) or list of ndarray
        Streamlines (mm), or what else `as_streamlines` takes.

    Returns
    -------
    streamlines : ArraySequence
        A view of the same points where that is possible.

    Raises
    ------
    ValueError
        If the points do not have three coordinates.
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


def concatenated(
    parts: Sequence[np.ndarray] | Sequence[ArraySequence],
) -> np.ndarray | ArraySequence:
    """Put streamlines of several arrays, or of several sequences, into one.

    Parameters
    ----------
    parts : sequence of ndarray of shape (m, nb_points, 3), or of ArraySequence
        Streamlines (mm), one part at least; sequences as `as_sequence` builds them.

    Returns
    -------
    ndarray of shape (n, nb_points, 3) or ArraySequence
        All of them.
    """
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return as_sequence(
        np.concatenate([part._data for part in parts]),
        np.concatenate([part._lengths for part in parts]),
    )


def blocks(
    streamlines: ArraySequence, *, points_per_block: int = POINTS_PER_BLOCK
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Walk through streamlines in blocks of bounded memory.

    Of points in a mapped file none are kept from one block to the next.

    Parameters
    ----------
    streamlines : ArraySequence
        Streamlines, which may be a view with holes or in another order.
    points_per_block : int, optional
        Points in a block, about. A block has one streamline at least.

    Yields
    ------
    rows : slice
        Streamlines of the block.
    points : ndarray of shape (nb_points_in_block, 3)
        Their points (mm); a view where they lie side by side.
    lengths : ndarray of int, shape (nb_streamlines_in_block,)
        Their numbers of points.
    """
    lengths = np.asarray(streamlines._lengths, dtype=np.intp)
    offsets = np.asarray(streamlines._offsets, dtype=np.intp)
    ends = np.cumsum(lengths)
    most = _MOST_MAPPED if isinstance(streamlines._data, np.memmap) else len(lengths)
    start = 0
    while start < len(lengths):
        done = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, done + points_per_block, side="right"))
        rows = slice(start, max(min(stop, start + most), start + 1))
        yield (
            rows,
            _gather(streamlines._data, offsets[rows], lengths[rows]),
            lengths[rows],
        )
        release(streamlines._data)
        start = rows.stop


def _gather(data: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the points of streamlines, side by side."""
    if data.ndim != 2:  # nibabel's empty sequence has no second dimension
        return data.reshape(0, 3)
    starts = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    if np.array_equal(offsets - offsets[0], starts):
        return data[offsets[0] : offsets[0] + total]
    return data[np.repeat(offsets - starts, lengths) + np.arange(total)]


def take(
    streamlines: ArraySequence, indices: np.ndarray, *, dtype: np.dtype = np.float32
) -> ArraySequence:
    """Copy some streamlines into a sequence of their own, side by side.

    Parameters
    ----------
    streamlines : ArraySequence
        Streamlines (mm).
    indices : ndarray of bool or int
        Which streamlines, and in which order.
    dtype : dtype, optional
        Type of the copied points.

    Returns
    -------
    streamlines : ArraySequence
        The chosen streamlines.
    """
    chosen = streamlines[np.asarray(indices)]
    lengths = np.asarray(chosen._lengths, dtype=np.intp)
    points = np.empty((int(lengths.sum()), 3), dtype=dtype)
    filled = 0
    for _, block, _ in blocks(chosen):
        points[filled : filled + len(block)] = block
        filled += len(block)
    return as_sequence(points, lengths)


def lengths_between(offsets: np.ndarray, nb_points: int) -> np.ndarray:
    """Compute numbers of points from where each streamline of a file begins.

    Parameters
    ----------
    offsets : ndarray of int, shape (n + 1,)
        First point of each streamline, and the end of the last one.
    nb_points : int
        Points in all.

    Returns
    -------
    lengths : ndarray of int, shape (n,)
        Number of points of each streamline.

    Raises
    ------
    ValueError
        If an offset is not among the points, or the offsets are out of order.
    """
    beyond = np.flatnonzero((offsets < 0) | (offsets > nb_points))
    if len(beyond):
        raise ValueError(
            f"streamline {beyond[0]} begins at point {offsets[beyond[0]]}, and there "
            f"are {nb_points}"
        )
    lengths = np.diff(offsets.astype(np.intp))
    if (lengths < 0).any():
        raise ValueError(
            f"streamline {np.argmax(lengths < 0)} ends before it begins: its offsets "
            "are out of order"
        )
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != nb_points:
        raise ValueError("its offsets do not fit its points")
    return lengths


def streamlines_of(points: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the streamlines to which points belong.

    Parameters
    ----------
    points : ndarray of int, shape (k,)
        Numbers of points, counted through all streamlines.
    lengths : ndarray of int, shape (n,)
        Number of points of each streamline.

    Returns
    -------
    rows : ndarray of int
        Streamlines that hold at least one of the points, in order.
    """
    return np.unique(np.searchsorted(np.cumsum(lengths), points, side="right"))


def extent(points: np.ndarray | ArraySequence) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest coordinates.

    Parameters
    ----------
    points : ndarray of shape (..., 3) or ArraySequence
        Points (mm). Those that are not finite are passed over.

    Returns
    -------
    low, high : ndarray of shape (3,)
        Opposite corners of the box around the points (mm).

    Raises
    ------
    ValueError
        If there is no finite point.
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
