"""Point error of reconstructed streamlines."""

from __future__ import annotations

import numpy as np


def point_errors(original: np.ndarray, reconstructed: np.ndarray) -> np.ndarray:
    """Mean point error of each streamline.

    Parameters
    ----------
    original : ndarray of shape (n, nb_points, 3)
        Points in mm.
    reconstructed : ndarray of shape (n, nb_points, 3)
        The points that came back, in the same order and direction.

    Returns
    -------
    ndarray of shape (n,), float64
        Mean distance of corresponding points, in mm.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    original, reconstructed = np.asarray(original), np.asarray(reconstructed)
    if original.shape != reconstructed.shape or original.ndim != 3:
        raise ValueError(
            f"Point errors need two arrays of one shape (n, nb_points, 3), got "
            f"{original.shape} and {reconstructed.shape}."
        )
    return np.linalg.norm(original - reconstructed, axis=-1).mean(axis=1, dtype=float)


def summarize_errors(errors: np.ndarray) -> dict[str, float | None]:
    """Mean and 95th percentile of the point errors.

    Parameters
    ----------
    errors : ndarray of shape (n,)
        Mean point error of each streamline, in mm.

    Returns
    -------
    dict of str to float or None
        ``mean`` and ``p95`` over streamlines, in mm; None without streamlines.
    """
    if not len(errors):
        return {"mean": None, "p95": None}
    return {
        "mean": float(np.mean(errors)),
        "p95": float(np.percentile(errors, 95)),
    }
