"""Streamlines that occur more than once in a set."""

from __future__ import annotations

from collections.abc import Mapping

from nibabel.streamlines import ArraySequence
import numpy as np

from .conversion import to_sequence
from .geometry import resample

DUPLICATE_MM = 0.01
"""Streamlines that are nearer are one and the same: formats round differently, and
tracking never gives one twice."""

_NB_POINTS = 20
_BLOCK = 65536
# Whole numbers of hundredths of a millimetre, far beyond any brain.
_LARGEST_STEP = 2**31 - 1


def _duplicate_keys(streamlines: ArraySequence | np.ndarray) -> np.ndarray:
    """Return a number for each streamline, (n,), int64, that is equal for its copies.

    Copies have the same points at equal arc length, to 0.01 mm, from either end. Each
    streamline has two points or more (mm).
    """
    streamlines = to_sequence(streamlines)
    factors = np.random.default_rng(0).integers(1, 2**62, 3 * _NB_POINTS) * 2 + 1
    keys = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(streamlines), _BLOCK):
        points = resample(streamlines[start : start + _BLOCK], _NB_POINTS)
        steps = np.rint(points.astype(float) / DUPLICATE_MM)
        steps = np.clip(steps, -_LARGEST_STEP, _LARGEST_STEP).astype(np.int64)
        # The first coordinate in which the ends differ tells the direction.
        ends = steps[:, -1] - steps[:, 0]
        first = np.argmax(ends != 0, axis=1)[:, None]
        against = np.take_along_axis(ends, first, axis=1)[:, 0] < 0
        steps[against] = steps[against, ::-1]
        # A sum modulo 2**64 is a hash; different streamlines hardly ever share one.
        keys.append(steps.reshape(len(steps), -1) @ factors)
    return np.concatenate(keys)


def count_duplicates(
    streamlines: ArraySequence | np.ndarray, labels: np.ndarray | None = None
) -> int:
    """Return how many streamlines are copies of others of their set or bundle.

    Bundles may share streamlines: with `labels` (n,) those of two bundles are no
    copies.
    """
    keys = _duplicate_keys(streamlines)
    if labels is not None:
        keys = np.column_stack([keys, labels])
    return len(keys) - len(np.unique(keys, axis=0))


def first_occurrences(streamlines: ArraySequence | np.ndarray) -> np.ndarray:
    """Return for each streamline the index of the first that is the same, (n,)."""
    _, first, of = np.unique(
        _duplicate_keys(streamlines), return_index=True, return_inverse=True
    )
    return first[of]


def describe_duplicates(
    sets: Mapping[str, tuple[ArraySequence | np.ndarray, np.ndarray | None]],
) -> list[str]:
    """Return a sentence about each set of streamlines and labels that holds copies."""
    found = {
        name: (count_duplicates(*each), len(each[0])) for name, each in sets.items()
    }
    return [
        " ".join(["Of the", str(total), *name.split(), "streamlines", str(copies)])
        + " are copies of others of them"
        for name, (copies, total) in found.items()
        if copies
    ]
