"""Distances of the profiles of two sets of streamlines of a bundle."""

from __future__ import annotations

import numpy as np

from ..measures import Estimate, mean_influence

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
    found = profile_estimates(candidates, reference)
    return {name: one and one.value for name, one in found.items()}


def profile_estimates(
    candidates: np.ndarray, reference: np.ndarray
) -> dict[str, Estimate | None]:
    """Return what `profile_distances` does, with the influence of each streamline."""
    if not len(candidates) or not len(reference):
        return dict.fromkeys(PROFILE_MEASURES)
    difference = candidates.mean(axis=0) - reference.mean(axis=0)
    sign = np.sign(difference) / len(difference)
    distances, ours, theirs = _w1(candidates, reference)
    return {
        "mean_difference": _estimate(
            np.abs(difference).mean(), candidates @ sign, -reference @ sign
        ),
        "w1": _estimate(distances.mean(), ours.mean(axis=1), theirs.mean(axis=1)),
        "covariance": _covariance(candidates, reference),
    }


def _estimate(value: float, ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Return a measure by what each streamline, (n,) and (m,), adds to a mean."""
    return Estimate(float(value), mean_influence(ours), mean_influence(theirs))


def _w1(candidates: np.ndarray, reference: np.ndarray) -> tuple:
    """Return the distance at each node (p,), and what values (n, p), (m, p) add."""
    merged = np.concatenate([candidates, reference])
    order = np.argsort(merged, axis=0, kind="stable")
    widths = np.diff(np.take_along_axis(merged, order, axis=0), axis=0)
    is_ours = order[:-1] < len(candidates)
    below = np.where(is_ours, 1 / len(candidates), -1 / len(reference))
    difference = np.cumsum(below, axis=0)
    # A value raises its distribution function everywhere above it.
    signed = np.sign(difference) * widths
    raised, added = np.zeros((2, *merged.shape))
    raised[:-1] = np.cumsum(signed[::-1], axis=0)[::-1]
    np.put_along_axis(added, order, raised, axis=0)
    distances = (np.abs(difference) * widths).sum(axis=0)
    ours, theirs = np.split(added, [len(candidates)])
    return distances, ours, -theirs


def _covariance(candidates: np.ndarray, reference: np.ndarray) -> Estimate | None:
    """Return the distance of covariances; None of few streamlines or no variance."""
    if min(len(candidates), len(reference)) < 2:
        return None
    ours, theirs = np.cov(candidates.T), np.cov(reference.T)
    size, away = np.linalg.norm(theirs), np.linalg.norm(ours - theirs)
    if not size > 0:
        return None
    # Derivatives of the distance by either matrix.
    by_ours = (ours - theirs) / (max(away, np.finfo(float).tiny) * size)
    by_theirs = -by_ours - away * theirs / size**3
    return _estimate(
        away / size, _quadratic(candidates, by_ours), _quadratic(reference, by_theirs)
    )


def _quadratic(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the quadratic form (n,) of values (n, p) less their mean."""
    values = values - values.mean(axis=0)
    return ((values @ matrix) * values).sum(axis=1)
