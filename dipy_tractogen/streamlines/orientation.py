"""Consistent directions within a bundle.

Tractography stores a streamline from either end. Read backwards, the odd coefficients
of its cosine series change sign and the even ones stay, so that one sign a streamline
makes a bundle consistent. The leading direction of the odd coefficients gives all signs
at once, and does not depend on the signs at the start.
"""

from __future__ import annotations

from nibabel.streamlines import ArraySequence
import numpy as np

from .array_sequence import as_sequence, ranks
from .geometry import cosine_basis

# Enough odd coefficients to tell a U, a C and an S from their mirror readings.
_NB_ODD = 6
_NB_REFINEMENTS = 20
_BLOCK = 65536


def odd_coefficients(points: np.ndarray) -> np.ndarray:
    """Return the first odd cosine coefficients (n, 18) of streamlines, in mm.

    They change sign where a streamline is read backwards. Points (n, p, 3) are equally
    spaced, in RASMM mm; coefficients that they cannot hold are zero.
    """
    nb_points = points.shape[1]
    basis = cosine_basis(nb_points, min(2 * _NB_ODD, nb_points))[1::2]
    odd = np.zeros((len(points), _NB_ODD, 3))
    odd[:, : len(basis)] = np.einsum("cp,npk->nck", basis, points, optimize=True)
    return odd.reshape(len(points), -1)


def bundle_directions(
    odd: np.ndarray, labels: np.ndarray, nb_bundles: int
) -> np.ndarray:
    """Return the odd coefficients (nb_bundles, 18) of mean streamlines, in mm.

    They do not depend on the direction in which each streamline is stored: a bundle
    runs towards larger coordinates along the axis on which its ends are farthest apart.
    Zero for a bundle without streamlines.
    """
    directions = np.zeros((nb_bundles, odd.shape[1]))
    for label in range(nb_bundles):
        members = labels == label
        if members.any():
            directions[label] = _common_direction(odd[members].astype(float))
    return directions


def stored_reversed(
    odd: np.ndarray, labels: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Return which streamlines (n,) are stored against their bundle's direction."""
    backwards = np.zeros(len(odd), dtype=bool)
    for start in range(0, len(odd), _BLOCK):
        rows = slice(start, start + _BLOCK)
        agreement = np.einsum("nk,nk->n", odd[rows], directions[labels[rows]])
        backwards[rows] = agreement < 0
    return backwards


def reverse(points: np.ndarray, backwards: np.ndarray) -> np.ndarray:
    """Return a copy of streamlines (n, p, 3), of which those marked are reversed."""
    oriented = np.array(points)
    oriented[backwards] = points[backwards, ::-1]
    return oriented


def reverse_streamlines(
    streamlines: ArraySequence, backwards: np.ndarray
) -> ArraySequence:
    """Return a copy of streamlines of which those marked (n,) are reversed."""
    counts = np.asarray(streamlines._lengths, dtype=np.intp)
    within = ranks(counts)
    last = np.repeat(counts - 1, counts)
    within = np.where(np.repeat(backwards, counts), last - within, within)
    within += np.repeat(np.asarray(streamlines._offsets), counts)
    return as_sequence(streamlines._data[within], counts)


def _common_direction(odd: np.ndarray) -> np.ndarray:
    """Mean of the rows of `odd` after the choice of signs that makes them agree."""
    # The second moment does not depend on the signs.
    _, vectors = np.linalg.eigh(odd.T @ odd)
    direction = vectors[:, -1]
    for _ in range(_NB_REFINEMENTS):
        signs = np.where(odd @ direction < 0, -1.0, 1.0)
        mean = signs @ odd / len(odd)
        if np.allclose(mean, direction):
            break
        direction = mean
    # Every odd cosine falls from its first point to its last, so a negative sum of
    # coefficients is a mean streamline that rises along the axis.
    rise = -direction.reshape(_NB_ODD, 3).sum(axis=0)
    return direction if rise[np.argmax(np.abs(rise))] >= 0 else -direction
