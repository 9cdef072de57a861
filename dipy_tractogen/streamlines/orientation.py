"""Consistent directions within a bundle.

Tractography stores a streamline from either end. Read backwards, the odd coefficients
of its cosine series change sign and the even ones stay, so making a bundle consistent
is a choice of one sign a streamline. The leading direction of the odd coefficients
gives all the signs at once, and does not depend on the signs they started with.
"""

from __future__ import annotations

import numpy as np

from .geometry import cosine_basis

# Enough odd coefficients to tell a U, a C and an S from their mirror readings.
_NB_COEFFICIENTS = 12
_NB_REFINEMENTS = 10


def orient(points: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Turn streamlines so that those of a bundle run the same way.

    The result does not depend on the direction in which each streamline was stored. A
    bundle runs towards larger coordinates along the axis on which its ends are
    farthest apart.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in RASMM mm, equally spaced.
    labels : ndarray of shape (n,), optional
        Bundle of each streamline; without it all are taken as one bundle.

    Returns
    -------
    ndarray of shape (n, nb_points, 3)
        The same streamlines, some of them reversed; the input is not changed.
    """
    flipped = backwards(points, labels)
    oriented = np.array(points)
    oriented[flipped] = points[flipped, ::-1]
    return oriented


def backwards(points: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Find the streamlines that `orient` reverses.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in RASMM mm, equally spaced.
    labels : ndarray of shape (n,), optional
        Bundle of each streamline; without it all are taken as one bundle.

    Returns
    -------
    ndarray of shape (n,), bool
        True where the streamline runs against its bundle.
    """
    labels = np.zeros(len(points), dtype=int) if labels is None else np.asarray(labels)
    odd = _odd_coefficients(points)
    flipped = np.zeros(len(points), dtype=bool)
    for label in np.unique(labels):
        members = labels == label
        flipped[members] = _signs(odd[members], points[members]) < 0
    return flipped


def _odd_coefficients(points: np.ndarray) -> np.ndarray:
    nb_points = points.shape[1]
    basis = cosine_basis(nb_points, min(_NB_COEFFICIENTS, nb_points))[1::2]
    odd = np.einsum("cp,npk->nck", basis, points, optimize=True)
    return odd.reshape(len(points), -1).astype(float)


def _signs(odd: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Signs, 1 or -1, that make the rows of `odd` agree."""
    # Eigenvectors of the second moment: the same for every choice of the signs.
    _, vectors = np.linalg.eigh(odd.T @ odd)
    direction = vectors[:, -1]
    for _ in range(_NB_REFINEMENTS):
        signs = np.where(odd @ direction < 0, -1.0, 1.0)
        mean = signs @ odd
        if np.allclose(mean, direction):
            break
        direction = mean
    chords = (points[:, -1] - points[:, 0]).astype(float)
    chord = signs @ chords
    return signs if chord[np.argmax(np.abs(chord))] >= 0 else -signs
