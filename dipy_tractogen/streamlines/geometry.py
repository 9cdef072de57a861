"""Geometry of streamlines: resampling, length, curvature, cosine series."""

from __future__ import annotations

from functools import lru_cache
import math

from dipy.tracking.streamlinespeed import length, set_number_of_points
from nibabel.streamlines import ArraySequence
import numpy as np
from scipy.fft import dct

from .array_sequence import as_sequence, blocks, packed, ranks
from .conversion import to_sequence

CHUNK = 512
"""Streamlines that are worked on at once: what is computed of them stays in cache."""

# Shortest end-to-end distance, as a share of the length, that tortuosity divides by:
# a closed loop would otherwise be infinitely tortuous.
_SMALLEST_CHORD = 1e-3


def resample(streamlines, nb_points: int) -> np.ndarray:
    """Return streamlines (n, nb_points, 3), float32, in mm, at equal arc length.

    They are given as `conversion.as_streamlines` takes them. Raises ValueError if
    `nb_points` is below two, or a streamline has fewer than two points.
    """
    check_spacing(nb_points, None)
    sequence = to_sequence(streamlines)
    if len(sequence) == 0:
        return np.zeros((0, nb_points, 3), dtype=np.float32)
    if np.min(sequence._lengths) < 2:
        raise ValueError(
            "A streamline has fewer than two points and cannot be resampled: "
            "load it with load_bundles, which drops and counts such streamlines."
        )
    resampled = set_number_of_points(sequence, nb_points=nb_points)
    # get_data() would loop over the streamlines.
    points = resampled._data.reshape(len(sequence), nb_points, 3)
    return np.ascontiguousarray(points, dtype=np.float32)


def lengths(points: np.ndarray) -> np.ndarray:
    """Return the lengths (n,) of streamlines (n, p, 3), in mm, float64."""
    found = np.zeros(len(points))
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        found[part] = _sizes(np.diff(points[part], axis=1)).sum(axis=1, dtype=float)
    return found


def arc_lengths(streamlines: ArraySequence | np.ndarray) -> np.ndarray:
    """Return the length of each streamline (n,) in mm along its own number of points.

    Zero where there are fewer than two points.
    """
    found = [np.zeros(0)]
    for _, points, sizes in blocks(to_sequence(streamlines)):
        if len(points):
            found.append(np.asarray(length(as_sequence(points, sizes)), dtype=float))
        else:
            found.append(np.zeros(len(sizes)))
    return np.concatenate(found)


def mean_curvature(points: np.ndarray) -> np.ndarray:
    """Return the mean curvature of each streamline (n,) in 1/mm; see `curvature`."""
    return np.mean(curvature(points), axis=1)


def curvature(points: np.ndarray) -> np.ndarray:
    """Return the curvature at the inner points of streamlines, (n, p - 2), in 1/mm.

    Points (n, p, 3) are in mm, equally spaced, at least three. The curvature at an
    inner point is the angle between its two segments, over the mean of their lengths.
    """
    steps = np.diff(np.asarray(points, dtype=float), axis=1)
    sizes = _sizes(steps)
    before, after = steps[:, :-1], steps[:, 1:]
    # atan2 of cross and dot keeps its precision for the small angles of streamlines,
    # where arccos does not.
    sine = _sizes(np.cross(before, after))
    cosine = np.einsum("npk,npk->np", before, after)
    spacing = np.maximum((sizes[:, :-1] + sizes[:, 1:]) / 2, np.finfo(float).tiny)
    return np.arctan2(sine, cosine) / spacing


def tortuosity(points: np.ndarray, lengths_mm: np.ndarray | None = None) -> np.ndarray:
    """Return length over end-to-end distance (n,): 1 (straight) to 1,000 (loop).

    Points (n, p, 3) are in mm; `lengths_mm` (n,) are those along the points by default.
    """
    size = lengths(points) if lengths_mm is None else np.asarray(lengths_mm, float)
    chord = np.linalg.norm(points[:, -1] - points[:, 0], axis=-1)
    floor = np.maximum(_SMALLEST_CHORD * size, np.finfo(float).tiny)
    return np.maximum(size, floor) / np.maximum(chord, floor)


def _sizes(vectors: np.ndarray) -> np.ndarray:
    """Return norms of vectors (..., 3); numpy's own are slow for three numbers."""
    squares = vectors * vectors
    total = squares[..., 0] + squares[..., 1]
    total += squares[..., 2]
    return np.sqrt(total)


@lru_cache(maxsize=16)
def cosine_basis(nb_points: int, nb_coefficients: int) -> np.ndarray:
    """Return the orthonormal DCT-II basis (nb_coefficients, nb_points), read-only.

    A streamline is smooth, so its first coefficients, ``basis @ points``, hold nearly
    all of it :footcite:p:`Chung2010`; ``basis.T @ coefficients`` are the points.
    Squared errors summed over coefficients and over points are the same.

    References
    ----------
    .. footbibliography::
    """
    if not 1 <= nb_coefficients <= nb_points:
        raise ValueError(
            f"nb_coefficients={nb_coefficients}: give 1 to nb_points={nb_points}."
        )
    # The transforms of unit vectors are the columns of the basis.
    basis = dct(np.eye(nb_points), type=2, norm="ortho", axis=0)[:nb_coefficients]
    basis = np.ascontiguousarray(basis, dtype=np.float32)
    basis.flags.writeable = False
    return basis


def respace(
    points: np.ndarray | ArraySequence,
    nb_points: int | None = None,
    step_size: float | None = None,
) -> np.ndarray | ArraySequence:
    """Return streamlines of a number of points or a step size (mm), or as they are.

    Streamlines (n, p, 3), or a sequence, are in mm. The ends stay where they are; a
    step size gives an ArraySequence. Raises ValueError as `check_spacing` does.
    """
    check_spacing(nb_points, step_size)
    if step_size is not None:
        return resample_by_step(points, step_size)
    is_array = isinstance(points, np.ndarray)
    if nb_points is None or (is_array and nb_points == points.shape[1]):
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


def resample_by_step(
    streamlines: np.ndarray | ArraySequence, step_size: float
) -> ArraySequence:
    """Resample streamlines to equal steps of about a given size.

    Each streamline gets the number of steps, one at least, that brings their size, an
    arc length, closest to the one asked for. Its ends stay where they are.

    Parameters
    ----------
    streamlines : ArraySequence or ndarray of shape (n, p, 3)
        Points in mm, two of a streamline at least.
    step_size : float
        Distance of neighbouring points along the streamline, in mm; positive.

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
    sequence = to_sequence(streamlines)
    if not len(sequence):
        return sequence
    points, given = packed(sequence)
    first = np.cumsum(given) - given
    last = first + given - 1
    # All streamlines one after the other, a millimetre apart, so that one search finds
    # the place of every new point.
    along = np.zeros(len(points))
    gaps = _sizes(np.diff(points, axis=0)).astype(float)
    gaps[last[:-1]] = 1
    np.cumsum(gaps, out=along[1:])
    starts, sizes = along[first], along[last] - along[first]
    counts = np.maximum(np.rint(sizes / step_size), 1).astype(np.intp) + 1
    offsets = np.cumsum(counts) - counts
    wanted = np.repeat(sizes / (counts - 1), counts) * ranks(counts)
    wanted += np.repeat(starts, counts)
    resampled = np.empty((len(wanted), 3), dtype=np.float32)
    for axis in range(3):
        resampled[:, axis] = np.interp(wanted, along, points[:, axis])
    resampled[offsets] = points[first]
    resampled[offsets + counts - 1] = points[last]
    return as_sequence(resampled, counts)
