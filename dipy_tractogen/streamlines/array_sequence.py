"""Streamlines of different lengths as flat arrays, without a loop over streamlines.

An `ArraySequence` of nibabel holds all points in one array, with an offset and a length
for each streamline. Its public methods loop over streamlines in Python; the functions
of this module use the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.memmap import release_pages

#: Points of a block: 24 MB of float32, whatever the tractogram.
POINTS_PER_BLOCK = 2_000_000

# Streamlines of a mapped file that are read at once: the system reads 64 KB around each
# that lies apart.
_MOST_MAPPED = 1024


def as_sequence(
    points: np.ndarray, lengths: np.ndarray, offsets: np.ndarray | None = None
) -> ArraySequence:
    """Return a sequence of streamlines around flat arrays, without copying the points.

    `points` (nb_points_in_all, 3) are in mm, `lengths` (n,) numbers of points;
    `offsets` (n,) are the first points, by default one streamline after the other.
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    streamlines = ArraySequence()
    streamlines._data = points
    streamlines._lengths = lengths
    streamlines._offsets = np.cumsum(lengths) - lengths if offsets is None else offsets
    return streamlines


def concatenate_streamlines(
    parts: Sequence[np.ndarray] | Sequence[ArraySequence],
) -> np.ndarray | ArraySequence:
    """Return the streamlines of several arrays, or several sequences, in one."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return as_sequence(
        np.concatenate([part._data for part in parts]),
        np.concatenate([part._lengths for part in parts]),
    )


def blocks(
    streamlines: ArraySequence, *, points_per_block: int = POINTS_PER_BLOCK
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield streamlines in blocks of about `points_per_block` points: bounded memory.

    Each is the slice of its streamlines, their points (k, 3) in mm, a view where they
    lie side by side, and their numbers of points (m,). Streamlines may have holes or be
    in another order; of a mapped file nothing is kept from one block to the next.
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
        release_pages(streamlines._data)
        start = rows.stop


def _gather(data: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the points of streamlines, side by side."""
    if data.ndim != 2:  # nibabel's empty sequence has no second dimension
        return data.reshape(0, 3)
    starts = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    if np.array_equal(offsets - offsets[0], starts):
        return data[offsets[0] : offsets[0] + total]
    rows = np.repeat(offsets - starts, lengths) + np.arange(total)
    # Several times as fast as an index.
    return np.take(np.asarray(data), rows, axis=0)


def ranks(counts: np.ndarray) -> np.ndarray:
    """Return the place of each point in its streamline, from 0 on, (N,).

    Streamlines have `counts` (n,) points and lie side by side; other things that are in
    groups are counted alike.
    """
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def equal_counts(
    counts: np.ndarray, offsets: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield streamlines (m,) of one number of points p, and their places (m, p).

    Streamlines have `counts` (n,) points, of which the first are at `offsets` (n,).
    """
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        yield rows, offsets[rows][:, None] + np.arange(count)


def packed(streamlines: ArraySequence) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (N, 3) of streamlines side by side, and their numbers (n,)."""
    lengths = np.asarray(streamlines._lengths, dtype=np.intp)
    offsets = np.asarray(streamlines._offsets, dtype=np.intp)
    return _gather(streamlines._data, offsets, lengths), lengths


def coordinates_of(
    streamlines: np.ndarray | ArraySequence,
) -> np.ndarray | ArraySequence:
    """Return streamlines without what their points have beside three coordinates.

    They are an array (n, p, 3 + v) or a sequence, which stay as they are where their
    points have no more.
    """
    if isinstance(streamlines, np.ndarray):
        return _first_three(streamlines)
    points = _first_three(streamlines._data)
    return as_sequence(points, streamlines._lengths, streamlines._offsets)


def _first_three(columns: np.ndarray) -> np.ndarray:
    """Return the first three of columns (..., k), side by side."""
    if columns.shape[-1] == 3:
        return np.ascontiguousarray(columns)
    points = np.empty((*columns.shape[:-1], 3), dtype=columns.dtype)
    # Three times as fast as rows of three numbers.
    for axis in range(3):
        points[..., axis] = columns[..., axis]
    return points


def select(
    streamlines: np.ndarray | ArraySequence, indices: np.ndarray
) -> np.ndarray | ArraySequence:
    """Return a copy of some streamlines of an array (n, p, 3) or a sequence."""
    if isinstance(streamlines, np.ndarray):
        return streamlines[indices]
    return take(streamlines, indices)


def take(
    streamlines: ArraySequence, indices: np.ndarray, *, dtype: np.dtype = np.float32
) -> ArraySequence:
    """Return a copy of the streamlines at `indices`, in that order, side by side.

    What their points have beside three coordinates is copied with them.
    """
    chosen = streamlines[np.asarray(indices)]
    width = chosen._data.shape[1] if chosen._data.ndim == 2 else 3
    points = np.empty((int(np.sum(chosen._lengths)), width), dtype=dtype)
    return gather(chosen, points)


def gather(streamlines: ArraySequence, out: np.ndarray) -> ArraySequence:
    """Return streamlines side by side, their points copied to `out` (N, k)."""
    filled = 0
    for _, block, _ in blocks(streamlines):
        out[filled : filled + len(block)] = block
        filled += len(block)
        release_pages(out)
    return as_sequence(out, streamlines._lengths)


def lengths_between(offsets: np.ndarray, nb_points: int) -> np.ndarray:
    """Return numbers of points (n,) from the places where streamlines begin.

    `offsets` (n + 1,) end with that of the end. Raises ValueError if they are out of
    order or do not fit the points.
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
    """Return the streamlines that points belong to, sorted and each once.

    `points` count through all streamlines, whose numbers of points are `lengths` (n,).
    """
    return np.unique(np.searchsorted(np.cumsum(lengths), points, side="right"))
