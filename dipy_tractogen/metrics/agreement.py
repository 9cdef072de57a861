"""Whether a generated streamline belongs to the bundle that was asked for."""

from __future__ import annotations

import numpy as np

from .neighbours import nearest


def bundle_agreement(
    candidates: np.ndarray,
    candidate_labels: np.ndarray,
    reference: np.ndarray,
    reference_labels: np.ndarray,
) -> np.ndarray:
    """Compare the bundle of each streamline with that of its nearest real one.

    Neighbouring bundles overlap, so real streamlines do not agree all the time either:
    compare with what other real streamlines reach against the same reference.

    Parameters
    ----------
    candidates : ndarray of shape (n, p, 3)
        Generated streamlines, points in mm, equally spaced.
    candidate_labels : ndarray of shape (n,)
        The bundle that each was asked for.
    reference : ndarray of shape (m, p, 3)
        Real streamlines of all bundles, points in mm, equally spaced.
    reference_labels : ndarray of shape (m,)
        Their bundles.

    Returns
    -------
    ndarray of shape (n,), bool
        True where the nearest real streamline by MDF is of the same bundle.

    Raises
    ------
    ValueError
        If there is no reference streamline, or the numbers of points differ.
    """
    _, indices = nearest(candidates, reference)
    nearest_labels = np.asarray(reference_labels)[indices[:, 0]]
    return nearest_labels == np.asarray(candidate_labels)
