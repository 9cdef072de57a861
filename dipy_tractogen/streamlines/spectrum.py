"""Shape and texture of streamlines: cosine coefficients, energy of waves, curvature."""

from __future__ import annotations

from collections.abc import Sequence

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import take
from .conversion import to_sequence
from .geometry import arc_lengths, cosine_basis, curvature, resample
from .orientation import (
    bundle_directions,
    odd_coefficients,
    reverse,
    stored_reversed,
)

NB_POINTS = 128
"""Points, at equal arc length, that spectra are of."""

NB_SHAPE = 24
"""Cosine coefficients that are the shape; those of higher orders are the texture."""

BANDS = tuple(
    (int(orders[0]), int(orders[-1]))
    for orders in np.array_split(np.arange(NB_SHAPE, NB_POINTS), 8)
)
"""First and last order of the bands of texture; order k has waves of 2 length / k."""

# Steps that differ by less are the same: needless interpolation is smoothing.
_SAME = 0.1
# Energy in mm2 below which there is none: float32 coordinates round to 1e-5 mm.
_NO_ENERGY = 1e-9


def comparable_points(
    sets: Sequence[ArraySequence | np.ndarray],
) -> tuple[list[np.ndarray], float]:
    """Return sets of streamlines (n, 128, 3) without detail that another set lacks.

    The step of a set is the median over its streamlines, and the larger one in mm is
    returned, too. The set that has it is taken as it is: one interpolation more is
    smoothing, which classifiers find. The finer streamlines of other sets are
    interpolated linearly at about this step, or, if all streamlines of the coarsest set
    have the same number of points, at this number.
    """
    sequences = [to_sequence(each) for each in sets]
    finer, step_mm = finer_streamlines(sequences)
    found = []
    for sequence, groups in zip(sequences, finer):
        points = resample(sequence, NB_POINTS)
        for count, rows in groups:
            points[rows] = resample(resample(take(sequence, rows), count), NB_POINTS)
        found.append(points)
    return found, step_mm


def finer_streamlines(
    sequences: Sequence[ArraySequence],
) -> tuple[list[list[tuple[int, np.ndarray]]], float]:
    """Return which streamlines of sets have detail that another set lacks.

    For each set these are groups of rows with the number of points that they are to be
    interpolated at, as `comparable_points` says; the larger step in mm follows.
    """
    usual = [float(np.median(_steps(each))) for each in sequences]
    step_mm = max(usual)
    counts = np.unique(sequences[usual.index(step_mm)]._lengths)
    nb_points = int(counts[0]) if len(counts) == 1 else None
    found = []
    for sequence, own in zip(sequences, usual):
        groups = []
        if own < (1 - _SAME) * step_mm:
            wanted = np.maximum(np.rint(arc_lengths(sequence) / step_mm), 1) + 1
            if nb_points is not None:
                wanted[:] = nb_points
            wanted = wanted.astype(int)
            is_finer = (1 - _SAME) * (sequence._lengths - 1) > wanted - 1
            groups = [
                (int(count), np.flatnonzero(is_finer & (wanted == count)))
                for count in np.unique(wanted[is_finer])
            ]
        found.append(groups)
    return found, step_mm


def against_bundle(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return which streamlines (n, p, 3) run against their bundle, by labels (n,)."""
    _, bundles = np.unique(labels, return_inverse=True)
    odd = odd_coefficients(points)
    directions = bundle_directions(odd, bundles, bundles.max() + 1)
    return stored_reversed(odd, bundles, directions)


def in_direction_of_bundle(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return points (n, p, 3) in the direction of their bundle, by labels (n,)."""
    return reverse(points, against_bundle(points, labels))


def shape_features(points: np.ndarray) -> np.ndarray:
    """Return the first cosine coefficients (n, 24 * 3) of points (n, 128, 3), in mm.

    They are in the order of their orders, and of the axes of each.
    """
    return _coefficients(points)[:, :NB_SHAPE].reshape(len(points), -1)


def texture_features(points: np.ndarray) -> np.ndarray:
    """Return log energies and statistics of curvature (n, 8 + 4) of points (n, 128, 3).

    Energies in mm2 are of `BANDS`; the statistics are mean, deviation, largest and
    median, in 1/mm.
    """
    curved = curvature(points)
    statistics = (np.mean, np.std, np.max, np.median)
    return np.stack(
        [
            *_log_energies(_coefficients(points)).T,
            *(statistic(curved, axis=1) for statistic in statistics),
        ],
        axis=1,
    )


def profile_features(values: np.ndarray) -> np.ndarray:
    """Return coefficients and log energies (n, 24 + 8) of values (n, 128) at points.

    They are those of the shape and of the texture of points. Values are about as large
    as their deviation.
    """
    coefficients = _coefficients(values[..., np.newaxis])
    return np.hstack([coefficients[:, :NB_SHAPE, 0], _log_energies(coefficients)])


def _log_energies(coefficients: np.ndarray) -> np.ndarray:
    """Return the logarithm of the energy in the bands (n, 8) of coefficients."""
    energy = (coefficients**2).sum(axis=-1)
    bands = [energy[:, first : last + 1].sum(axis=1) for first, last in BANDS]
    return np.stack([np.log(band + _NO_ENERGY) for band in bands], axis=1)


def _coefficients(points: np.ndarray) -> np.ndarray:
    # float64, as the energy of fine waves is a millionth of that of the shape.
    return np.matmul(cosine_basis(NB_POINTS, NB_POINTS), points.astype(float))


def _steps(streamlines: ArraySequence | np.ndarray) -> np.ndarray:
    """Return the mean step (n,) of each streamline, in mm."""
    sequence = to_sequence(streamlines)
    return arc_lengths(sequence) / np.maximum(sequence._lengths - 1, 1)
