"""Distances of the profiles of two sets of streamlines of a bundle."""

from __future__ import annotations

import numpy as np

PROFILE_MEASURES = {
    "mean_difference": (
        "Mean absolute difference of the mean profile from that of held-out ones."
    ),
    "w1": (
        "Wasserstein-1 distance from the values of held-out streamlines, mean over the "
        "nodes."
    ),
    "covariance": (
        "Distance of the covariance along the bundle, relative to that of held-out "
        "streamlines (Frobenius norms)."
    ),
}
"""What is measured of profiles, the first two in the unit of the value."""


def profile_distances(
    candidates: np.ndarray, reference: np.ndarray
) -> dict[str, float | None]:
    """Compare the profiles of candidates with those of reference streamlines.

    Parameters
    ----------
    candidates, reference : ndarray of shape (n, nb_nodes) and (m, nb_nodes)
        Finite values along streamlines of one bundle.

    Returns
    -------
    dict of str to float or None
        By the names of `PROFILE_MEASURES`; None without streamlines, and for the
        covariance of fewer than two or without any variance.
    """
    if not len(candidates) or not len(reference):
        return dict.fromkeys(PROFILE_MEASURES)
    difference = candidates.mean(axis=0) - reference.mean(axis=0)
    return {
        "mean_difference": float(np.abs(difference).mean()),
        "w1": float(node_w1(candidates, reference).mean()),
        "covariance": covariance_distance(candidates, reference),
    }


def node_w1(candidates: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the Wasserstein-1 distance at each node (p,) of values (n, p), (m, p)."""
    nb_ours, nb_theirs = len(candidates), len(reference)
    # Quantile functions are constant between these levels, in units of 1 / (n m).
    levels = np.union1d(
        np.arange(1, nb_ours + 1) * nb_theirs, np.arange(1, nb_theirs + 1) * nb_ours
    )
    widths = np.diff(levels, prepend=0) / (nb_ours * nb_theirs)
    ours, theirs = (
        np.sort(values, axis=0)[(levels - 1) // step]
        for values, step in ((candidates, nb_theirs), (reference, nb_ours))
    )
    return widths @ np.abs(ours - theirs)


def covariance_distance(candidates: np.ndarray, reference: np.ndarray) -> float | None:
    """Return the relative Frobenius distance of covariances along the nodes."""
    if min(len(candidates), len(reference)) < 2:
        return None
    ours, theirs = np.cov(candidates.T), np.cov(reference.T)
    size = np.linalg.norm(theirs)
    return float(np.linalg.norm(ours - theirs) / size) if size > 0 else None
